package rule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// TestContradictions has a change to a profile that is in order, and what is
// said of it: status and sentences. Near misses stand beside what they are
// mistaken for.
func TestContradictions(t *testing.T) {
	yes, no := true, false
	server := func(n int, label string) *evidence.Option { return &evidence.Option{Number: n, Label: label} }
	const (
		online = "https://outlook.office365.com/EWS/Exchange.asmx"
		here   = "https://mail.contoso.com/EWS/Exchange.asmx"
	)
	for _, c := range []struct {
		name   string
		set    func(*evidence.Profile)
		more   []option
		status finding.Status // "" nothing is found
		says   []string
		not    []string
	}{
		{name: "in order", set: func(*evidence.Profile) {}},
		{name: "an empty one", set: func(p *evidence.Profile) { *p = evidence.Profile{} }},
		{name: "odd case of the path", set: func(p *evidence.Profile) { p.Incoming.Location = "https://mail.contoso.com/ews/exchange.ASMX" }},
		{name: "POP3", set: func(p *evidence.Profile) {
			p.ServerType, p.Incoming.Location, p.Incoming.User = server(1, "Other (POP3/SMTP)"), "pop.contoso.com", `C\u`
		}, status: finding.Critical, says: []string{"Other (POP3/SMTP), which does not use EWS"}, not: []string{"backslash", "https"}},
		{name: "IMAP", set: func(p *evidence.Profile) { p.ServerType = server(4, "IMAP/SMTP") }, status: finding.Critical, says: []string{"does not use EWS"}},
		{name: "outgoing user", set: func(p *evidence.Profile) { p.Outgoing.User = `C\u` }, status: finding.Critical, says: []string{`C\u has a backslash`, "differ (user name)"}},
		{name: "the same user twice", set: func(p *evidence.Profile) { p.Incoming.User, p.Outgoing.User = `C\u`, `C\u` }, status: finding.Critical, says: []string{"backslash"}, not: []string{"differ"}},
		{name: "Exchange Server at Exchange Online", set: func(p *evidence.Profile) {
			p.ServerType, p.Incoming.Location = server(0, "Exchange Server"), online
		}, status: finding.Critical, says: []string{"Exchange Server, which is for your own servers", "outlook.office365.com", "mail.contoso.com was checked"}},
		{name: "another name of Exchange Online", set: func(p *evidence.Profile) { p.Outgoing.Location = "https://outlook.office365.us/EWS/Exchange.asmx" }, status: finding.Critical, says: []string{"outgoing server location outlook.office365.us"}},
		{name: "Exchange Online at Exchange Online", set: func(p *evidence.Profile) {
			p.ServerType, p.Incoming.Location = server(3, "Exchange Online (Hybrid)"), online
		}},
		{name: "across tenants, with tokens", set: func(p *evidence.Profile) {
			p.Incoming.Location, p.Incoming.Credentials = online, server(7, "Azure AD OAuth")
		}},
		{name: "hybrid modern authentication is for servers of one's own", set: func(p *evidence.Profile) { p.Incoming.Location, p.Incoming.Credentials = online, server(6, "HMA") }, status: finding.Critical, says: []string{"is Exchange Online"}},
		{name: "a host that only looks like it", set: func(p *evidence.Profile) {
			p.Incoming.Location = "https://outlook.office365.com.contoso.com/EWS/Exchange.asmx"
		}},
		{name: "http", set: func(p *evidence.Profile) { p.Incoming.Location = "HTTP://mail.contoso.com/EWS/Exchange.asmx" }, status: finding.Critical, says: []string{"http://"}, not: []string{"does not end"}},
		{name: "OWA", set: func(p *evidence.Profile) { p.Incoming.Location = "https://mail.contoso.com/owa" }, status: finding.Critical, says: []string{"does not end in /EWS/Exchange.asmx"}},
		{name: "host alone", set: func(p *evidence.Profile) { p.Incoming.Location = "https://mail.contoso.com" }, status: finding.Critical, says: []string{"does not end"}},
		{name: "both locations", set: func(p *evidence.Profile) {
			p.Incoming.Location, p.Outgoing.Location = "http://mail.contoso.com/", "https://mail.contoso.com/x"
		}, status: finding.Critical, says: []string{"incoming server location begins", "incoming server location does not", "outgoing server location does not", "differ (server location)"}},
		{name: "with Autodiscover the location is not used", set: func(p *evidence.Profile) { p.AutoDiscover, p.Incoming.Location = &yes, "https://mail.contoso.com/owa" }},
		{name: "Autodiscover is noted", set: func(p *evidence.Profile) { p.AutoDiscover, p.Incoming.User = &yes, `C\u` }, status: finding.Critical, says: []string{"Autodiscover"}},
		{name: "HMA and Autodiscover", set: func(p *evidence.Profile) { p.AutoDiscover, p.Incoming.Credentials = &yes, server(6, "HMA") }, status: finding.Warning, says: []string{"Hybrid Modern"}},
		{name: "no impersonation", set: func(p *evidence.Profile) { p.Incoming.Impersonation = &no }, status: finding.Warning, says: []string{"rights on every mailbox"}},
		{name: "no impersonation, not said", set: func(p *evidence.Profile) { p.Incoming.Impersonation = nil }},
		{name: "no impersonation, own credentials", set: func(p *evidence.Profile) { p.Incoming.Impersonation, p.Incoming.Credentials = &no, server(0, "User") }},
		{name: "no impersonation, not hybrid", set: func(p *evidence.Profile) {
			p.Incoming.Impersonation, p.ServerType = &no, server(0, "Exchange Server")
		}},
		{name: "directions differ", set: func(p *evidence.Profile) {
			p.Incoming.Port = 443
			p.Outgoing = evidence.ProfileSide{Location: here, Port: 8443, Protocol: protocol(2, "NTLM"), Impersonation: &yes, User: "SVC-CRM@contoso.com"}
		}, status: finding.Warning, says: []string{"differ (port, authentication protocol)"}},
		{name: "directions differ, but the second is not used", set: func(p *evidence.Profile) { p.SameForOutgoing, p.Outgoing.Protocol = &yes, protocol(2, "NTLM") }},
		{name: "Basic off is mentioned", set: func(p *evidence.Profile) { p.Incoming.User = `C\u` }, more: []option{ask("NTLM")}, status: finding.Critical, says: []string{"basic-disabled"}},
		{name: "NTLM and Basic is mentioned, not told again", set: func(p *evidence.Profile) {
			p.Incoming.Protocol, p.Incoming.Impersonation = protocol(2, "NTLM"), &no
		}, more: []option{profile("ntlm"), ask("NTLM", "Basic")}, status: finding.Warning, says: []string{"basic-and-ntlm"}, not: []string{"prerequisite"}},
		{name: "NTLM and no Basic", set: func(p *evidence.Profile) { p.Incoming.Protocol = protocol(2, "NTLM") }, more: []option{ask("NTLM")}},
		{name: "a critical one comes first", set: func(p *evidence.Profile) { p.Incoming.Impersonation, p.Incoming.User = &no, `C\u` }, status: finding.Critical, says: []string{"backslash", "rights on every mailbox"}},
		{name: "withheld", set: func(p *evidence.Profile) { p.Incoming.Location = "[withheld: the server repeated a secret]" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := append([]option{exported(c.set)}, c.more...)
			if c.more == nil {
				options = append(options, anonymousOnly(), ask("Basic"))
			}
			rec := record(options...)
			j := Judge(rec)
			checkWhole(t, rec, j)
			f := found(j.Findings, "profile-contradiction")
			if c.status == "" {
				if f != nil {
					t.Errorf("found: %s", f.Detail)
				}
				return
			}
			if f == nil {
				t.Fatalf("nothing found; the verdict is %s", j.Verdict.Code)
			}
			if f.Status != c.status || !strings.Contains(f.Summary, `"Contoso hybrid"`) || len(f.Evidence) == 0 || f.Evidence[0] != "e1" {
				t.Errorf("%s %s %q", f.Status, f.Summary, f.Evidence)
			}
			at := 0
			for _, s := range c.says {
				i := strings.Index(f.Detail[at:], s)
				if i < 0 {
					t.Fatalf("%q is missing, or not in its place: %s", s, f.Detail)
				}
				at += i
			}
			for _, s := range c.not {
				if strings.Contains(f.Detail, s) {
					t.Errorf("%q should not be in: %s", s, f.Detail)
				}
			}
		})
	}
}

