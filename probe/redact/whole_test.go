package redact

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
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

func TestNames(t *testing.T) {
	r := New()
	free := func(s string) string { return r.free("text", s) }
	for _, c := range []struct {
		f        func(string) string
		in, want string
	}{
		{r.host, "mail.contoso.com", "host-1.domain-1.example"},
		{r.host, "MAIL.Contoso.Com.", "host-1.domain-1.example"},
		{r.host, "autodiscover.contoso.com", "autodiscover.domain-1.example"},
		{r.host, "contoso.com", "domain-1.example"},
		{r.host, "*.contoso.com", "*.domain-1.example"},
		{r.host, "mail.fabrikam.co.uk", "host-1.domain-2.example"},
		{r.host, "EX01", "host-2"},
		{r.host, "ex01.corp.contoso.com", "host-2.host-3.domain-1.example"},
		{r.host, "outlook.office365.com", "outlook.office365.com"},
		{r.host, "contoso.mail.onmicrosoft.com", "host-4.mail.onmicrosoft.com"},
		{r.host, "contoso.crm4.dynamics.com", "host-4.crm4.dynamics.com"},
		{r.host, "localhost", "localhost"},
		{r.endpoint, "10.0.0.11:443", "192.0.2.1:443"},
		{r.endpoint, "10.0.0.12:443", "192.0.2.2:443"},
		{r.endpoint, "10.0.0.11", "192.0.2.1"},
		{r.endpoint, "[2001:db8:1::5]:443", "[2001:db8::1]:443"},
		{r.endpoint, "127.0.0.1:8443", "127.0.0.1:8443"},
		{r.endpoint, "mail.contoso.com:8443", "host-1.domain-1.example:8443"},
		{r.user, `CONTOSO\svc-crm`, `nt-1\account-1`},
		{r.user, "svc-crm@contoso.com", "account-1@domain-1.example"},
		{r.user, "SVC-CRM", "account-1"},
		{r.user, "anna@contoso.mail.onmicrosoft.com", "account-2@host-4.mail.onmicrosoft.com"},
		{r.tenant, "c0ffee00-1111-2222-3333-c0ffee0c0ffe", "00000000-0000-0000-0000-000000000001"},
		{r.tenant, "00000002-0000-0ff1-ce00-000000000000", "00000002-0000-0ff1-ce00-000000000000"},
		{r.url, "https://mail.contoso.com/EWS/Exchange.asmx", "https://host-1.domain-1.example/EWS/Exchange.asmx"},
		{r.url, "https://mail.contoso.com/owa/auth/errorFE.aspx?httpCode=500", "https://host-1.domain-1.example/owa/auth/errorFE.aspx?redacted"},
		{r.url, "/ews/genericerrorpage.htm?aspxerrorpath=/EWS/Exchange.asmx", "/ews/genericerrorpage.htm?redacted"},
		{r.service, "HTTP/mail.contoso.com@CONTOSO.COM", "HTTP/host-1.domain-1.example@domain-1.example"},
		{r.line, "lookup mail.contoso.com: no such host", "lookup host-1.domain-1.example: no such host"},
		{r.line, "EX01 answered svc-crm at 10.0.0.11:443 after 12ms", "host-2 answered account-1 at 192.0.2.1:443 after 12ms"},
		{r.line, "the server ended the connection", "the server ended the connection"},
		{r.line, "CONTOSO\\anna, S-1-5-21-1-2-3-1105: 1.2.3", "nt-1\\account-2, [sid-1]: 1.2.3"},
		{r.line, "EX01's answer, 'svc-crm' of \"mail.contoso.com\"", "host-2's answer, 'account-1' of \"host-1.domain-1.example\""},
		{r.line, "open /home/anna/pw.txt: no such file", "open [path-1]: no such file"},
		{free, "hunter2 again: hunter2", "[text-1]"},
		{free, "The request failed. ErrorAccessDenied at 10.1.2.3, HTTP status 401: Unauthorized", "ErrorAccessDenied … 401 [text-2]"},
		{free, "15.77.66.55 0x0a4d4237 0315.0115.0102.067 172573239 2130706433 8005E274x", "[text-3]"},
		{r.build, "15.2.1544.11", "15.2.1544.11"},
		{r.build, "15.77.66.55", "192.0.2.3"},
		{r.build, "15.2.221.12", "15.2.221.12"},
		{r.build, "15.20.7897.021", "15.20.7897.021"},
		{r.build, "0x0a4d4237", "[text-4]"},
		{r.build, "017.0115.0102.067", "[text-5]"},
		{r.build, "15.2.1", "[text-6]"},
		{r.cookie, "sid=[value not kept]", "cookie-1=[value not kept]"},
	} {
		if got := c.f(c.in); got != c.want {
			t.Errorf("%q became %q, want %q", c.in, got, c.want)
		}
	}
}

// Alerts that Dynamics wrote down are still recognised.
func TestAlertsStay(t *testing.T) {
	for _, text := range []string{
		"Http server returned 401 Unauthorized exception. The mailbox anna@canary7.example could not be opened.",
		`{"Error":"NoUserFoundWithGivenClaims","tenant":"canary7.onmicrosoft.com"}`,
		"The user does not exist in tenant canary7",
		"ErrorQuotaExceeded for canary7",
		"8005E274: canary7",
	} {
		got := New().free("alert", text)
		var a, b []string
		for _, m := range finding.MatchAlert(text) {
			a = append(a, m.Key)
		}
		for _, m := range finding.MatchAlert(got) {
			b = append(b, m.Key)
		}
		if len(a) == 0 || !cmp.Equal(a, b) || strings.Contains(strings.ToLower(got), "canary7") {
			t.Errorf("%q became %q: alerts %v, were %v", text, got, b, a)
		}
	}
}

func FuzzFree(f *testing.F) {
	f.Add("EX01 answered svc-crm at 10.0.0.11:443, https://mail.contoso.com/x?y=z [::1]:443")
	f.Fuzz(func(t *testing.T, s string) {
		got := New().free("text", s+" canary7x "+s)
		if strings.Contains(strings.ToLower(got), "canary7x") {
			t.Errorf("%q", got)
		}
	})
}

// What a refusal of a token is known by stays, and what it names does not.
func TestDiagnosticsKeepTheirReason(t *testing.T) {
	for _, field := range []string{
		`2000001;reason="The issuer of the token is unknown. Issuer was 'https://sts.windows.net/6f1c2a4e-8f0b-4d6e-9a57-3b1d0e5c7a92/'.";error_category="invalid_token"`,
		`2000003;reason="Expected 'https://mail.contoso.com'. Actual 'http://ex01.contoso.local'";error_category="invalid_resource"`,
		`2000008;reason="No scope at contoso";error_category="invalid_grant"`,
		`3000000;reason="contoso";error_category="contoso"`,
	} {
		r := New()
		once := r.field("x-ms-diagnostics", field)
		before, after := challenge.Diagnostics([]string{field})[0], challenge.Diagnostics([]string{once})[0]
		was, is := finding.TokenRefusal(before.Number, before.Reason), finding.TokenRefusal(after.Number, after.Reason)
		if was.Reason != is.Reason || before.Number != after.Number || strings.Contains(once, "contoso") || strings.Contains(once, "6f1c2a4e") || len(before.Quoted()) != len(after.Quoted()) {
			t.Errorf("%s: %s", field, once)
		}
		if twice := r.field("x-ms-diagnostics", once); twice != once {
			t.Errorf("%s, again: %s", once, twice)
		}
	}
}
