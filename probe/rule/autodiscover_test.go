package rule

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

const (
	there    = "https://autodiscover.contoso.com/autodiscover/autodiscover.xml"
	ewsThere = "https://mail.contoso.com/EWS/Exchange.asmx"
)

// fromAddress: TARGET was the mailbox's address; EWS was found at url, "" nowhere.
func fromAddress(url string) option {
	return target(func(t *evidence.Target) {
		t.FromAddress, t.Mailbox, t.Impersonate, t.URL = "anna@contoso.com", "anna@contoso.com", true, url
		if t.Host = "mail.contoso.com"; url == "" {
			t.Host = ""
		}
	})
}

// wanted is an anonymous answer of Autodiscover.
func wanted(status int, h [][2]string) option {
	return item(evidence.Item{
		Step: evidence.StepAutodiscoverAsk, Address: "10.0.0.21:443", Request: &evidence.Request{Method: "GET", URL: there},
		Response: &evidence.Response{Status: status, Headers: h},
	})
}

// saying is Autodiscover's answer to a logon by Basic about a mailbox.
func saying(mailbox string, d evidence.Discovery) option {
	return item(evidence.Item{
		Step: evidence.StepAutodiscoverLogon, Address: "10.0.0.21:443", Request: &evidence.Request{Method: "POST", URL: there, Mailbox: mailbox},
		Response: &evidence.Response{Status: 200, Headers: exchange()}, Discovery: &d,
		Logon: &evidence.Logon{Scheme: "Basic", Account: "svc-crm@contoso.com", Status: 200, Result: evidence.Accepted},
	})
}

func refusedThere(scheme string) option {
	return item(evidence.Item{
		Step: evidence.StepAutodiscoverLogon, Address: "10.0.0.21:443", Request: &evidence.Request{Method: "POST", URL: there, Mailbox: "anna@contoso.com"},
		Response: &evidence.Response{Status: 401, Headers: exchange()},
		Logon:    &evidence.Logon{Scheme: scheme, Account: "svc-crm@contoso.com", Status: 401, Result: evidence.Refused, Counted: true},
	})
}

// pointing is the search for service connection points.
func pointing(p evidence.ServicePoints) option {
	return item(evidence.Item{Step: evidence.StepAutodiscoverSCP, Address: "10.0.0.5:636", Points: &p})
}

// withoutLDAPS is a controller that the password was not sent to.
var withoutLDAPS = item(evidence.Item{
	Step: evidence.StepDirectoryBind, Address: "10.0.0.5:636", Bind: &evidence.Bind{Problem: evidence.NoTLS, Why: "no TLS"},
	Logon: &evidence.Logon{Scheme: evidence.SchemeLDAPS, Result: evidence.Skipped, Why: "no TLS"},
})

func heldBack(endpoint string, h evidence.HeldBack) option {
	return item(evidence.Item{
		Step: evidence.StepAutodiscoverSkipped, Address: "10.0.0.31:443", Discovery: &evidence.Discovery{Endpoint: endpoint, HeldBack: h},
		Logon: &evidence.Logon{Scheme: "Basic", Result: evidence.Skipped, Why: "as told"},
	})
}

var (
	settings = evidence.Discovery{Form: "pox", Action: "settings", EwsURL: ewsThere, PrimarySMTP: anna}
	another  = evidence.Discovery{Form: "pox", Action: "settings", EwsURL: ewsThere, PrimarySMTP: "anna.example@contoso.com"}
	online   = evidence.Discovery{Form: "pox", Action: "redirectAddr", RedirectAddr: "anna@contoso.mail.onmicrosoft.com"}
	soapMove = evidence.Discovery{Form: "soap", ErrorCode: "RedirectAddress", Action: "redirectAddr", RedirectAddr: "anna@contoso.mail.onmicrosoft.com"}
	stranger = evidence.Discovery{Form: "pox", ErrorCode: "500", Message: "The email address can't be found."}
	invalid  = evidence.Discovery{Form: "soap", ErrorCode: "InvalidUser"}
	confused = evidence.Discovery{Form: "pox", ErrorCode: "600"}
	// ledOnline is a redirect to Exchange Online, which was not asked.
	ledOnline = item(evidence.Item{Step: evidence.StepAutodiscoverSkipped, Discovery: &evidence.Discovery{Endpoint: "https://autodiscover-s.outlook.com/", HeldBack: evidence.HeldOnline}})
	elsewher  = evidence.Discovery{Form: "pox", Action: "redirectAddr", RedirectAddr: "anna@fabrikam.com"}
)

