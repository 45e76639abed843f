package challenge

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestCaptures reads the challenges of every recorded answer: the schemes in
// the server's order and the realm of Basic. An answer that is not in the
// table offers nothing.
func TestCaptures(t *testing.T) {
	want := map[string]struct{ schemes, realm string }{
		"wa-001": {"Negotiate NTLM", ""},
		"wa-003": {"Negotiate NTLM", ""},
		"wa-005": {"Negotiate NTLM Basic", "mail.contoso.com"},
		"wa-007": {"Negotiate NTLM", ""},
		"wa-009": {"Negotiate Kerberos NTLM Basic", "autodiscover.contoso.com"},
		"wa-011": {"Negotiate NTLM Basic", "10.0.0.10"},
		"wa-013": {"Basic Negotiate NTLM", "autodiscover.contoso.com"},
		"wa-015": {"Bearer Negotiate NTLM Basic", "ex01.contoso.com"},
		"wa-017": {"Basic Bearer", "mail.contoso.com"},
		"wa-019": {"Basic Bearer", "mail.contoso.com"},
		"wa-021": {"Bearer Basic", "mail.contoso.com"},
		"eo-002": {"Bearer Basic", ""},
		"eo-004": {"Bearer Basic", ""},
		"eo-005": {"Basic Negotiate", ""},
		"eo-015": {"Bearer", ""},
		"nt-001": {"NTLM", ""},
		"nt-003": {"NTLM", ""},
		"nt-005": {"NTLM", ""},
		"nt-007": {"Negotiate", ""},
		"nt-009": {"NTLM", ""},
		"nt-011": {"NTLM", ""},
		"nt-013": {"NTLM", ""},
		"nt-015": {"NTLM", ""},
	}
	for _, c := range readCaptures(t) {
		cs := Parse(c.values())
		var schemes []string
		for _, one := range cs {
			schemes = append(schemes, one.Scheme)
		}
		if got := strings.Join(schemes, " "); got != want[c.ID].schemes {
			t.Errorf("%s: schemes %q, want %q", c.ID, got, want[c.ID].schemes)
		}
		basic, _ := Find(cs, "Basic")
		if realm, _ := basic.Param("realm"); realm != want[c.ID].realm {
			t.Errorf("%s: realm %q, want %q", c.ID, realm, want[c.ID].realm)
		}
		if strings.HasPrefix(c.ID, "nt-") {
			message, err := base64.StdEncoding.DecodeString(cs[0].Token)
			if err != nil || !strings.HasPrefix(string(message), "NTLMSSP\x00\x02") {
				t.Errorf("%s: %q is no NTLM challenge (%v)", c.ID, message, err)
			}
		}
		delete(want, c.ID)
	}
	for id := range want {
		t.Errorf("%s: not among the captures", id)
	}
}

// TestCapturedBearer reads the parameters that say whose tokens are taken.
func TestCapturedBearer(t *testing.T) {
	const (
		exchange  = "client_id=00000002-0000-0ff1-ce00-000000000000"
		types     = ";token_types=app_asserted_user_v1 service_asserted_app_v1"
		invalid   = ";error=invalid_token"
		authorize = ";authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize"
	)
	want := map[string]string{
		"wa-015": exchange + types + invalid,
		"wa-017": exchange + types + invalid,
		"wa-019": exchange + types + invalid,
		"wa-021": exchange + ";trusted_issuers=00000001-0000-0000-c000-000000000000@1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a" + types + invalid,
		"eo-002": exchange + ";trusted_issuers=00000001-0000-0000-c000-000000000000@*" + types + authorize,
		"eo-004": "client_id=00000000-0000-0000-0000-000000000000;trusted_issuers=00000000-0000-0000-0000-000000000000@*" + types + authorize + invalid,
		"eo-015": exchange + ";trusted_issuers=00000001-0000-0000-c000-000000000000@*" + types + authorize + invalid,
	}
	for _, c := range readCaptures(t) {
		bearer, ok := Find(Parse(c.values()), "Bearer")
		if !ok {
			continue
		}
		if got := brief([]Challenge{bearer}); got != "Bearer("+want[c.ID]+")" {
			t.Errorf("%s:\n got %s\nwant Bearer(%s)", c.ID, got, want[c.ID])
		}
	}
}