// What Dynamics saw is read by the catalogue of alerts and cited.
func TestDynamicsSaw(t *testing.T) {
	test := evidence.ProfileTest{At: "2026-11-20", Execution: &evidence.Option{Label: "Failure"}, Response: "<faultcode>ErrorNonExistentMailbox</faultcode>", SyncErrorCode: "401 Unauthorized"}
	rec := record(exported(func(p *evidence.Profile) { p.LastTest = test }), ask("Basic"))
	d := Judge(rec).Facts.Dynamics
	var keys []string
	for _, a := range d.Alerts {
		keys = append(keys, a.Key)
	}
	if diff := cmp.Diff([]string{"no-mailbox", "401"}, keys); diff != "" || d.At != test.At || d.Execution != "Failure" {
		t.Errorf("%+v (-want +got):\n%s", d, diff)
	}
	for _, rec := range []evidence.Record{record(ask("Basic")), record(exported(func(*evidence.Profile) {}), ask("Basic"))} {
		if d := Judge(rec).Facts.Dynamics; d != nil {
			t.Errorf("%+v of nothing", d)
		}
	}
	long := strings.Repeat("İ", 500) + " NoUserFoundWithGivenClaims " + strings.Repeat("x", 4000)
	f := found(Judge(record(exported(func(p *evidence.Profile) { p.LastTest.Message = long }), ask("Basic"))).Findings, "user-recreated")
	if f == nil || !strings.Contains(f.Detail, "NoUserFoundWithGivenClaims") || len(f.Detail) > 1000 {
		t.Errorf("%+v", f)
	}
}