var discoveryCases = []verdictCase{
	// Where EWS is.
	{"found", record(fromAddress(ewsThere), saying(anna, settings), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"an address that only Autodiscover talked to is no EWS", record(saying("", settings), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"nowhere", record(fromAddress(""), wanted(404, headers())), "critical autodiscover-failed confirmed", ""},
	{"nowhere, with the URL given", record(wanted(404, headers()), ask("Basic"), logon("Basic", 200)), "warning autodiscover-failed confirmed", ""},
	{"nowhere, with the URL given, and the profile says auto-discover", record(exported(func(p *evidence.Profile) { on := true; p.AutoDiscover = &on }), wanted(404, headers()), ask("Basic"), logon("Basic", 200)), "critical autodiscover-failed confirmed", ""},
	{"nowhere, with the URL given, and the profile has it too", record(exported(func(*evidence.Profile) {}), wanted(404, headers()), ask("Basic"), logon("Basic", 200)), "warning autodiscover-failed confirmed", ""},
	{"nowhere, one endpoint silent", record(fromAddress(""), failed(evidence.StepAutodiscoverAsk, evidence.TimedOut, "connect")), "critical autodiscover-failed likely", ""},
	{"a proxy in front", record(fromAddress(""), failed(evidence.StepAutodiscoverAsk, evidence.ProxyAuth, "proxy")), "unknown proxy-auth-required confirmed", ""},
	{"a proxy in front, by plain http", record(fromAddress(""), wanted(407, headers())), "unknown proxy-auth-required confirmed", ""},
	{"a proxy in front, with the URL given", record(failed(evidence.StepAutodiscoverAsk, evidence.ProxyAuth, "proxy"), ask("Basic"), logon("Basic", 200)), "warning autodiscover-failed likely", ""},
	{"not understood", record(fromAddress(""), saying(anna, confused)), "critical autodiscover-failed likely", ""},
	{"only where nobody may sign in", record(fromAddress(""), wanted(401, headers(offers("Basic")...)), heldBack(there, evidence.HeldUnnamed)), "critical autodiscover-failed confirmed", ""},
	{"EWS where nobody may sign in", record(fromAddress(ewsThere), saying(anna, settings), ask("Basic"), heldBack(ewsThere, evidence.HeldUnnamed)), "critical autodiscover-failed confirmed", ""},
	{"EWS where nobody may sign in, and Basic is off there", record(fromAddress(ewsThere), saying(anna, settings), ask("NTLM"), heldBack(ewsThere, evidence.HeldUnnamed)), "critical basic-disabled confirmed", "autodiscover-failed"},
	{"held back on the way, found anyway", record(fromAddress(ewsThere), heldBack("https://contoso.com/autodiscover/autodiscover.xml", evidence.HeldUnnamed), saying(anna, settings), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"a URL that is none", record(fromAddress(""), saying(anna, evidence.Discovery{Form: "pox", EwsURL: "mail"})), "critical autodiscover-failed confirmed", ""},
	{"not asked with a credential is not failed", record(anonymousOnly(), fromAddress(""), wanted(401, exchange(offers("Basic")...))), "unknown inconclusive undetermined", ""},
	{"not asked for want of a password is not failed", record(fromAddress(""), target(func(t *evidence.Target) { t.Ticket = "keytab" }), wanted(401, exchange(offers("Basic")...))), "unknown inconclusive undetermined", ""},
	{"refused on the way", record(fromAddress(""), wanted(401, exchange(offers("Basic")...)), refusedThere("Basic")), "critical credentials-rejected undetermined", "autodiscover-failed"},
	{"refused on the way, found further on", record(fromAddress(ewsThere), refusedThere("Basic"), saying(anna, settings), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"to another forest", record(fromAddress(""), saying(anna, elsewher)), "critical autodiscover-failed likely", ""},

	// What Active Directory names.
	{"no service connection point, and nothing else", record(fromAddress(""), pointing(evidence.ServicePoints{Domain: "contoso.com"}), wanted(404, headers())), "critical autodiscover-failed confirmed", ""},
	{"found, and LDAPS is closed", record(fromAddress(ewsThere), withoutLDAPS, pointing(evidence.ServicePoints{Problem: evidence.NoTLS, Why: "no TLS"}), saying(anna, settings), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"the same, and a reason was wanted", record(fromAddress(ewsThere), target(func(t *evidence.Target) { t.Explain = true }), withoutLDAPS, pointing(evidence.ServicePoints{Problem: evidence.NoTLS, Why: "no TLS"}), saying(anna, settings), ask("Basic"), logon("Basic", 200)), "warning ldaps-failed confirmed", ""},
	{"the controller refuses, and nothing else was asked", record(fromAddress(""), bind("775"), pointing(evidence.ServicePoints{Why: "refused"}), wanted(404, headers())), "critical credentials-rejected confirmed", "autodiscover-failed"},
	{"the controller knows no such account, which may be another domain's", record(fromAddress(""), bind("525"), pointing(evidence.ServicePoints{Why: "refused"}), wanted(404, headers())), "critical autodiscover-failed confirmed", ""},
	{"the controller knows no such account of its own domain", record(fromAddress(""), target(func(t *evidence.Target) { t.Domain = "CONTOSO.com" }), bind("525"), pointing(evidence.ServicePoints{Why: "refused"}), wanted(404, headers())), "critical credentials-rejected confirmed", "autodiscover-failed"},
	{"the controller refuses what EWS accepts", record(fromAddress(ewsThere), bind("52e"), pointing(evidence.ServicePoints{Why: "refused"}), saying(anna, settings), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},

	// Whose password it is.
	{"EWS refuses by both schemes what Autodiscover accepts", record(saying(anna, settings), ask("NTLM", "Basic"), logon("Basic", 401), logon("NTLM", 401)), "critical logon-blocked likely", ""},
	{"EWS refuses by its only scheme what Autodiscover accepts", record(saying(anna, settings), ask("NTLM"), logon("NTLM", 401)), "critical basic-disabled confirmed", "logon-blocked"},
	{"the same, profile ntlm", record(profile("ntlm"), saying(anna, settings), ask("NTLM"), logon("NTLM", 401), logon("NTLM", 401, compared(evidence.BindingNone))), "critical logon-blocked undetermined", ""},
	{"Basic alone is there, and refuses what Autodiscover accepts", record(saying(anna, settings), ask("Basic"), logon("Basic", 401)), "critical logon-blocked undetermined", ""},
	{"Extended Protection, proved by Autodiscover", record(profile("ntlm"), saying(anna, settings), ask("NTLM"), over(good), logon("NTLM", 401), logon("NTLM", 200, compared(evidence.BindingNone))), "critical extended-protection likely", ""},
	{"one scheme of EWS accepts", record(saying(anna, settings), ask("NTLM", "Basic"), logon("Basic", 401), logon("NTLM", 200)), "critical basic-rejected confirmed", ""},
	{"Autodiscover refuses too", record(refusedThere("NTLM"), wanted(401, exchange(offers("NTLM")...)), ask("Basic"), logon("Basic", 401)), "critical credentials-rejected likely", "autodiscover-failed"},
	{"Autodiscover refuses what EWS accepts", record(refusedThere("Basic"), ask("Basic"), logon("Basic", 200)), "warning autodiscover-failed likely", ""},

	// Where the mailbox is, and its address.
	{"online", record(fromAddress(""), saying(anna, online)), "critical mailbox-online confirmed", ""},
	{"online, by SOAP", record(fromAddress(""), saying(anna, soapMove)), "critical mailbox-online confirmed", ""},
	{"online, and EWS knows no such mailbox", record(mailbox(anna), saying(anna, online), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox"))), "critical mailbox-online confirmed", ""},
	{"online, but EWS opens it", record(mailbox(anna), saying(anna, online), ask("Basic"), logon("Basic", 200)), "warning mailbox-duplicate likely", ""},
	{"online is the account's own mailbox", record(saying("svc-crm@contoso.com", online), ask("Basic"), logon("Basic", 200)), "warning autodiscover-failed likely", ""},
	{"the search leads online", record(fromAddress(""), wanted(404, headers()), ledOnline), "critical mailbox-online likely", ""},
	{"unknown address", record(fromAddress(""), saying(anna, stranger)), "critical mailbox-not-found likely", ""},
	{"unknown address, by SOAP", record(fromAddress(""), saying(anna, invalid)), "critical mailbox-not-found likely", ""},
	{"unknown to EWS too", record(mailbox(anna), saying(anna, stranger), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox"))), "critical mailbox-not-found confirmed", ""},
	{"unknown to Autodiscover, and EWS opens it", record(mailbox(anna), saying(anna, stranger), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"another primary address", record(mailbox(anna), saying(anna, another), ask("Basic"), logon("Basic", 200)), "warning mailbox-address-differs confirmed", ""},
	{"another primary address, and EWS does not know this one", record(mailbox(anna), saying(anna, another), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox"))), "critical mailbox-address-differs confirmed", ""},
	{"another primary address, and nobody could sign in to EWS", record(mailbox(anna), saying(anna, another), ask("NTLM", "Basic"), logon("Basic", 401), logon("NTLM", 401)), "critical logon-blocked likely", "mailbox-address-differs"},
	{"another primary address, by the address book too", record(mailbox(anna), saying(anna, another), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox")), further(evidence.PrimaryAddress, "NoError", resolved("Mailbox", "anna.example@contoso.com"))), "critical mailbox-address-differs confirmed", ""},
	{"the same address in other case", record(mailbox("Anna@Contoso.com"), saying("Anna@Contoso.com", settings), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"another primary address of the account itself", record(saying("svc-crm@contoso.com", another), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"Basic at Autodiscover, not at EWS", record(wanted(401, exchange(offers("Basic")...)), saying("", settings), ask("NTLM"), notSent("Basic", "not offered"), logon("NTLM", 200)), "critical basic-disabled confirmed", ""},
}

func TestCausesByAutodiscover(t *testing.T) {
	for _, c := range []struct {
		name string
		rec  evidence.Record
		want string // statuses of causes 1 and 2
	}{
		{"online", record(fromAddress(""), saying(anna, online)), "undetermined confirmed"},
		{"online, and EWS knows no such mailbox", record(mailbox(anna), saying(anna, online), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox"))), "undetermined confirmed"},
		{"the search leads online", record(fromAddress(""), ledOnline), "not-checked likely"},
		{"unknown", record(fromAddress(""), saying(anna, stranger)), "likely not-checked"},
		{"another primary address, opened", record(mailbox(anna), saying(anna, another), ask("Basic"), logon("Basic", 200)), "likely ruled-out"},
		{"another primary address, not found", record(mailbox(anna), saying(anna, another), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox"))), "confirmed not-checked"},
		{"online for an OAuth profile", record(profile("oauth"), mailbox(anna), saying(anna, online), ask("NTLM"), bearer(exchange("WWW-Authenticate", modern))), "undetermined not-applicable"},
	} {
		var got []string
		for _, r := range Judge(c.rec).Causes[:2] {
			got = append(got, string(r.Status))
		}
		if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// What Autodiscover says stands in the report, and its logons among the attempts.
func TestAutodiscoverFacts(t *testing.T) {
	j := Judge(record(wanted(401, exchange(offers("Basic")...)), saying(anna, another), ask("NTLM"), notSent("Basic", "not offered"), logon("NTLM", 200)))
	if a := j.Facts.Autodiscover; a == nil || a.EwsURL != ewsThere || a.PrimarySMTP != another.PrimarySMTP || a.URL != there || a.Mailbox != anna {
		t.Errorf("%+v", a)
	}
	if len(j.Facts.Nodes) != 1 || j.Facts.Nodes[0].Address != here {
		t.Errorf("nodes %+v", j.Facts.Nodes)
	}
	var services []string
	for _, a := range j.Attempts {
		services = append(services, a.Service)
	}
	if !slices.Equal(services, []string{"autodiscover", "ews", "ews"}) {
		t.Errorf("services %q", services)
	}
	basic := j.Findings[0]
	if basic.Code != "basic-disabled" || !strings.Contains(basic.Detail, "by default it is on for Autodiscover") {
		t.Errorf("%s: %s", basic.Code, basic.Detail)
	}
	if f := found(Judge(record(fromAddress(ewsThere), saying(anna, settings), ask("Basic"), heldBack(ewsThere, evidence.HeldUnnamed))).Findings, "autodiscover-failed"); f == nil ||
		!slices.ContainsFunc(f.Remedies, func(r finding.Remedy) bool {
			return strings.Contains(r.Command, "--follow-autodiscover anna@contoso.com")
		}) {
		t.Errorf("no remedy: %+v", f)
	}
}

// What came of the search stands among the steps.
func TestServicePointsTold(t *testing.T) {
	const url = "https://ex1.contoso.local/autodiscover/autodiscover.xml"
	for want, p := range map[string]evidence.ServicePoints{
		"Active Directory of contoso.local names " + url + ", LDAP://x;":                     {Domain: "contoso.local", Points: []evidence.ServicePoint{{URL: url}, {URL: url}, {URL: "LDAP://x", Pointer: true}}},
		"Active Directory of contoso.local has no service connection point of Autodiscover;": {Domain: "contoso.local"},
		"Active Directory not asked for service connection points (no TLS);":                 {Problem: evidence.NoTLS, Why: "no TLS"},
	} {
		f := found(Judge(record(fromAddress(""), pointing(p), wanted(404, headers()))).Findings, "autodiscover-failed")
		if f == nil || !strings.Contains(f.Detail, want) {
			t.Errorf("%s: %+v", want, f)
		}
	}
}
