package rule

import (
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

const (
	hybridTenant = "6f1c2a4e-8f0b-4d6e-9a57-3b1d0e5c7a92"
	applicant    = "c2b4d9a1-6e3f-4f0d-8a57-9b1e2c3d4f50"
	trusting     = `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@` + hybridTenant +
		`", authorization_uri="https://login.windows.net/common/oauth2/authorize"`
)

// hma makes the check one with an application.
func hma(proof string) option {
	return func(b *builder) {
		t := &b.rec.Target
		t.ProfileAuth, t.Credentials = "oauth", false
		t.HMA = &evidence.HMA{Tenant: hybridTenant, Application: applicant, Proof: proof}
		ask("NTLM")(b)
		bearer(exchange("WWW-Authenticate", trusting))(b)
	}
}

// entra is what came of the request for a token.
func entra(status int, set func(*evidence.Token)) option {
	return func(b *builder) {
		soon := noon.Add(time.Hour)
		t := &evidence.Token{
			Host: "login.microsoftonline.com", Tenant: hybridTenant, Application: applicant, Scope: "https://mail.contoso.com/.default", Proof: b.rec.Target.HMA.Proof,
			Claims: &evidence.Claims{
				Version: "1.0", Audience: "https://mail.contoso.com", Issuer: "https://sts.windows.net/" + hybridTenant + "/", Tenant: hybridTenant,
				Application: applicant, Roles: []string{"full_access_as_app"}, Expires: &soon,
			},
			Certificate: &evidence.Certificate{NotAfter: noon.AddDate(1, 0, 0)},
		}
		set(t)
		b.add(evidence.Item{Step: evidence.StepHMAToken, Token: t, Response: &evidence.Response{Status: status}})
		b.rec.Items[len(b.rec.Items)-1].Address = ""
	}
}

func issued(*evidence.Token) {}

func refusedBy(number int) func(*evidence.Token) {
	return func(t *evidence.Token) {
		t.Claims = nil
		if number != 0 {
			t.Codes, t.Error, t.Correlation = []int{number}, "invalid_client", "99999999-8888-7777-6666-555555555555"
		}
		t.Problem = "as told"
	}
}

// used is the answer to the token.
func used(status int, headers ...string) option {
	return logon("Bearer", status, func(i *evidence.Item) {
		i.Logon.Account, i.Logon.Binding = applicant, ""
		i.Response.Headers = exchange(headers...)
		if status == 403 {
			i.Logon.Result = evidence.Refused
		}
	})
}

var hmaCases = []verdictCase{
	{"a token is taken", record(hma("certificate"), mailbox("anna@contoso.com"), entra(200, issued), used(200)), "ok ok confirmed", ""},
	{"a token is taken, and no mailbox was asked for", record(hma("certificate"), entra(200, issued), used(500, "X", "Y"), func(b *builder) {
		b.rec.Items[len(b.rec.Items)-1].EWS = &evidence.EWS{Kind: "fault", Code: needsImpersonation}
	}), "ok ok confirmed", ""},
	{"Entra refuses", record(hma("certificate"), entra(401, refusedBy(700027))), "critical token-not-issued confirmed", ""},
	{"Entra refuses with a number that is not documented", record(hma("certificate"), entra(401, refusedBy(700024))), "critical token-not-issued likely", ""},
	{"Entra asks for patience", record(hma("certificate"), entra(429, refusedBy(0))), "unknown token-not-issued confirmed", ""},
	{"Entra is in trouble", record(hma("certificate"), entra(400, refusedBy(90033))), "unknown token-not-issued confirmed", ""},
	{"who answers is not Entra", record(hma("certificate"), entra(200, refusedBy(0))), "unknown token-not-issued confirmed", ""},
	{"Exchange refuses", record(hma("certificate"), entra(200, issued), used(401, "x-ms-diagnostics", `2000000;reason="The token has an invalid signature.";error_category="invalid_signature"`)), "critical token-refused confirmed", ""},
	{"Exchange refuses without a word", record(hma("certificate"), entra(200, issued), used(401)), "critical token-refused undetermined", ""},
	{"403 without a word", record(hma("certificate"), entra(200, issued), used(403)), "critical token-refused likely", ""},
	{"403 and no role in the token", record(hma("certificate"), entra(200, func(t *evidence.Token) { t.Claims.Roles = nil }), used(403, "x-ms-diagnostics", `2000008;reason="The token contains not enough scope to make this call.";error_category="invalid_grant"`)), "critical token-refused confirmed", ""},
	{"403 in spite of the role", record(hma("certificate"), entra(200, issued), used(403, "x-ms-diagnostics", `2000008;reason="x";error_category="invalid_grant"`)), "critical token-refused likely", ""},
	{"another tenant", record(hma("certificate"), entra(200, func(t *evidence.Token) { t.Claims.Tenant = "0b5f7c1e-43d2-4a8f-b6c0-91e2d47f3a65" }), notSent("Bearer", "another tenant")), "critical tenant-differs confirmed", ""},
	{"the certificate ends soon", record(hma("certificate"), mailbox("anna@contoso.com"), entra(200, func(t *evidence.Token) { t.Certificate.NotAfter = noon.AddDate(0, 0, 9) }), used(200)), "warning hma-certificate-expiring confirmed", ""},
	{"the certificate has ended", record(hma("certificate"), entra(0, func(t *evidence.Token) {
		t.Claims, t.Certificate.NotAfter, t.Detail = nil, noon.AddDate(0, 0, -1), evidence.Say("application-expired", "2026-11-22")
	})), "critical token-not-issued confirmed", ""},
	{"a token that is not answered decides nothing", record(hma("certificate"), entra(200, issued), used(502)), "unknown server-error confirmed", ""},
}

// Every number of Entra and of Exchange leads to its reason, in this table's words.
func TestReasonsOfTokens(t *testing.T) {
	entraReasons := map[string][]int{
		"resource-unknown": {500011, 50001}, "application-unknown": {700016}, "application-disabled": {7000112, 70001},
		"certificate-unknown": {700027, 50012, 700030, 7000214, 700211, 700212, 700213}, "clock": {500133, 700024}, "secret-wrong": {7000215},
		"tenant-unknown": {90002, 90038, 900382, 900432, 50194, 9001023}, "consent-missing": {65001, 650056, 650057, 501051, 50105},
		"conditional-access": {53003, 530032, 530034, 530035}, "throttled": {90055, 50196}, "certificate-expired": {7000222},
		"other": {50027, 50048, 50013, 65005, 700025, 7000218, 1002012, 123456},
	}
	for reason, numbers := range entraReasons {
		for _, number := range numbers {
			j := Judge(record(hma("certificate"), entra(401, refusedBy(number))))
			if j.Verdict.Code != "token-not-issued" || j.Verdict.Reason != reason {
				t.Errorf("AADSTS%d: %s %q, want %q", number, j.Verdict.Code, j.Verdict.Reason, reason)
			}
			if f := j.Findings[0]; !strings.Contains(f.Summary+f.Detail, "AADSTS") || !strings.Contains(f.Detail, "99999999-8888") {
				t.Errorf("AADSTS%d: %s %s", number, f.Summary, f.Detail)
			}
		}
	}
	if j := Judge(record(hma("secret"), entra(401, refusedBy(7000222)))); j.Verdict.Reason != "secret-expired" {
		t.Errorf("7000222 with a secret: %q", j.Verdict.Reason)
	}
	for said, reason := range map[string]string{
		`2000000;reason="The token has an invalid signature.";error_category="invalid_signature"`:                                                                   "signature",
		`2000001;reason="The issuer of the token is unknown. Issuer was 'x'.";error_category="invalid_token"`:                                                       "issuer",
		`2000001;reason="The audience claim value is invalid 'x'.";error_category="invalid_token"`:                                                                  "audience",
		`2000001;reason="This token profile 'V1S2SAppOnly' is not applicable for the current protocol.";error_category="invalid_token"`:                             "protocol",
		`2000001;reason="The token has invalid value 'x' for the claim type 'roles'.";error_category="invalid_token"`:                                               "other",
		`2000002;reason="The token has expired.";error_category="token_expired"`:                                                                                    "expired",
		`2000003;reason="The hostname component of the audience claim value is invalid. Expected 'https://a'. Actual 'http://a'";error_category="invalid_resource"`: "audience",
		`2000004;reason="The tenant for tenant guid 'x' does not exist.";error_category="invalid_tenant"`:                                                           "tenant",
		`2000006;reason="The Application Identifier 'x' is unknown.";error_category="invalid_client"`:                                                               "application",
		`2000007;error_category="internal_error"`:                                                                                                                   "other",
		`2000008;reason="The token contains not enough scope to make this call.";error_category="invalid_grant"`:                                                    "role",
		`2000009;reason="x";error_category="invalid_certificate"`:                                                                                                   "other",
		`4000000;reason="Flighting is not enabled for domain 'x'.";error_category="oauth_not_available"`:                                                            "protocol",
		`3000000;reason="what";error_category="who_knows"`:                                                                                                          "other",
		`no form at all`: "other",
	} {
		j := Judge(record(hma("certificate"), entra(200, issued), used(401, "x-ms-diagnostics", said)))
		if j.Verdict.Code != "token-refused" || j.Verdict.Reason != reason {
			t.Errorf("%s: %s %q, want %q", said, j.Verdict.Code, j.Verdict.Reason, reason)
		}
	}
	j := Judge(record(hma("certificate"), entra(200, issued), used(401, "x-ms-diagnostics-from-backend", "InvalidSignature|The token has an invalid signature.")))
	if j.Verdict.Reason != "signature" || j.Verdict.Confidence != finding.Likely {
		t.Errorf("the form of a back end: %+v", j.Verdict)
	}
}

// What the token says and what Exchange expects stand side by side.
func TestAudienceSideBySide(t *testing.T) {
	j := Judge(record(hma("certificate"), entra(200, issued), used(401, "x-ms-diagnostics",
		`2000003;reason="The hostname component of the audience claim value is invalid. Expected 'https://mail.contoso.com'. Actual 'http://ex01.contoso.local'";error_category="invalid_resource"`)))
	if d := j.Findings[0].Detail; !strings.Contains(d, "The audience of the token is https://mail.contoso.com; Exchange expects http://ex01.contoso.local") {
		t.Error(d)
	}
}
