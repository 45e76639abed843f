package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

var (
	bearerOnPremises = `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a", token_types="app_asserted_user_v1"`
	bearerOnline     = `Bearer trusted_issuers="00000001-0000-0000-c000-000000000000@*", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"`
	modern           = bearerOnPremises + `, authorization_uri="https://login.windows.net/common/oauth2/authorize"`
	good             = certificate("aa", noon.AddDate(1, 0, 0))
	ntlmOK           = item(evidence.Item{Step: evidence.StepNTLMNegotiate, NTLM: &evidence.NTLM{Scheme: "NTLM", NetBIOSComputer: "EX01"}})
)

func skewed(ms int64) option {
	return item(evidence.Item{Step: evidence.StepNTLMNegotiate, NTLM: &evidence.NTLM{Scheme: "NTLM", ClockSkewMS: &ms}})
}

// cases is the table of verdicts: a record, and its verdict as "status code
// confidence", with the codes found beside it. Near misses stand beside what
// they are mistaken for.
var cases = slices.Concat(endpointCases, discoveryCases)

type verdictCase struct {
	name string
	rec  evidence.Record
	want string
	also string
}

var endpointCases = []verdictCase{
	// Nothing could be asked.
	{"no address", record(item(evidence.Item{Step: evidence.StepResolve, Error: &evidence.Failure{Code: evidence.DNSNotFound, Phase: "resolve", Text: "no such host"}})), "unknown dns-failed confirmed", ""},
	{"resolver silent", record(item(evidence.Item{Step: evidence.StepResolve, Error: &evidence.Failure{Code: evidence.TimedOut, Phase: "resolve"}})), "unknown dns-failed likely", ""},
	{"refused", record(failed(evidence.StepAnonymous, evidence.ConnectRefused, "connect")), "unknown connect-failed confirmed", ""},
	{"ended without an answer", record(failed(evidence.StepAnonymous, evidence.ConnectionClosed, "read")), "unknown connect-failed confirmed", ""},
	{"ended in the handshake", record(failed(evidence.StepAnonymous, evidence.ConnectionReset, "tls")), "unknown connect-failed confirmed", ""},
	{"ended in the handshake for want of a suite that Go lacks", record(failed(evidence.StepAnonymous, evidence.ConnectionReset, "tls"), item(evidence.Item{Step: evidence.StepLegacySuites, TLS: &evidence.TLS{CipherSuite: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"}})), "unknown tls-failed undetermined", ""},
	{"proxy refuses", record(failed(evidence.StepAnonymous, evidence.ProxyRefused, "proxy")), "unknown connect-failed confirmed", ""},
	{"proxy asks", record(failed(evidence.StepAnonymous, evidence.ProxyAuth, "proxy")), "unknown proxy-auth-required confirmed", ""},
	{"407", record(asked(407, headers("Proxy-Authenticate", "Basic"))), "unknown proxy-auth-required confirmed", ""},
	{"silence", record(failed(evidence.StepAnonymous, evidence.TimedOut, "read")), "unknown timeout confirmed", ""},
	{"untrusted", record(failed(evidence.StepAnonymous, evidence.TLSUntrusted, "tls"), over(certificate("aa", noon, evidence.CertificateProblem{Code: "expired", Text: "expired"}))), "critical tls-untrusted confirmed", ""},
	{"no handshake", record(failed(evidence.StepAnonymous, evidence.TLSHandshake, "tls")), "critical tls-failed confirmed", ""},
	{"client certificate", record(failed(evidence.StepAnonymous, evidence.TLSClientCert, "tls")), "critical tls-failed confirmed", ""},
	{"suite that Go lacks", record(failed(evidence.StepAnonymous, evidence.TLSHandshake, "tls"), item(evidence.Item{Step: evidence.StepLegacySuites, TLS: &evidence.TLS{CipherSuite: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"}})), "unknown tls-failed undetermined", ""},
	{"not HTTP", record(failed(evidence.StepAnonymous, evidence.Malformed, "read")), "unknown server-error confirmed", ""},
	{"500 without EWS", record(asked(500, exchange())), "unknown server-error confirmed", ""},
	{"503", record(asked(503, headers())), "unknown server-error confirmed", ""},
	{"503 with Retry-After", record(asked(503, headers("Retry-After", "600"))), "unknown throttled confirmed", ""},
	{"429", record(asked(429, headers())), "unknown throttled confirmed", ""},
	{"too much", record(asked(200, headers()), func(b *builder) { b.rec.Items[0].Response.Oversized = true }), "unknown server-error confirmed", ""},
	{"cut short", record(asked(200, headers()), func(b *builder) { b.rec.Items[0].Response.CutShort = true }), "unknown server-error confirmed", ""},
	{"passed over on the way to one that answers", record(anonymousOnly(), at("10.0.0.12:443"), failed(evidence.StepAnonymous, evidence.ConnectRefused, "connect"), at(here), ask("Basic")), "warning connect-failed confirmed", ""},
	{"IPv6 passed over", record(anonymousOnly(), item(evidence.Item{Step: evidence.StepResolve, Resolution: &evidence.Resolution{Name: "mail.contoso.com"}}), at("[2001:db8::1]:443"), failed(evidence.StepAnonymous, evidence.TimedOut, "connect"), at(here), ask("Basic")), "warning address-family confirmed", ""},
	{"dead at one address, answered at another", record(target(func(t *evidence.Target) { t.EveryAddress = true }), at("10.0.0.12:443"), failed(evidence.StepAnonymous, evidence.ConnectRefused, "connect"), at(here), ask("Negotiate", "NTLM"), notSent("Basic", "not offered")), "critical basic-disabled confirmed", "connect-failed"},

	// The endpoint.
	{"http", record(target(func(t *evidence.Target) { t.URL = "http://mail.contoso.com/EWS/Exchange.asmx"; t.Credentials = false }), ask("Basic")), "critical plain-http confirmed", ""},
	{"http refused by IIS", record(target(func(t *evidence.Target) { t.URL = "http://mail.contoso.com/EWS/Exchange.asmx"; t.Credentials = false }), asked(403, headers("Server", "Microsoft-IIS/10.0"))), "critical plain-http confirmed", "forbidden"},
	{"online by header", record(asked(401, exchange("X-CalculatedBETarget", "AM0PR09MB2882.eurprd09.prod.outlook.com", "WWW-Authenticate", `Basic Realm=""`))), "critical endpoint-online likely", ""},
	{"online by Bearer", record(ask("Negotiate"), bearer(headers("WWW-Authenticate", bearerOnline))), "critical endpoint-online likely", ""},
	{"hybrid is not online", record(anonymousOnly(), ask("NTLM", "Basic"), bearer(exchange("WWW-Authenticate", bearerOnPremises))), "ok ok confirmed", ""},
	{"online for an OAuth profile", record(profile("oauth"), asked(401, headers("X-RUM-Validated", "1", "WWW-Authenticate", bearerOnline)), bearer(headers("WWW-Authenticate", bearerOnline))), "ok ok confirmed", ""},
	{"retired online", record(asked(403, headers("X-EWS-Policy-Reason", "EWS is blocked by policy for this user or tenant"))), "critical endpoint-online likely", ""},
	{"form", record(asked(302, exchange("Location", "https://mail.contoso.com/owa/auth/logon.aspx?reason=0"))), "critical preauth-redirect confirmed", ""},
	{"AD FS", record(asked(302, headers("Location", "https://sts.contoso.com/adfs/ls/?wa=wsignin1.0"))), "critical preauth-redirect confirmed", ""},
	{"an error page that is not Exchange's", record(asked(302, headers("Location", "https://sso.contoso.com/auth/error?code=7"))), "critical preauth-redirect confirmed", ""},
	{"440", record(asked(440, headers())), "critical preauth-redirect confirmed", ""},
	{"sign-in page", record(asked(200, headers()), page("Log on", true)), "critical preauth-redirect confirmed", ""},
	{"sign-in page with another status", record(asked(401, headers()), page("Log on", true)), "critical preauth-redirect confirmed", ""},
	{"password field beside a challenge", record(anonymousOnly(), ask("Basic"), page("Unauthorized", true)), "ok ok confirmed", ""},
	{"other redirect", record(asked(301, headers("Location", "https://other.contoso.com/EWS/Exchange.asmx"))), "critical redirected confirmed", ""},
	{"redirect to the root of OWA is no sign-in", record(asked(302, headers("Location", "https://10.0.0.10/owa/"))), "critical redirected confirmed", ""},
	{"forbidden", record(asked(403, headers())), "critical forbidden confirmed", ""},
	{"welcome page", record(asked(200, headers()), page("IIS Windows Server", false)), "critical not-ews confirmed", ""},
	{"endless page", record(asked(200, headers()), page("Welcome", false), func(b *builder) { b.rec.Items[0].Response.Oversized = true }), "critical not-ews confirmed", ""},
	{"404", record(asked(404, headers())), "critical not-ews confirmed", ""},
	{"405", record(asked(405, headers())), "critical not-ews confirmed", ""},
	{"456", record(asked(456, headers())), "critical not-ews confirmed", ""},
	{"401 without a challenge", record(asked(401, exchange())), "critical no-scheme confirmed", ""},
	{"tokens alone", record(asked(401, exchange()), bearer(exchange("WWW-Authenticate", modern))), "critical no-scheme confirmed", ""},
	{"tokens alone are enough for an OAuth profile", record(profile("oauth"), asked(401, exchange()), bearer(exchange("WWW-Authenticate", modern))), "ok ok confirmed", ""},
	{"EWS without a sign-in", record(asked(200, exchange()), answered(evidence.EWS{Kind: "response", Code: "NoError"})), "unknown inconclusive undetermined", ""},

	// What it offers.
	{"Basic off", record(ask("Negotiate", "NTLM"), notSent("Basic", "not offered"), logon("NTLM", 200)), "critical basic-disabled confirmed", ""},
	{"Basic off, not Exchange's word", record(asked(401, headers("Server", "Microsoft-IIS/7.5", "WWW-Authenticate", "Negotiate,NTLM"))), "critical basic-disabled likely", ""},
	{"Basic off, profile auto", record(profile("auto"), ask("NTLM"), notSent("Basic", "not offered"), logon("NTLM", 200)), "warning basic-disabled likely", ""},
	{"Basic off, profile auto, NTLM refused", record(profile("auto"), ask("NTLM"), notSent("Basic", "not offered"), logon("NTLM", 401)), "critical basic-disabled confirmed", "credentials-rejected"},
	{"Basic off, profile ntlm", record(profile("ntlm"), ask("Negotiate", "NTLM"), logon("NTLM", 200)), "ok ok confirmed", ""},
	{"NTLM off", record(profile("ntlm"), ask("Negotiate"), notSent("NTLM", "not offered")), "critical ntlm-disabled confirmed", ""},
	{"Negotiate off", record(profile("negotiate"), ask("NTLM"), notSent("Negotiate", "not offered")), "critical negotiate-disabled confirmed", ""},
	{"OAuth on", record(profile("oauth"), ask("NTLM"), bearer(exchange("WWW-Authenticate", modern))), "ok ok confirmed", ""},
	{"OAuth without an endpoint", record(profile("oauth"), ask("NTLM"), bearer(exchange("WWW-Authenticate", bearerOnPremises))), "critical oauth-disabled confirmed", ""},
	{"OAuth off", record(profile("oauth"), ask("NTLM"), bearer(exchange("WWW-Authenticate", "NTLM"))), "critical oauth-disabled confirmed", ""},
	{"OAuth not answered is not off", record(profile("oauth"), ask("NTLM"), failed(evidence.StepEmptyBearer, evidence.GivenUp, "read")), "unknown inconclusive undetermined", ""},

	// Signing in.
	{"in order", record(ask("NTLM", "Basic"), logon("Basic", 200), logon("NTLM", 200)), "ok ok confirmed", ""},
	{"two schemes refuse", record(ask("NTLM", "Basic"), logon("Basic", 401), logon("NTLM", 401)), "critical credentials-rejected likely", ""},
	{"one scheme refuses", record(ask("Basic"), logon("Basic", 401)), "critical credentials-rejected undetermined", ""},
	{"refused lately", record(ask("Basic"), item(evidence.Item{Step: evidence.StepSkipped, Logon: &evidence.Logon{Scheme: "Basic", Result: evidence.Skipped, Remembered: true, Why: "refused at noon"}})), "critical credentials-rejected undetermined", ""},
	{"budget spent elsewhere is not refused", record(ask("Basic"), notSent("Basic", "the limit is reached")), "unknown inconclusive undetermined", ""},
	{"Basic refuses, NTLM accepts", record(ask("NTLM", "Basic"), logon("Basic", 401), logon("NTLM", 200)), "critical basic-rejected confirmed", ""},
	{"Kerberos-only Negotiate proves nothing", record(ask("Negotiate"), notSent("Basic", "not offered"), logon("Negotiate", 401)), "critical basic-disabled confirmed", ""},
	{"Negotiate refuses NTLM beside Basic", record(ask("Negotiate", "Basic"), logon("Basic", 200), logon("Negotiate", 401)), "ok ok confirmed", ""},
	{"bridged, profile ntlm", record(profile("ntlm"), ask("NTLM"), over(good), logon("NTLM", 401), logon("NTLM", 200, binding(evidence.BindingNone))), "critical extended-protection likely", ""},
	{"bridged, Basic works", record(ask("NTLM", "Basic"), over(good), logon("Basic", 200), logon("NTLM", 401), logon("NTLM", 200, compared(evidence.BindingNone))), "warning extended-protection likely", ""},
	{"bridged, the other certificate seen", record(profile("ntlm"), ask("NTLM"), over(good), logon("NTLM", 401), logon("NTLM", 200, binding(evidence.BindingNone)), at("10.0.0.12:443"), ask("NTLM"), over(certificate("bb", noon.AddDate(1, 0, 0))), logon("NTLM", 200)), "critical extended-protection confirmed", "farm-inconsistent"},
	{"required is in order", record(profile("ntlm"), ask("NTLM"), logon("NTLM", 200), logon("NTLM", 401, compared(evidence.BindingNone))), "ok ok confirmed", ""},
	{"refused bound and unbound, Basic works", record(ask("NTLM", "Basic"), logon("Basic", 200), logon("NTLM", 401), logon("NTLM", 401, compared(evidence.BindingNone))), "warning ntlm-rejected undetermined", ""},
	{"the same, profile ntlm", record(profile("ntlm"), ask("NTLM", "Basic"), logon("NTLM", 401), logon("Basic", 200), logon("NTLM", 401, compared(evidence.BindingNone))), "critical ntlm-rejected undetermined", "basic-and-ntlm"},
	{"new challenge", record(profile("ntlm"), ask("NTLM"), ntlmOK, logon("NTLM", 401, func(i *evidence.Item) { i.Logon.NewChallenge, i.Logon.Result = true, evidence.Unfinished })), "critical ntlm-broken confirmed", ""},
	{"Negotiate without an NTLM challenge", record(profile("negotiate"), ask("Negotiate"), item(evidence.Item{Step: evidence.StepSkipped, Logon: &evidence.Logon{Scheme: "Negotiate", Result: evidence.Unfinished, Why: "type 1 was answered without a challenge"}})), "critical ntlm-broken likely", ""},
	{"NTLM without a challenge", record(profile("ntlm"), ask("NTLM"), item(evidence.Item{Step: evidence.StepSkipped, Logon: &evidence.Logon{Scheme: "NTLM", Result: evidence.Unfinished, Why: "type 1 was answered without a challenge"}})), "critical ntlm-broken confirmed", ""},
	{"another front end answers", record(profile("ntlm"), ask("NTLM"), challenged(3, "EX01"), logon("NTLM", 401, on(3, "EX02"))), "critical ntlm-broken confirmed", ""},
	{"another front end answers and accepts", record(profile("ntlm"), ask("NTLM"), challenged(3, "EX01"), logon("NTLM", 200, on(3, "EX02"))), "ok ok confirmed", ""},
	{"another front end answers, Basic refused", record(ask("NTLM", "Basic"), challenged(3, "EX01"), logon("Basic", 401), logon("NTLM", 401, on(3, "EX02"))), "critical credentials-rejected undetermined", "ntlm-broken"},
	{"another front end answers another connection", record(profile("ntlm"), ask("NTLM"), challenged(3, "EX01"), logon("NTLM", 401, on(4, "EX02"))), "critical credentials-rejected undetermined", ""},
	{"connection not kept", record(ask("NTLM", "Basic"), logon("Basic", 200), item(evidence.Item{Step: evidence.StepSkipped, Logon: &evidence.Logon{Scheme: "NTLM", Result: evidence.Unfinished, Detail: evidence.Say("server-ended")}})), "warning ntlm-broken confirmed", ""},
	{"profile's own logon unanswered", record(profile("ntlm"), ask("NTLM"), ntlmOK, logon("NTLM", 0, unanswered(evidence.ConnectionClosed)), answer(evidence.StepKeepTest, 401, nil), answer(evidence.StepKeepTest, 401, nil)), "unknown connect-failed confirmed", ""},
	{"unanswered, and the connection is not kept", record(profile("ntlm"), ask("NTLM"), ntlmOK, logon("NTLM", 0, unanswered(evidence.ConnectionClosed)), answer(evidence.StepKeepTest, 401, nil), failed(evidence.StepKeepTest, evidence.ConnectionClosed, "read")), "critical ntlm-broken confirmed", ""},
	{"NTLM unanswered beside an accepted Basic", record(ask("NTLM", "Basic"), logon("Basic", 200), logon("NTLM", 0, unanswered(evidence.TimedOut))), "warning ntlm-broken likely", ""},
	{"Basic unanswered", record(ask("Basic"), logon("Basic", 0, unanswered(evidence.TimedOut))), "unknown timeout confirmed", ""},
	{"503 after the logon", record(ask("Basic"), logon("Basic", 503, strange(headers()))), "unknown server-error confirmed", ""},
	{"403 after the logon", record(ask("Basic"), logon("Basic", 403, strange(headers()))), "critical forbidden confirmed", ""},
	{"redirected after the logon", record(ask("Basic"), logon("Basic", 302, strange(headers("Location", "/owa/auth/logon.aspx")))), "critical preauth-redirect confirmed", ""},

	// The mailbox.
	{"impersonation denied", record(mailbox("anna@contoso.com"), ask("Basic"), logon("Basic", 500, code("ErrorImpersonateUserDenied"))), "critical impersonation-denied confirmed", ""},
	{"impersonation failed", record(mailbox("anna@contoso.com"), ask("Basic"), logon("Basic", 500, code("ErrorImpersonationFailed"))), "critical impersonation-denied likely", ""},
	{"no such mailbox", record(mailbox("nobody@contoso.com"), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox"))), "critical mailbox-not-found confirmed", ""},
	{"no such user, by another server's code", record(mailbox("nobody@contoso.com"), ask("Basic"), logon("Basic", 200, code("ErrorCannotFindUser"))), "critical mailbox-not-found confirmed", ""},
	{"own mailbox missing", record(ask("Basic"), logon("Basic", 200, code("ErrorMissingEmailAddress"))), "warning service-mailbox-missing confirmed", ""},
	{"no right", record(mailbox("anna@contoso.com"), ask("Basic"), logon("Basic", 200, code("ErrorAccessDenied"))), "critical access-denied confirmed", ""},
	{"folder not to be seen", record(mailbox("anna@contoso.com"), ask("Basic"), logon("Basic", 200, code("ErrorFolderNotFound"))), "critical access-denied likely", ""},
	{"own folder not found is odd", record(ask("Basic"), logon("Basic", 200, code("ErrorFolderNotFound"))), "unknown exchange-error undetermined", ""},
	{"store offline", record(mailbox("anna@contoso.com"), ask("Basic"), logon("Basic", 200, code("ErrorMailboxStoreUnavailable"))), "unknown mailbox-unavailable confirmed", ""},
	{"busy", record(mailbox("anna@contoso.com"), ask("Basic"), logon("Basic", 500, code("ErrorServerBusy"))), "unknown throttled confirmed", ""},
	{"odd code", record(mailbox("anna@contoso.com"), ask("Basic"), logon("Basic", 500, code("ErrorADUnavailable"))), "unknown exchange-error undetermined", ""},

	// The exported profile (more of it in profile_test.go).
	{"profile in order", record(exported(func(*evidence.Profile) {}), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"profile with a backslash", record(exported(func(p *evidence.Profile) { p.Incoming.User = `CONTOSO\svc-crm` }), ask("Basic"), logon("Basic", 200)), "critical profile-contradiction confirmed", ""},
	{"the same, and signed in so", record(target(func(t *evidence.Target) { t.User = `CONTOSO\svc-crm` }), exported(func(p *evidence.Profile) { p.Incoming.User = `CONTOSO\svc-crm` }), ask("Basic"), logon("Basic", 200)), "critical profile-contradiction confirmed", "user-name-not-upn"},
	{"profile at Exchange Online", record(exported(func(p *evidence.Profile) { p.Incoming.Location = "https://outlook.office365.com/EWS/Exchange.asmx" }), ask("Basic"), logon("Basic", 200)), "critical profile-contradiction confirmed", ""},
	{"profile without impersonation", record(exported(func(p *evidence.Profile) { *p.Incoming.Impersonation = false }), ask("Basic"), logon("Basic", 200)), "warning profile-contradiction confirmed", ""},
	{"profile Basic, Basic off, is cause 5 alone", record(exported(func(*evidence.Profile) {}), ask("NTLM"), notSent("Basic", "not offered")), "critical basic-disabled confirmed", ""},
	{"profile ntlm, Basic on, is told once", record(profile("ntlm"), exported(func(p *evidence.Profile) { p.Incoming.Protocol = protocol(evidence.ProtocolNTLM, "NTLM") }), ask("NTLM", "Basic"), logon("NTLM", 200)), "warning basic-and-ntlm confirmed", ""},
	{"profile ntlm, checked as basic", record(exported(func(p *evidence.Profile) { p.Incoming.Protocol = protocol(evidence.ProtocolNTLM, "NTLM") }), ask("NTLM", "Basic"), logon("Basic", 200)), "warning profile-contradiction confirmed", ""},
	{"contradiction of a profile, and nothing answered", record(exported(func(p *evidence.Profile) { p.Incoming.User = `CONTOSO\svc-crm` }), failed(evidence.StepAnonymous, evidence.TimedOut, "read")), "unknown timeout confirmed", "profile-contradiction"},
	{"re-created", record(exported(func(p *evidence.Profile) { p.LastTest.Response = "NoUserFoundWithGivenClaims" }), ask("Basic"), logon("Basic", 200)), "critical user-recreated confirmed", ""},
	{"re-created, by the last sync error", record(exported(func(p *evidence.Profile) { p.LastTest.SyncError = "User does not exist\n in tenant with id 'x'" }), ask("Basic"), logon("Basic", 200)), "critical user-recreated confirmed", ""},
	{"re-created, in the request only", record(exported(func(p *evidence.Profile) { p.LastTest.Request = "NoUserFoundWithGivenClaims" }), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"another error of the last test", record(exported(func(p *evidence.Profile) { p.LastTest.Response = "ErrorNonExistentMailbox" }), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},

	// Around it.
	{"nodes differ", record(ask("NTLM", "Basic"), logon("Basic", 200), at("10.0.0.12:443"), ask("Basic"), logon("Basic", 200)), "warning farm-inconsistent confirmed", ""},
	{"a node refuses what another accepts", record(ask("Basic"), logon("Basic", 200), at("10.0.0.12:443"), ask("Basic"), logon("Basic", 401)), "critical basic-rejected likely", "farm-inconsistent"},
	{"user agent refused", record(asked(403, exchange()), func(b *builder) {
		b.add(evidence.Item{Step: evidence.StepAnonymous, Request: &evidence.Request{UserAgent: "CRM/9.2"}, Response: &evidence.Response{Status: 401, Headers: exchange(offers("Basic")...)}})
	}, logon("Basic", 200)), "warning user-agent-refused confirmed", ""},
	{"name with a domain", record(target(func(t *evidence.Target) { t.User = `CONTOSO\svc-crm` }), ask("Basic"), logon("Basic", 200)), "warning user-name-not-upn confirmed", ""},
	{"name with a domain, refused", record(target(func(t *evidence.Target) { t.User = `CONTOSO\svc-crm` }), ask("Basic"), logon("Basic", 401)), "critical credentials-rejected undetermined", ""},
	{"profile ntlm, Basic on", record(profile("ntlm"), ask("NTLM", "Basic"), logon("NTLM", 200)), "warning basic-and-ntlm confirmed", ""},
	{"clock ahead", record(anonymousOnly(), ask("NTLM", "Basic"), skewed(301_000)), "warning clock-skew confirmed", ""},
	{"clock behind", record(anonymousOnly(), ask("NTLM", "Basic"), skewed(-301_000)), "warning clock-skew confirmed", ""},
	{"clock just right", record(anonymousOnly(), ask("NTLM", "Basic"), skewed(299_000)), "ok ok confirmed", ""},
	{"certificate expires soon", record(anonymousOnly(), ask("Basic"), over(certificate("aa", noon.AddDate(0, 0, 29)))), "warning certificate-expiring confirmed", ""},
	{"certificate expires later", record(anonymousOnly(), ask("Basic"), over(certificate("aa", noon.AddDate(0, 0, 31)))), "ok ok confirmed", ""},
	{"private root, seen from outside", record(anonymousOnly(), target(func(t *evidence.Target) { t.View = "public" }), ask("Basic"), over(privateRoot())), "critical certificate-private confirmed", ""},
	{"a name of the inside, seen from outside", record(anonymousOnly(), target(func(t *evidence.Target) { t.View, t.Host = "public", "ex01.contoso.local" }), ask("Basic")), "critical name-private confirmed", ""},
	{"a name of the inside, seen from inside", record(anonymousOnly(), target(func(t *evidence.Target) { t.Host = "ex01.contoso.local" }), ask("Basic")), "ok ok confirmed", ""},
	{"an address of this machine", record(anonymousOnly(), target(func(t *evidence.Target) { t.View, t.Host = "public", "127.0.0.1" }), ask("Basic")), "ok ok confirmed", ""},
	{"private root, seen from inside", record(anonymousOnly(), ask("Basic"), over(privateRoot())), "ok ok confirmed", ""},
	{"IPv6 published but silent", record(anonymousOnly(), item(evidence.Item{Step: evidence.StepResolve, Resolution: &evidence.Resolution{Name: "mail.contoso.com"}}), ask("Basic"), at("[2001:db8::1]:443"), failed(evidence.StepAddressFamily, evidence.ConnectRefused, "connect")), "warning address-family confirmed", ""},
	{"IPv6 without a route", record(anonymousOnly(), item(evidence.Item{Step: evidence.StepResolve, Resolution: &evidence.Resolution{Name: "mail.contoso.com"}}), ask("Basic"), at("[2001:db8::1]:443"), failed(evidence.StepAddressFamily, evidence.ConnectUnreachable, "connect")), "ok ok confirmed", ""},
	{"untrusted, gone past", record(anonymousOnly(), target(func(t *evidence.Target) { t.Insecure = true }), ask("Basic"), over(certificate("aa", noon.AddDate(1, 0, 0), evidence.CertificateProblem{Code: "unknown-issuer", Text: "unknown"}))), "warning tls-untrusted confirmed", ""},
	{"stopped", func() evidence.Record {
		r := record(ask("NTLM"))
		r.Stopped = evidence.StoppedByUser
		return r
	}(), "unknown inconclusive undetermined", "basic-disabled"},
	{"nothing at all", record(), "unknown inconclusive undetermined", ""},
}

func privateRoot() *evidence.TLS {
	t := certificate("aa", noon.AddDate(1, 0, 0))
	public := false
	t.PublicRoot = &public
	return t
}

func TestVerdicts(t *testing.T) {
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			j := Judge(c.rec)
			v := j.Verdict
			if got := fmt.Sprintf("%s %s %s", v.Status, v.Code, v.Confidence); got != c.want {
				t.Errorf("verdict %s (%s), want %s", got, v.Summary, c.want)
			}
			var also []string
			for _, f := range j.Findings {
				if f.Code != v.Code {
					also = append(also, string(f.Code))
				}
			}
			if got := strings.Join(also, " "); got != c.also {
				t.Errorf("beside it %q, want %q", got, c.also)
			}
			checkWhole(t, c.rec, j)
		})
	}
}

// checkWhole holds what is true of every judgement.
func checkWhole(t *testing.T, rec evidence.Record, j Judgement) {
	t.Helper()
	ids := map[string]bool{}
	for _, i := range rec.Items {
		ids[i.ID] = true
	}
	if len(j.Causes) != 6 {
		t.Errorf("%d causes, want all six", len(j.Causes))
	}
	for i, c := range j.Causes {
		if c.Number != i+1 || c.Why == "" || strings.HasPrefix(c.Why, "There is ") {
			t.Errorf("cause %d: number %d, why %q", i+1, c.Number, c.Why)
		}
	}
	if v := j.Verdict; v.Summary == "" {
		t.Error("the verdict has no summary")
	}
	for _, f := range j.Findings {
		entry, ok := finding.Lookup(f.Code)
		switch {
		case !ok:
			t.Errorf("%s is not in the catalogue", f.Code)
		case f.Title != entry.Title || f.Cause != entry.Cause:
			t.Errorf("%s: title or cause is not the catalogue's", f.Code)
		case f.Status.Rank() < entry.Status.Rank():
			t.Errorf("%s is %s, worse than its row (%s)", f.Code, f.Status, entry.Status)
		case strings.Contains(f.Summary+f.Detail, "There is no sentence"), strings.Contains(f.Summary+f.Detail, "There is an error"):
			t.Errorf("%s: summary %q, detail %q", f.Code, f.Summary, f.Detail)
		case f.Summary == "" || !strings.HasSuffix(f.Detail, "."):
			t.Errorf("%s: summary %q, detail %q", f.Code, f.Summary, f.Detail)
		case len(f.Evidence) == 0 && len(rec.Items) > 0:
			t.Errorf("%s names no evidence", f.Code)
		}
		for _, id := range f.Evidence {
			if !ids[id] {
				t.Errorf("%s names evidence %q, which does not exist", f.Code, id)
			}
		}
	}
}

func TestCauses(t *testing.T) {
	tests := []struct {
		name string
		rec  evidence.Record
		want string // statuses of causes 1 to 6
	}{
		{"Basic off", record(ask("NTLM"), notSent("Basic", "not offered")), "not-checked not-checked not-checked not-checked confirmed not-checked"},
		{"Basic off, not Exchange's word", record(asked(401, headers("WWW-Authenticate", "NTLM"))), "not-checked not-checked not-checked not-checked likely not-checked"},
		{"profile ntlm", record(profile("ntlm"), ask("NTLM"), logon("NTLM", 200)), "not-checked not-checked not-checked not-checked not-applicable not-checked"},
		{"Basic on", record(ask("Basic"), logon("Basic", 401)), "not-checked not-checked not-checked not-checked ruled-out not-checked"},
		{"mailbox opened", record(mailbox("anna@contoso.com"), ask("Basic"), logon("Basic", 200)), "ruled-out ruled-out not-applicable not-applicable ruled-out not-checked"},
		{"no such mailbox", record(mailbox("nobody@contoso.com"), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox"))), "confirmed not-checked not-checked not-checked ruled-out not-checked"},
		{"impersonation denied says nothing of the mailbox", record(mailbox("anna@contoso.com"), ask("Basic"), logon("Basic", 500, code("ErrorImpersonateUserDenied"))), "undetermined not-checked not-checked not-checked ruled-out not-checked"},
		{"online", record(asked(401, headers("X-RUM-Validated", "1", "WWW-Authenticate", bearerOnline))), "not-checked likely not-checked not-checked not-applicable not-checked"},
		{"re-created", record(exported(func(p *evidence.Profile) { p.LastTest.Message = "NoUserFoundWithGivenClaims" }), ask("Basic"), logon("Basic", 401)), "not-checked not-checked not-checked not-checked ruled-out confirmed"},
		{"profile that tells of nobody", record(exported(func(p *evidence.Profile) { p.LastTest.Message = "(401) Unauthorized" }), ask("Basic"), logon("Basic", 401)), "not-checked not-checked not-checked not-checked ruled-out not-checked"},
		{"silence", record(failed(evidence.StepAnonymous, evidence.TimedOut, "read")), "not-checked not-checked not-checked not-checked undetermined not-checked"},
		{"one node without Basic", record(ask("NTLM", "Basic"), at("10.0.0.12:443"), ask("NTLM")), "not-checked not-checked not-checked not-checked confirmed not-checked"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, c := range Judge(c.rec).Causes {
				got = append(got, string(c.Status))
			}
			if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
				t.Errorf("causes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExtendedProtectionIsNamed(t *testing.T) {
	tests := []struct {
		want  string
		right int
		none  int // 0 not sent
		far   int
	}{
		{"off", 200, 200, 200},
		{"allow", 200, 200, 401},
		{"require", 200, 401, 0},
		{"bridged", 401, 200, 0},
		{"", 401, 401, 0},
		{"", 200, 0, 0},
		{"", 200, 200, 0},
	}
	for _, c := range tests {
		options := []option{profile("ntlm"), ask("NTLM"), logon("NTLM", c.right)}
		if c.none != 0 {
			options = append(options, logon("NTLM", c.none, compared(evidence.BindingNone)))
		}
		if c.far != 0 {
			options = append(options, logon("NTLM", c.far, compared(evidence.BindingForeign)))
		}
		if got := Judge(record(options...)).Facts.Server.ExtendedProtection; got != c.want {
			t.Errorf("right %d, none %d, foreign %d: %q, want %q", c.right, c.none, c.far, got, c.want)
		}
	}
}

// A value from a server enters a command only if it looks like a server name.
func TestCommandsCannotBeChanged(t *testing.T) {
	evil := `EX01"; Remove-Mailbox anna #`
	r := record(target(func(t *evidence.Target) {
		t.User = `svc$(calc)@contoso.com`
		t.Mailbox = "a`b@contoso.com"
		t.Host = evil
	}),
		asked(401, append(headers("X-FEServer", evil), headers(offers("NTLM")...)...)), notSent("Basic", "not offered"))
	for _, f := range Judge(r).Findings {
		for _, m := range f.Remedies {
			for _, bad := range []string{"Remove-Mailbox", "$(", "a`b"} {
				if strings.Contains(m.Command, bad) {
					t.Errorf("%s: %s", f.Code, m.Command)
				}
			}
		}
	}
	j := Judge(record(ask("NTLM"), notSent("Basic", "not offered")))
	if c := j.Findings[0].Remedies[0].Command; !strings.Contains(c, "-Server EX01") {
		t.Errorf("a proper server name does not enter the command: %s", c)
	}
}

// Behind one name, the commands are for the server that has the fault, and the
// cause says where.
func TestCommandsAreForTheServerAtFault(t *testing.T) {
	other := headers(append([]string{"X-FEServer", "EX02", "X-OWA-Version", "15.2.1544.11"}, offers("NTLM")...)...)
	j := Judge(record(target(func(t *evidence.Target) { t.EveryAddress = true }), anonymousOnly(),
		at(here), ask("NTLM", "Basic"), at("10.0.0.12:443"), asked(401, other)))
	if j.Verdict.Code != "basic-disabled" {
		t.Fatalf("%+v", j.Verdict)
	}
	if c := j.Findings[0].Remedies[0].Command; !strings.Contains(c, "-Server EX02") {
		t.Errorf("Basic is off at EX02, and the command is %s", c)
	}
	if why := j.Causes[4].Why; why != "EWS offers no Basic at 10.0.0.12:443" {
		t.Errorf("cause 5: %s", why)
	}
}

// The order in which findings stand decides the verdict: it must not depend on
// the order of the rules.
func TestOrderOfRulesDoesNotMatter(t *testing.T) {
	saved := slices.Clone(table)
	defer func() { table = saved }()
	before := make([]finding.Verdict, len(allCases()))
	for i, c := range allCases() {
		before[i] = Judge(c.rec).Verdict
	}
	table = slices.Clone(saved)
	slices.Reverse(table)
	for i, c := range allCases() {
		if got := Judge(c.rec).Verdict; got != before[i] {
			t.Errorf("%s: %v, and with the rules reversed %v", c.name, before[i].Code, got.Code)
		}
	}
}

// allCases are the verdicts of every table of this package.
func allCases() []verdictCase { return slices.Concat(cases, directoryCases, hmaCases) }

// Who has impersonated a mailbox is not told to try it with impersonation.
func TestRemediesFitHowItWasAsked(t *testing.T) {
	for impersonate, want := range map[bool]string{true: "EWS is off for the mailbox", false: "with impersonation"} {
		r := record(mailbox("anna@contoso.com"), target(func(t *evidence.Target) { t.Impersonate = impersonate }), ask("Basic"), logon("Basic", 200, code("ErrorAccessDenied")))
		f := Judge(r).Findings[0]
		if f.Code != "access-denied" || !strings.Contains(f.Remedies[0].Text, want) {
			t.Errorf("impersonate %t: %s, %q", impersonate, f.Code, f.Remedies[0].Text)
		}
	}
}

// Where two nodes differ over one password, the sentence says which accepts it.
func TestNodesThatDifferAreNamed(t *testing.T) {
	const there = "10.0.0.12:443"
	for _, c := range []struct{ auth, scheme, want string }{
		{"basic", "Basic", "mail.contoso.com at 10.0.0.12:443 refuses by Basic the password that Basic at 10.0.0.11:443 accepts"},
		{"ntlm", "NTLM", "mail.contoso.com at 10.0.0.12:443 refuses by NTLM the password that NTLM at 10.0.0.11:443 accepts"},
	} {
		r := record(profile(c.auth), target(func(t *evidence.Target) { t.EveryAddress = true }),
			ask(c.scheme), logon(c.scheme, 200), at(there), ask(c.scheme), logon(c.scheme, 401))
		if got := Judge(r).Verdict.Summary; got != c.want {
			t.Errorf("%q", got)
		}
	}
}
