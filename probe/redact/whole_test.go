package redact

import (
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestWhole has the kinds that are replaced as a whole, each by numbers of its own.
func TestWhole(t *testing.T) {
	for kind, want := range map[string]string{
		"netbios": "nt-1", "certificate": "certificate-1", "subject": "CN=subject-1", "issuer": "CN=issuer-1",
		"context": "CN=Configuration,DC=domain-1", "site": "site-1", "profile": "profile-1",
	} {
		if got := New().text(evidence.Field{Kind: kind}, "Contoso"); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}
