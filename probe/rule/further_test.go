package rule

import (
	"slices"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// delegated asks for a mailbox without impersonation.
func delegated(address string) option {
	return target(func(t *evidence.Target) { t.Mailbox = address })
}

func asUser(user string) option { return target(func(t *evidence.Target) { t.User = user }) }

// further is a call made after the sign-in, on the connection that is signed in.
func further(p evidence.Purpose, code string, change ...func(*evidence.Item)) option {
	return func(b *builder) {
		i := evidence.Item{
			Step: evidence.StepSignedIn, Response: &evidence.Response{Status: 200, Headers: exchange()},
			Request: &evidence.Request{Method: "POST", URL: b.rec.Target.URL, UserAgent: b.rec.Target.UserAgent, Purpose: p},
			EWS:     &evidence.EWS{Kind: "response", Class: "Success", Code: code},
		}
		if code != "NoError" {
			i.EWS.Class = "Error"
		}
		for _, c := range change {
			c(&i)
		}
		b.add(i)
	}
}

func resolved(kind string, addresses ...string) func(*evidence.Item) {
	return func(i *evidence.Item) {
		holds := true
		for _, a := range addresses {
			i.EWS.Resolved = append(i.EWS.Resolved, evidence.Resolved{Address: a, Type: kind, Holds: &holds})
		}
	}
}

func folder(name string) func(*evidence.Item) {
	return func(i *evidence.Item) { i.EWS.Folder = name }
}

// underAgent makes a further call without an EWS answer.
func underAgent(agent string, status int) func(*evidence.Item) {
	return func(i *evidence.Item) {
		i.Request.UserAgent, i.Response.Status = agent, status
		if status == 403 {
			i.EWS = nil
		}
	}
}

func byAgent(agent string) logonOption {
	return func(i *evidence.Item) {
		i.Request = &evidence.Request{Method: "POST", UserAgent: agent}
	}
}

func inner(c string) logonOption {
	return func(i *evidence.Item) { i.EWS.InnerCode = c }
}

func agentItem(agent string, status int) option {
	return func(b *builder) {
		b.add(evidence.Item{Step: evidence.StepUserAgent, Request: &evidence.Request{UserAgent: agent}, Response: &evidence.Response{Status: status, Headers: exchange()}})
	}
}

func asAgent(agent string, status int, h [][2]string) option {
	return func(b *builder) {
		b.add(evidence.Item{Step: evidence.StepAnonymous, Request: &evidence.Request{UserAgent: agent}, Response: &evidence.Response{Status: status, Headers: h}})
	}
}

const (
	alias = "a.schmidt@contoso.com"
	crm   = "CRM/9.2"
	test  = "ExchangeServicesClient/15.00.1076.004"
)

func offered(code evidence.FailureCode) option {
	i := evidence.Item{Step: evidence.StepDataverseTLS}
	if code == "" {
		i.TLS = &evidence.TLS{Version: "TLS 1.2", CipherSuite: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}
	} else {
		i.Error = &evidence.Failure{Code: code, Phase: "tls", Text: "as told"}
	}
	return item(i)
}

// furtherCases are verdicts that hang on what was asked after the sign-in, near
// misses beside what they are mistaken for.
var furtherCases = []verdictCase{
	// Which address.
	{"alias refused, the primary named", record(mailbox(alias), ask("Basic"), logon("Basic", 500, code("ErrorNonPrimarySmtpAddress"), resolved("", anna))), "critical mailbox-address-differs confirmed", ""},
	{"alias refused, no word which", record(mailbox(alias), ask("Basic"), logon("Basic", 500, code("ErrorNonPrimarySmtpAddress"))), "critical mailbox-address-differs confirmed", ""},
	{"alias not found, the address book has it", record(mailbox(alias), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox")), further(evidence.PrimaryAddress, "NoError", resolved("Mailbox", anna))), "critical mailbox-address-differs confirmed", ""},
	{"alias taken", record(mailbox(alias), ask("Basic"), logon("Basic", 200), further(evidence.PrimaryAddress, "NoError", resolved("Mailbox", anna))), "warning mailbox-address-differs confirmed", ""},
	{"primary taken", record(mailbox(anna), ask("Basic"), logon("Basic", 200), further(evidence.PrimaryAddress, "NoError", resolved("Mailbox", "Anna@Contoso.com"))), "ok ok confirmed", ""},
	{"taken, and the address book is silent", record(mailbox(anna), ask("Basic"), logon("Basic", 200), further(evidence.PrimaryAddress, "ErrorNameResolutionNoResults")), "ok ok confirmed", ""},
	{"taken, and the address book has several", record(mailbox(anna), ask("Basic"), logon("Basic", 200), further(evidence.PrimaryAddress, "ErrorNameResolutionMultipleResults", resolved("Mailbox", alias, "b@contoso.com"))), "ok ok confirmed", ""},
	{"not found anywhere", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox")), further(evidence.PrimaryAddress, "ErrorNameResolutionNoResults")), "critical mailbox-not-found confirmed", ""},
	{"remote mailbox: the address book knows the address", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox")), further(evidence.PrimaryAddress, "NoError", resolved("Mailbox", anna))), "critical mailbox-not-found likely", ""},
	{"remote mailbox: sent on to the tenant", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox")), further(evidence.PrimaryAddress, "NoError", resolved("Mailbox", "anna@contoso.mail.onmicrosoft.com"))), "critical mailbox-not-found likely", ""},
	{"a contact has another address", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox")), further(evidence.PrimaryAddress, "NoError", resolved("Contact", "anna@fabrikam.example"))), "critical mailbox-not-found likely", ""},
	{"two entries for one address", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox")), further(evidence.PrimaryAddress, "NoError", resolved("Mailbox", alias, "b@contoso.com"))), "critical mailbox-not-found confirmed", ""},
	{"the address book did not answer", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox")), further(evidence.PrimaryAddress, "", func(i *evidence.Item) { i.EWS, i.Response = nil, nil })), "critical mailbox-not-found confirmed", ""},
	{"out of scope is not another address", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorImpersonateUserDenied"))), "critical impersonation-denied confirmed", ""},

	// Whose mailbox.
	{"delegated, another mailbox", record(delegated(anna), ask("Basic"), logon("Basic", 200), further(evidence.OwnInbox, "NoError", folder("folder-1")), further(evidence.NamedInbox, "NoError", folder("folder-2"))), "ok ok confirmed", ""},
	{"delegated, answered with the caller's own", record(delegated(anna), ask("Basic"), logon("Basic", 200), further(evidence.OwnInbox, "NoError", folder("folder-1")), further(evidence.NamedInbox, "NoError", folder("folder-1"))), "unknown inconclusive undetermined", ""},
	{"the same, and the alias of another", record(delegated(alias), ask("Basic"), logon("Basic", 200), further(evidence.OwnInbox, "NoError", folder("folder-1")), further(evidence.NamedInbox, "NoError", folder("folder-1")), further(evidence.PrimaryAddress, "NoError", resolved("Mailbox", anna))), "unknown inconclusive undetermined", ""},
	{"the caller's own, asked for by its name", record(delegated("svc-crm@contoso.com"), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"the caller's own, by an alias of it", record(delegated(alias), ask("Basic"), logon("Basic", 200), further(evidence.OwnInbox, "NoError", folder("folder-1")), further(evidence.NamedInbox, "NoError", folder("folder-1")), further(evidence.PrimaryAddress, "NoError", resolved("Mailbox", "svc-crm@contoso.com"))), "warning mailbox-address-differs confirmed", ""},
	{"the caller's own, named with its domain", record(asUser(`CONTOSO\svc-crm`), delegated("svc-crm@contoso.com"), ask("Basic"), item(evidence.Item{Step: evidence.StepNTLMNegotiate, NTLM: &evidence.NTLM{DNSDomain: "contoso.com"}}), logon("Basic", 200), further(evidence.OwnInbox, "NoError", folder("folder-1")), further(evidence.NamedInbox, "NoError", folder("folder-1"))), "warning user-name-not-upn confirmed", ""},
	{"the caller has no mailbox", record(delegated(anna), ask("Basic"), logon("Basic", 200), further(evidence.OwnInbox, "ErrorMissingEmailAddress")), "ok ok confirmed", ""},
	{"delegated, and nobody looked", record(delegated(anna), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},
	{"no mailbox is no fault when impersonating", record(mailbox(anna), ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},

	// Again.
	{"passed the second time", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorInternalServerTransientError")), further(evidence.AgainLater, "NoError")), "ok ok confirmed", ""},
	{"the second answer counts", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorADUnavailable")), further(evidence.AgainLater, "ErrorNonExistentMailbox")), "critical mailbox-not-found confirmed", ""},
	{"no second answer", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorADUnavailable")), further(evidence.AgainLater, "", func(i *evidence.Item) { i.EWS, i.Response = nil, nil })), "unknown exchange-error undetermined", ""},
	{"busy the second time", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorADUnavailable")), further(evidence.AgainLater, "ErrorServerBusy")), "unknown throttled confirmed", ""},
	{"the inner code tells", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorInternalServerError"), inner("ErrorMailboxStoreUnavailable"))), "unknown mailbox-unavailable confirmed", ""},
	{"an inner code beside a plain one", record(mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorAccessDenied"), inner("ErrorMailboxStoreUnavailable"))), "critical access-denied confirmed", ""},
	{"a further call that is refused is not the password", record(delegated(anna), ask("Basic"), logon("Basic", 200), further(evidence.OwnInbox, "", func(i *evidence.Item) {
		i.Step, i.EWS, i.Response.Status = evidence.StepLogon, nil, 401
		i.Logon = &evidence.Logon{Scheme: "Basic", Account: "svc-crm@contoso.com", Result: evidence.Refused, Status: 401, Counted: true}
	})), "ok ok confirmed", ""},

	// The user name.
	{"a bare name", record(asUser("svc-crm"), ask("Basic"), logon("Basic", 200), further(evidence.TestConnection, "ErrorNonExistentMailbox")), "warning user-name-not-upn confirmed", ""},
	{"a UPN", record(ask("Basic"), logon("Basic", 200)), "ok ok confirmed", ""},

	// User agents.
	{"refused at the logon", record(ask("Basic"), logon("Basic", 403, strange(exchange())), logon("Basic", 200, byAgent(crm)), further(evidence.OtherAgent, "NoError", underAgent(test, 200))), "warning user-agent-refused confirmed", ""},
	{"Test Connection refused as well", record(ask("Basic"), logon("Basic", 403, strange(exchange())), logon("Basic", 200, byAgent(crm)), further(evidence.OtherAgent, "", underAgent(test, 403))), "warning user-agent-refused confirmed", ""},
	{"synchronization refused, Test Connection not", record(ask("Basic"), logon("Basic", 403, strange(exchange())), logon("Basic", 403, strange(exchange()), byAgent(crm)), logon("Basic", 200, byAgent(test))), "critical forbidden confirmed", ""},
	{"synchronization refused in front", record(asked(403, exchange()), agentItem(test, 401), agentItem(crm, 403), asAgent(test, 401, exchange(offers("Basic")...)), logon("Basic", 200, byAgent(test))), "critical forbidden confirmed", ""},
	{"all refused in front", record(asked(403, exchange()), agentItem(test, 403), agentItem(crm, 403)), "critical forbidden confirmed", ""},

	// TLS.
	{"nothing for Dataverse", record(anonymousOnly(), ask("Basic"), over(good), offered(evidence.TLSHandshake)), "critical tls-outdated confirmed", ""},
	{"nothing for Dataverse, without a word", record(anonymousOnly(), ask("Basic"), over(good), offered(evidence.ConnectionReset)), "critical tls-outdated likely", ""},
	{"something for Dataverse", record(anonymousOnly(), ask("Basic"), over(good), offered("")), "ok ok confirmed", ""},
	{"the offer got no answer", record(anonymousOnly(), ask("Basic"), over(good), offered(evidence.TimedOut)), "ok ok confirmed", ""},
	{"the offer was not made to the end", record(anonymousOnly(), ask("Basic"), over(good), offered(evidence.GivenUp)), "ok ok confirmed", ""},
}

func init() { cases = append(cases, furtherCases...) }

// TestEveryCodeOfEWS: each code that is known to matter leads to its finding,
// with something to do in the detail or among the remedies, whether it comes as
// a fault or in an answer.
func TestEveryCodeOfEWS(t *testing.T) {
	for name, m := range finding.EWSCodes() {
		for _, kind := range []string{"fault", "response"} {
			for _, status := range []int{200, 500} {
				rec := record(mailbox(anna), ask("Basic"), logon("Basic", status, code(name), func(i *evidence.Item) { i.EWS.Kind = kind }))
				j := Judge(rec)
				if len(j.Findings) == 0 || j.Findings[0].Code != m.Finding {
					t.Errorf("%s: %+v, want %s", name, j.Verdict, m.Finding)
					continue
				}
				f := j.Findings[0]
				if !strings.Contains(f.Detail, name) {
					t.Errorf("%s: not named in %q", name, f.Detail)
				}
				if f.Code == "exchange-error" && m.Says == "" {
					t.Errorf("%s: the detail says nothing to do", name)
				}
				checkWhole(t, rec, j)
			}
		}
		if m.Says != "" && (!strings.HasSuffix(m.Says, ".") || strings.Contains(m.Says, "  ")) {
			t.Errorf("%s: %q", name, m.Says)
		}
	}
	// Without a mailbox nothing is said of one.
	for name := range finding.EWSCodes() {
		for _, f := range Judge(record(ask("Basic"), logon("Basic", 500, code(name)))).Findings {
			if slices.Contains([]finding.Code{"mailbox-not-found", "mailbox-address-differs"}, f.Code) {
				t.Errorf("%s: %s, and no mailbox was asked for", name, f.Code)
			}
		}
	}
}

// TestWhatIsSaid: the sentences that a case is about.
func TestWhatIsSaid(t *testing.T) {
	find := func(name string) evidence.Record {
		for _, c := range furtherCases {
			if c.name == name {
				return c.rec
			}
		}
		t.Fatalf("no case %q", name)
		return evidence.Record{}
	}
	tests := []struct {
		name string
		rec  evidence.Record
		says []string
	}{
		{"alias", find("alias refused, the primary named"), []string{anna, "primary"}},
		{"own", find("delegated, answered with the caller's own"), []string{anna, "the mailbox of svc-crm@contoso.com", "may open the other mailbox"}},
		{"not looked", find("delegated, and nobody looked"), []string{"is not known"}},
		{"user name", find("a bare name"), []string{"ErrorNonExistentMailbox", "to the same call"}},
		{"user name not asked", record(asUser(`CONTOSO\svc-crm`), ask("Basic"), logon("Basic", 200)), []string{"ErrorNonExistentMailbox"}},
		{"Test Connection", find("Test Connection refused as well"), []string{test, "Test Connection"}},
		{"agents", record(ask("Basic"), logon("Basic", 403, strange(exchange())), logon("Basic", 403, strange(exchange()), byAgent(crm))), []string{"EwsApplicationAccessPolicy", "Get-CASMailbox", "Get-OrganizationConfig", crm}},
		{"retired", record(asked(403, headers("X-EWS-Policy-Reason", "EWS is disabled for this user or tenant"))), []string{"EwsEnabled", "2026-10-01", "2027-04-01", "Exchange Online profile"}},
		{"not allowed online", record(asked(403, headers("X-EWS-Policy-Reason", "EWS is blocked by policy for this user or tenant"))), []string{"EwsAllowedAppIDs", "2027-04-01"}},
		{"another word online", record(asked(403, headers("X-EWS-Policy-Reason", "something new"))), []string{"something new", "2027-04-01"}},
		{"TLS", find("nothing for Dataverse"), []string{"TLS 1.3", "Dataverse"}},
	}
	for _, c := range tests {
		j := Judge(c.rec)
		text := j.Verdict.Summary
		if len(j.Findings) > 0 {
			text += " " + j.Findings[0].Detail
		}
		for _, want := range c.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not said in %q", c.name, want, text)
			}
		}
	}
}

// TestCausesAfterFurtherCalls has the statuses of causes 1 and 2.
func TestCausesAfterFurtherCalls(t *testing.T) {
	for name, want := range map[string]string{
		"alias refused, the primary named":                   "confirmed not-checked",
		"alias taken":                                        "likely ruled-out",
		"not found anywhere":                                 "confirmed not-checked",
		"remote mailbox: the address book knows the address": "undetermined undetermined",
		"delegated, answered with the caller's own":          "undetermined not-checked",
		"delegated, another mailbox":                         "ruled-out ruled-out",
	} {
		for _, c := range furtherCases {
			if c.name != name {
				continue
			}
			causes := Judge(c.rec).Causes
			if got := string(causes[0].Status + " " + causes[1].Status); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
			want = ""
		}
		if want != "" {
			t.Errorf("no case %q", name)
		}
	}
}
