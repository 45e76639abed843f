package config

import (
	"runtime"
	"strings"
	"testing"
)

// A file of authorities that is not there is told: all certificates are untrusted without it.
func TestMissingAuthorities(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the variable is of Linux")
	}
	t.Setenv("SSL_CERT_FILE", t.TempDir()+"/gone.pem")
	s := New("check", "1")
	s.readCertificates(t.Context())
	s.readCertificates(t.Context())
	if notes := s.Keys.Notes; len(notes) != 1 || !strings.Contains(notes[0], "SSL_CERT_FILE") {
		t.Errorf("%q", notes)
	}
}
