package standin

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// curl is a client nobody here wrote: what it gets is what others get.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	refuses := everyScheme.but(func(b *Behaviour) { b.BasicRefuses = true })
	required := windowsOnly.but(func(b *Behaviour) { b.ExtendedProtection = ExtendedProtectionRequire })
	allowed := windowsOnly.but(func(b *Behaviour) { b.ExtendedProtection, b.Bridged = ExtendedProtectionAllow, true })
	tests := []struct {
		name, option   string
		behaviour      Behaviour
		user, password string
		status         int
		good, bad      int
	}{
		{"basic", "--basic", everyScheme, UPN, Password, 200, 1, 0},
		{"basic, domain", "--basic", everyScheme, User, Password, 200, 1, 0},
		{"basic, wrong", "--basic", everyScheme, UPN, WrongPassword, 401, 0, 1},
		{"basic, locked", "--basic", everyScheme, LockedUser, Password, 401, 0, 0},
		{"basic, refusing", "--basic", refuses, UPN, Password, 401, 0, 0},
		{"basic, off", "--basic", windowsOnly, UPN, Password, 401, 0, 0},
		{"basic, joined", "--basic", everyScheme.but(func(b *Behaviour) { b.Headers = HeadersJoined }), UPN, Password, 200, 1, 0},
		{"ntlm", "--ntlm", everyScheme, UPN, Password, 200, 1, 0},
		{"ntlm, domain", "--ntlm", windowsOnly, User, Password, 200, 1, 0},
		{"ntlm, bare name", "--ntlm", windowsOnly, "svc-crm", Password, 200, 1, 0},
		{"ntlm, wrong", "--ntlm", windowsOnly, UPN, WrongPassword, 401, 0, 1},
		{"ntlm, locked", "--ntlm", windowsOnly, LockedUser, Password, 401, 0, 0},
		{"ntlm, off", "--ntlm", basicOnly, UPN, Password, 401, 0, 0},
		{"ntlm, odd case", "--ntlm", windowsOnly.but(func(b *Behaviour) { b.Headers = HeadersOddCase }), UPN, Password, 200, 1, 0},
		{"ntlm without binding, allowed", "--ntlm", allowed, UPN, Password, 200, 1, 0},
		{"ntlm without binding, required", "--ntlm", required, UPN, Password, 401, 0, 0},
		{"any", "--anyauth", basicOnly, UPN, Password, 200, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, test.behaviour)
			if status := curl(t, s, test.option, test.user, test.password); status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
			if view := s.View(); view.GoodLogons != test.good || view.BadLogons != test.bad {
				t.Errorf("%d good, %d bad logons, want %d, %d\n%+v", view.GoodLogons, view.BadLogons, test.good, test.bad, view.Requests)
			}
		})
	}
}

// Exchange takes SOAP 1.1 alone, and HTTP/1.0 too.
func TestCurlOtherForms(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	for _, test := range []struct {
		kind, option string
		status       int
	}{
		{"text/xml; charset=utf-8", "--http1.0", 200},
		{"text/plain", "--basic", 415},
		{"application/soap+xml; charset=utf-8", "--basic", 415},
	} {
		s := start(t, everyScheme)
		if status := curlOf(t, s, test.kind, test.option, UPN, Password); status != test.status {
			t.Errorf("%s %s: status %d, want %d", test.kind, test.option, status, test.status)
		}
	}
}

// curl runs one request and returns the last status it saw.
func curl(t *testing.T, s *Server, option, user, password string) int {
	t.Helper()
	return curlOf(t, s, "text/xml; charset=utf-8", option, user, password)
}

// curlOf is curl with a body that it says is of a type.
func curlOf(t *testing.T, s *Server, kind, option, user, password string) int {
	t.Helper()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, s.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, "curl", "--silent", "--show-error", "--disable", "--noproxy", "*", "--config", "-",
		"--cacert", authority, "--connect-to", "::"+s.Addresses()[0], option, "--output", os.DevNull, "--write-out", "%{http_code}",
		"--header", "Content-Type: "+kind, "--data-binary", findInbox("", ""), s.URL())
	command.Stdin = bytes.NewBufferString("user = " + strconv.Quote(user+":"+password) + "\n")
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Fatalf("curl: %v: %s", err, problems.String())
	}
	status, err := strconv.Atoi(string(output))
	if err != nil {
		t.Fatal(err)
	}
	return status
}
