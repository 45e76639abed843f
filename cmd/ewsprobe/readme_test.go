package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// Every ewsprobe command of the README's code blocks runs as it stands there, with
// the names of the example's world exchanged for those of the stand-in. (The recipes
// for shells and Kubernetes have a test of their own.)
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(raw), "\\\n", " ")
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^ {4,8}(?:\$ )?ewsprobe ((?:check|batch|merge|diff|diagnose|explain) [^|#\n]*)$`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[1], "*") && !strings.Contains(m[1], "$") && !strings.Contains(m[1], "<") {
			lines = append(lines, m[1])
		}
	}
	if len(lines) < 8 {
		t.Fatalf("only %d commands were found: %q", len(lines), lines)
	}
	b := everyScheme
	b.Directory, b.Autodiscover, b.Crowd = true, standin.AutodiscoverSettings, &standin.Crowd{Mailboxes: 3}
	b.Cloud = &standin.Cloud{Location: standin.LocationElsewhere, DomainTenant: standin.Tenant, DynamicsTenant: standin.Tenant}
	s := begin(t, b, standin.Options{})
	dir := t.TempDir()
	files := map[string]string{
		"ca.pem":        string(s.CA()),
		"profile.csv":   "Name,Email Server Type,Incoming Server Location,Incoming Authentication Protocol,Incoming Use Impersonation,Incoming User Name\nContoso,Exchange Server (Hybrid)," + s.URL() + ",Basic,Yes," + standin.UPN + "\n",
		"mailboxes.csv": "Email Address\n" + standin.CrowdMailbox(1) + "\n" + standin.CrowdMailbox(2) + "\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range lines {
		line, to, appended := strings.Cut(strings.ReplaceAll(line, ">>", ">"), ">")
		var args []string
		for _, word := range strings.Fields(line) {
			word = strings.Trim(word, `"`)
			switch {
			case regexp.MustCompile(`^[\w.-]+\.(csv|jsonl|json|yaml)$|^state$`).MatchString(word):
				word = filepath.Join(dir, word)
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
