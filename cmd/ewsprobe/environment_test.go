package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// dynamicsArgs are the flags that read a stand-in's Dynamics.
func dynamicsArgs(t *testing.T, s *standin.Server, more ...string) []string {
	t.Helper()
	dir := t.TempDir()
	file := func(name, content string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	return append([]string{
		"--dynamics-url", s.CloudURL(), "--entra-url", s.CloudURL(), "--ca-file", file("ca.pem", string(s.CA())),
		"--dynamics-client-id", standin.ApplicationID, "--dynamics-client-secret-file", file("secret", standin.ApplicationSecret),
		"--password-file=" + file("password", standin.Password), "--exchange-online-url", s.CloudURL(), "--address", s.Addresses()[0],
	}, more...)
}

func dynamicsCloud(d standin.Dataverse, change ...func(*standin.Cloud)) standin.Behaviour {
	c := standin.Cloud{DynamicsTenant: standin.Tenant, Dataverse: &d}
	for _, f := range change {
		f(&c)
	}
	return standin.Behaviour{Basic: true, Crowd: &standin.Crowd{Mailboxes: 250}, Cloud: &c}
}

// A list of mailboxes that breaks off: the rows so far, and what is missing.
func TestBatchOfACutList(t *testing.T) {
	for _, broken := range []string{"", "cut", "page"} {
		server := begin(t, dynamicsCloud(standin.Dataverse{Mailboxes: 250, Broken: broken}), standin.Options{})
		got := program{}.run(t, append([]string{"batch", asJSON}, dynamicsArgs(t, server)...)...)
		lines := strings.Split(strings.TrimSpace(got.out), "\n")
		last := lines[len(lines)-1]
		rows, exit := 100, 3
		if broken == "" {
			rows, exit = 250, 0
		}
		if got.exit != exit || len(lines) != rows+1 || strings.Contains(last, "dynamics-unreadable") != (broken != "") {
			t.Errorf("%q: exit code %d, %d lines; %s\n%.600s", broken, got.exit, len(lines), got.err, last)
		}
	}
}

// The secret goes to Entra and the token to Dynamics, and neither into any output, also
// where Dynamics repeats what it is sent.
func TestNoLeakOfDynamics(t *testing.T) {
	slow(t)
	forms := func() map[string]string {
		all := tokenForms()
		for form, text := range spellings(standin.ApplicationSecret) {
			all["secret, "+form] = text
		}
		return all
	}
	for name, echo := range map[string]bool{"taken": false, "repeated": true} {
		t.Run(name, func(t *testing.T) {
			server := begin(t, dynamicsCloud(standin.Dataverse{Alert: "401"}, func(c *standin.Cloud) { c.Echo = echo }), standin.Options{})
			silent(t, append([]string{"check"}, dynamicsArgs(t, server, "--mailbox", standin.CrowdMailbox(1))...), forms)
			tokens := 0
			for _, q := range server.CloudRequests() {
				if data := strings.HasPrefix(q.Path, "/api/data/v9.2/"); q.Authorized && !data || q.Secret != strings.HasSuffix(q.Path, "/oauth2/v2.0/token") {
					t.Errorf("%s %s carried a token: %v, a secret: %v", q.Method, q.Path, q.Authorized, q.Secret)
				}
				if q.Authorized {
					tokens++
				}
			}
			if tokens == 0 && !echo {
				t.Error("no token was sent: this shows nothing")
			}
			for _, q := range server.View().Requests {
				if q.Message == standin.MessageBearer {
					t.Error("the token reached EWS")
				}
			}
		})
	}
}
