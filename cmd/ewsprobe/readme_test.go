package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/guide"
)

func readme(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The README is one page: whoever needs more finds a guide.
func TestReadmeIsShort(t *testing.T) {
	text := readme(t)
	if n := len(strings.Fields(text)); n > 1000 {
		t.Errorf("%d words", n)
	}
	for _, name := range guide.Names() {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("it does not lead to the guide %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("..", "..", m[1])); err != nil && !strings.HasPrefix(m[1], "https://") {
			t.Errorf("a link is dead: %v", err)
		}
	}
}

// unplayed are flags that the server of TestTextCommands has nothing for.
var unplayed = regexp.MustCompile(`--(config|watch|current-user|keytab|ccache|password-from-keyring|hma-[a-z-]+|dynamics-[ct][a-z-]+|client-id|token-file)\b`)

// commandsOf are the ewsprobe commands that stand in the code of a text as they would be
// typed. The recipes for shells and Kubernetes have a test of their own.
func commandsOf(text string) []string {
	var lines []string
	code := regexp.MustCompile(`(?m)^ {0,8}ewsprobe ((?:check|batch|merge|diff|diagnose|explain|schema) [^|#\n]*)$`)
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		if !strings.ContainsAny(m[1], "*$<\\") {
			lines = append(lines, m[1])
		}
	}
	return lines
}

// Every ewsprobe command in the code of the README and of the guides runs as it stands
// there, with the names of the example's world exchanged for those of the stand-in.
func TestTextCommands(t *testing.T) {
	t.Parallel()
	lines := commandsOf(readme(t))
	if len(lines) < 3 {
		t.Fatalf("only %d commands were found in the README: %q", len(lines), lines)
	}
	for _, name := range guide.Names() {
		text := guide.Source(name)
		for _, line := range commandsOf(text) {
			if !slices.Contains(lines, line) && !unplayed.MatchString(line) {
				lines = append(lines, line)
			}
		}
	}
	// Those that append to a file write what others read.
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Count(b, ">>") - strings.Count(a, ">>") })
	if len(lines) < 15 {
		t.Fatalf("only %d commands were found: %q", len(lines), lines)
	}
	b := everyScheme
	b.Directory, b.Autodiscover, b.Crowd = true, standin.AutodiscoverSettings, &standin.Crowd{Mailboxes: 3}
	b.Cloud = &standin.Cloud{Location: standin.LocationElsewhere, DomainTenant: standin.Tenant, DynamicsTenant: standin.Tenant}
	s := begin(t, b, standin.Options{})
	dir := t.TempDir()
	files := map[string]string{
		"ca.pem":        string(s.CA()),
		"password.csv":  standin.Password + "\n",
		"profile.csv":   "Name,Email Server Type,Incoming Server Location,Incoming Authentication Protocol,Incoming Use Impersonation,Incoming User Name\nContoso,Exchange Server (Hybrid)," + s.URL() + ",Basic,Yes," + standin.UPN + "\n",
		"mailboxes.csv": "Email Address\n" + standin.CrowdMailbox(1) + "\n" + standin.CrowdMailbox(2) + "\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"report", "inside", "outside", "before", "after"} {
		o := program{}.run(t, "check", "--no-credentials", "--format", "json", "--ca-file", filepath.Join(dir, "ca.pem"), "--address", s.Addresses()[0], s.URL())
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(o.out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range lines {
		line, to, appended := strings.Cut(strings.ReplaceAll(line, ">>", ">"), ">")
		var args []string
		for _, word := range strings.Fields(line) {
			word = strings.Trim(word, `"`)
			switch {
			case regexp.MustCompile(`^[\w.-]+\.(csv|jsonl|json|yaml|html)$|^state$`).MatchString(word):
				word = filepath.Join(dir, word)
			case word == "/etc/ewsprobe.pw":
				word = filepath.Join(dir, "password.csv")
			case word == "10.0.0.11":
				word = s.Addresses()[0]
			case word == "dc1.contoso.com":
				word = s.Controller()
			case strings.HasSuffix(word, ".dynamics.com"):
				word = s.CloudURL()
			}
			args = append(args, word)
		}
		if args[0] == "check" || args[0] == "batch" {
			args = append(args, "--ca-file", filepath.Join(dir, "ca.pem"), "--address", s.Addresses()[0])
			if strings.Contains(line, "--dynamics-url") {
				args = append(args, "--entra-url", s.CloudURL(), "--exchange-online-url", s.CloudURL(), "--graph-url", s.CloudURL())
			}
			if strings.HasSuffix(strings.TrimSpace(line), " "+standin.Mailbox) && !strings.Contains(line, "--profile") {
				args = append(args, "--autodiscover", s.AutodiscoverURL())
			}
		}
		o := program{env: []string{"EWSPROBE_PASSWORD=" + standin.Password}}.run(t, args...)
		if o.exit == 3 || strings.TrimSpace(o.out) == "" {
			t.Errorf("ewsprobe %s: exit %d\n%s%s", strings.Join(args, " "), o.exit, o.out, o.err)
		}
		if appended {
			if err := os.WriteFile(filepath.Join(dir, strings.TrimSpace(to)), []byte(o.out), 0o600); err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(to, ".jsonl") && !json.Valid([]byte(strings.SplitN(o.out, "\n", 2)[0])) {
				t.Errorf("%s: no line of JSON", line)
			}
		}
	}
}
