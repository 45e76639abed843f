package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// advice is what these tests need of a report.
type advice struct {
	told
	Findings []struct {
		Code     string `json:"code"`
		Remedies []struct {
			Text    string `json:"text"`
			Command string `json:"command"`
		} `json:"remedies"`
	} `json:"findings"`
}

// Every command of this program that a report prints is run where it was printed:
// against the same server, with the same memory of refused passwords. It is
// accepted, it reaches what the check reached, no refusal is in its way, and what is
// to check again comes to the same end as long as nothing was changed.
func TestPrintedCommands(t *testing.T) {
	for _, s := range some(standin.Scenarios()) {
		if s.Expect.Code == "ok" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			server := begin(t, s.Behaviour, standin.Options{})
			state := t.TempDir()
			line := lineTo(server, s.Check).args(t, asJSON)
			first := program{state: state}.run(t, line...)
			var r advice
			if err := json.Unmarshal([]byte(first.out), &r); err != nil {
				t.Fatal(err)
			}
			done := map[string]bool{}
			for _, f := range r.Findings {
				for _, m := range f.Remedies {
					if !strings.HasPrefix(m.Command, "ewsprobe ") || done[m.Command] || strings.HasSuffix(m.Command, "--help") {
						continue
					}
					done[m.Command] = true
					carriesOver(t, m.Command, line)
					runPrinted(t, server, s, state, m.Command, m.Text, r)
				}
			}
		})
	}
}

// carriesOver: what was given of trust, address and password is in the command.
func carriesOver(t *testing.T, command string, line []string) {
	t.Helper()
	has := func(flag string) bool { return strings.Contains(command, " "+flag+" ") }
	for i, flag := range line {
		switch flag {
		case "--ca-file", "--view", "--profile-auth", "--timeout":
			if !has(flag) {
				t.Errorf("%s is lost: %s", flag, command)
			}
		case "--address":
			if !has("--address IP") && !strings.Contains(command, "--address "+line[i+1]) && !strings.Contains(command, "https://HOST/") {
				t.Errorf("%s is lost: %s", flag, command)
			}
		case "--password-file":
			if !has(flag) && !has("--no-credentials") && !has("--ccache FILE") {
				t.Errorf("%s is lost: %s", flag, command)
			}
		}
	}
}

var word = regexp.MustCompile(`"[^"]*"|\S+`)

// runPrinted runs a command as it stands; where the reader has to put something in,
// the scenario's own is put in.
func runPrinted(t *testing.T, server *standin.Server, s standin.Scenario, state, command, text string, before advice) {
	t.Helper()
	put := map[string]string{
		"IP": server.Addresses()[0], "DC": server.Controller(), "<USER>": standin.UPN, "<MAILBOX>": "anna@contoso.com",
		"PRIMARY-ADDRESS": "anna@contoso.com", "user@domain": standin.UPN, "URL": server.CloudURL(), "HTTP/NAME": "HTTP/mail.contoso.com",
		"90s": "3s",
	}
	args := word.FindAllString(command, -1)[1:]
	for i, a := range args {
		a = strings.Trim(a, `"`)
		switch was := args[i-min(i, 1)]; {
		case a == "FILE" && was == "--token-file":
			a = save(t, "token.txt", []byte(standin.Token+"\n"))
		case strings.EqualFold(a, "ca.pem"):
			a = save(t, "ca.pem", server.CA())
		case a == "record.json":
			a = t.TempDir() + "/record.json"
		case strings.HasPrefix(a, "https://HOST/"):
			a = strings.Replace(server.URL(), "http://", "https://", 1)
		case put[a] != "":
			a = put[a]
		}
		args[i] = a
	}
	if strings.Contains(command, "https://HOST/") && !slices.Contains(args, "--address") {
		args = append(args, "--address", server.Addresses()[0]) // of the host that is put in
	}
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(state)); err != nil {
		t.Fatal(err)
	}
	p := program{state: copied}
	if !slices.Contains(args, "--password-file") {
		p.env = []string{"EWSPROBE_PASSWORD=" + standin.Password}
	}
	got := p.run(t, append(args, asJSON)...)
	r := got.report(t)
	if code := r.Verdict.Code; code == "bad-usage" || code == "config-invalid" {
		t.Errorf("%s\nis refused: %s", command, r.Verdict.Summary)
		return
	}
	if !askedAny(r) && askedAny(before.told) {
		t.Errorf("%s\nasks nobody: %s", command, r.Verdict.Summary)
	}
	for _, a := range r.Attempts {
		if strings.Contains(a.Why, "password was refused") {
			t.Errorf("%s\nis kept from signing in: %s", command, a.Why)
		}
	}
	switch again := strings.Contains(text, "heck again") || strings.Contains(text, "check once,"); {
	case strings.Contains(text, "with the primary address"):
		if r.Verdict.Code == before.Verdict.Code {
			t.Errorf("%s\nis %s again", command, r.Verdict.Code)
		}
	case again && r.Verdict.Code != before.Verdict.Code && !strings.Contains(command, "<USER>"):
		t.Errorf("%q\n%s\nis %s %s, and was %s", text, command, r.Verdict.Code, r.Verdict.Summary, before.Verdict.Code)
	}
}

// askedAny: a server was asked something.
func askedAny(r told) bool {
	return slices.ContainsFunc(r.Evidence, func(i item) bool { return i.Connection > 0 })
}
