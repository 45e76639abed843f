package batch

import (
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// evaluator is a row evaluator for an endpoint in order.
func evaluator() *rowEvaluator {
	accepted := evidence.Item{Address: "10.0.0.11:443", Step: evidence.StepLogon, Logon: &evidence.Logon{Scheme: "Basic", Result: evidence.Accepted}}
	anonymous := evidence.Item{
		Address: "10.0.0.11:443", Step: evidence.StepAnonymous,
		Response: &evidence.Response{Status: 401, Headers: [][2]string{{"WWW-Authenticate", `Basic realm="mail.contoso.com"`}, {"X-FEServer", "EX01"}}},
	}
	r := &run{Config: Config{Impersonate: true}, templates: &templates{}}
	return r.newEvaluator(evidence.Record{
		Target: evidence.Target{URL: "https://mail.contoso.com/EWS/Exchange.asmx", Host: "mail.contoso.com", User: "svc-crm@contoso.com", ProfileAuth: "basic", View: "inside", Credentials: true},
		Items:  []evidence.Item{anonymous, accepted},
	}, accepted)
}

func answer(code string) evidence.Item {
	class, kind := "Success", "response"
	if code != "NoError" {
		class, kind = "", "fault"
	}
	return evidence.Item{
		Address: "10.0.0.11:443", Step: evidence.StepSignedIn, Request: &evidence.Request{Operation: "FindFolder"},
		Response: &evidence.Response{Status: 200}, EWS: &evidence.EWS{Kind: kind, Class: class, Code: code},
	}
}

func TestTemplateOfAnAnswer(t *testing.T) {
	b := evaluator()
	timeout := evidence.Item{Address: "10.0.0.11:443", Step: evidence.StepSignedIn, Error: &evidence.Failure{Code: evidence.TimedOut, Phase: "read", Text: "no answer in time"}}
	alias := answer("ErrorNonPrimarySmtpAddress")
	alias.EWS.Resolved = []evidence.Resolved{{Address: "anna.meier@contoso.com"}}
	for _, c := range []struct {
		item evidence.Item
		want string
		says string
	}{
		{answer("NoError"), "ok", "anna@contoso.com"},
		{answer("ErrorImpersonateUserDenied"), "impersonation-denied", "anna@contoso.com"},
		{answer("ErrorNonExistentMailbox"), "mailbox-not-found", "anna@contoso.com"},
		{alias, "mailbox-address-differs", "anna.meier@contoso.com"},
		{answer("ErrorMailboxMoveInProgress"), "mailbox-unavailable", ""},
		{answer("ErrorServerBusy"), "throttled", ""},
		{answer("ErrorAccountDisabled"), "exchange-error", "ErrorAccountDisabled"},
		{timeout, "timeout", ""},
	} {
		j := &job{row: Row{Number: 1, Address: "anna@contoso.com"}, last: c.item}
		if c.item.EWS.Answered() {
			j.answer = &c.item
		}
		s := b.template(j)
		if s.Verdict.Code != finding.Code(c.want) || !strings.Contains(s.Summary.About("anna@contoso.com"), c.says) || strings.Contains(s.Summary.About("anna@contoso.com"), anyMailbox) {
			t.Errorf("%s: %s %s", c.want, s.Verdict.Code, s.Summary.About("anna@contoso.com"))
		}
	}
}

// The mailbox of the first answer stands in no other row.
func TestTemplateHoldsForAnyMailbox(t *testing.T) {
	b := evaluator()
	ok := answer("NoError")
	for _, mailbox := range []string{"crm@contoso.com", "anna@contoso.com"} {
		s := b.template(&job{row: Row{Address: mailbox}, last: ok, answer: &ok})
		want := "svc-crm@contoso.com signs in to EWS on mail.contoso.com by Basic, and the mailbox " + mailbox + " answers"
		if got := s.Summary.About(mailbox); got != want {
			t.Errorf("%q", got)
		}
	}
}

// Whatever keeps a call from being answered is said of the call, by the code that
// the endpoint's own check would use.
func TestTemplateWithoutAnAnswer(t *testing.T) {
	failed := func(code evidence.FailureCode, phase string) evidence.Item {
		return evidence.Item{Error: &evidence.Failure{Code: code, Phase: phase, Text: "as the system says"}}
	}
	http := func(status int, headers ...[2]string) evidence.Item {
		return evidence.Item{Response: &evidence.Response{Status: status, Reason: "Reason", Headers: headers}}
	}
	with := func(item evidence.Item, set func(*evidence.Item)) evidence.Item { set(&item); return item }
	unsent := func(item evidence.Item) evidence.Item {
		return with(item, func(i *evidence.Item) {
			i.Logon = &evidence.Logon{Scheme: "Basic", Result: evidence.Skipped, Why: "no connection: nothing was sent"}
		})
	}
	unfinished := func(item evidence.Item) evidence.Item {
		return with(item, func(i *evidence.Item) {
			i.Logon = &evidence.Logon{Scheme: "Basic", Result: evidence.Unfinished}
		})
	}
	page := with(http(200), func(i *evidence.Item) { i.Response.Page = &evidence.Page{Title: "Maintenance"} })
	garbage := with(http(200), func(i *evidence.Item) { i.EWS = &evidence.EWS{Problem: "no XML"} })
	unsafe := with(http(200), func(i *evidence.Item) { i.EWS = &evidence.EWS{Problem: "a DOCTYPE", Unreadable: true} })
	long := with(http(200), func(i *evidence.Item) { i.Response.Oversized = true })
	cut := with(http(200), func(i *evidence.Item) { i.Response.CutShort = true })
	slow := with(failed(evidence.TimedOut, "read"), func(i *evidence.Item) { i.Response = &evidence.Response{Status: 200} })
	handshake := with(http(401), func(i *evidence.Item) {
		i.Logon = &evidence.Logon{Scheme: "NTLM", Result: evidence.Unfinished, Why: "the server ended the connection"}
	})
	unchallenged := with(handshake, func(i *evidence.Item) { i.NTLM = &evidence.NTLM{Problem: "there is none"} })
	untrusted := with(failed(evidence.TLSUntrusted, "tls"), func(i *evidence.Item) {
		i.TLS = &evidence.TLS{Certificate: &evidence.Certificate{}, Problems: []evidence.CertificateProblem{{Text: "it has expired"}}}
	})
	busy := answer("ErrorServerBusy")
	const connection, call = "No connection to mail.contoso.com", "the call for the mailbox"
	for name, c := range map[string]struct {
		item      evidence.Item
		want      string
		says      string
		otherwise finding.Status // "": unknown
	}{
		"refused":              {item: unsent(failed(evidence.ConnectRefused, "connect")), want: "connect-failed", says: connection},
		"unreachable":          {item: unsent(failed(evidence.ConnectUnreachable, "connect")), want: "connect-failed", says: "No route from here to mail.contoso.com"},
		"proxy refuses":        {item: unsent(failed(evidence.ProxyRefused, "proxy")), want: "connect-failed", says: connection},
		"proxy unknown":        {item: unsent(failed(evidence.DNSNotFound, "resolve")), want: "dns-failed", says: "has no address"},
		"resolver is silent":   {item: unsent(failed(evidence.TimedOut, "resolve")), want: "dns-failed", says: "did not answer"},
		"connecting":           {item: unsent(failed(evidence.TimedOut, "connect")), want: "timeout", says: connection + " in time"},
		"silent":               {item: unfinished(failed(evidence.TimedOut, "read")), want: "timeout", says: "did not answer " + call},
		"slow":                 {item: unfinished(slow), want: "timeout", says: "(200) to " + call},
		"reset":                {item: unfinished(failed(evidence.ConnectionReset, "read")), want: "connect-failed", says: "instead of answering " + call},
		"closed":               {item: failed(evidence.ConnectionClosed, "read"), want: "connect-failed", says: "instead of answering " + call},
		"handshake not kept":   {item: handshake, want: "connect-failed", says: "instead of answering " + call},
		"closed in TLS":        {item: unsent(failed(evidence.ConnectionReset, "tls")), want: "connect-failed", says: "in the TLS handshake"},
		"cut":                  {item: unfinished(cut), want: "server-error", says: "in the middle of its answer to " + call},
		"TLS":                  {item: unsent(failed(evidence.TLSHandshake, "tls")), want: "tls-failed", says: "No TLS handshake", otherwise: finding.Critical},
		"certificate":          {item: unsent(untrusted), want: "tls-untrusted", says: "it has expired", otherwise: finding.Critical},
		"503":                  {item: unfinished(http(503)), want: "server-error", says: "503 to " + call},
		"503 with a time":      {item: unfinished(http(503, [2]string{"Retry-After", "300"})), want: "throttled", says: "try again later (503)"},
		"429":                  {item: unfinished(http(429)), want: "throttled", says: "try again later (429)"},
		"busy":                 {item: busy, want: "throttled", says: "ErrorServerBusy"},
		"500":                  {item: unfinished(http(500)), want: "server-error", says: "500 to " + call},
		"page":                 {item: unfinished(page), want: "server-error", says: "Something other than EWS answered " + call + ` (HTTP 200, a page titled "Maintenance")`},
		"garbage":              {item: unfinished(garbage), want: "server-error", says: "Something other than EWS answered " + call},
		"garbage, signed in":   {item: garbage, want: "server-error", says: "Something other than EWS answered " + call},
		"unsafe":               {item: unfinished(unsafe), want: "server-error", says: " answered " + call + " with content that cannot be read safely"},
		"long":                 {item: unfinished(long), want: "server-error", says: "256 KiB in answer to " + call},
		"404":                  {item: unfinished(http(404)), want: "server-error", says: "Something other than EWS answered " + call + " (HTTP 404)"},
		"no HTTP":              {item: unfinished(failed(evidence.Malformed, "read")), want: "server-error", says: call + " with something that is not HTTP"},
		"no challenge":         {item: unchallenged, want: "server-error", says: "asked for a new sign-in"},
		"signed out":           {item: http(401), want: "server-error", says: "asked for a new sign-in"},
		"403":                  {item: unfinished(http(403)), want: "forbidden", says: "(403) to " + call, otherwise: finding.Critical},
		"redirect":             {item: unfinished(http(302, [2]string{"Location", "https://other.example/"})), want: "redirected", says: "redirects", otherwise: finding.Critical},
		"nothing is known why": {item: evidence.Item{}, want: "connect-failed", says: "instead of answering " + call},
	} {
		t.Run(name, func(t *testing.T) {
			for _, scheme := range []string{"Basic", "NTLM"} {
				b := evaluator()
				b.scheme = scheme
				if scheme == "NTLM" {
					b.target.ProfileAuth = "ntlm"
				}
				item := c.item
				if item.Logon != nil {
					logon := *item.Logon
					logon.Scheme = scheme
					item.Logon = &logon
				}
				if item.Step == "" {
					item.Step = evidence.StepLogon
				}
				j := &job{row: Row{Number: 1, Address: "anna@contoso.com"}, last: item}
				if item.EWS.Answered() {
					j.answer = &item
				}
				s := b.template(j)
				status := c.otherwise
				if status == "" {
					status = finding.Unknown
				}
				v := s.Verdict
				v.Summary = s.Summary.About("anna@contoso.com")
				if v.Code != finding.Code(c.want) || v.Status != status || !strings.Contains(v.Summary, c.says) || strings.Contains(v.Summary, "logon") {
					t.Errorf("%s: %s %s %q, want %s %q", scheme, v.Status, v.Code, v.Summary, c.want, c.says)
				}
			}
		})
	}
}

// With --insecure the endpoint's report says that the certificate is not trusted.
// No row says so only because its call opened a connection, unless it met another
// certificate than that.
func TestTemplateOfACertificate(t *testing.T) {
	b := evaluator()
	b.target.Insecure = true
	b.certificates["known"] = true
	met := func(sum string) *report.Template {
		ok := answer("NoError")
		ok.TLS = &evidence.TLS{
			Certificate: &evidence.Certificate{SHA256: sum},
			Problems:    []evidence.CertificateProblem{{Text: "it has expired"}},
		}
		return b.template(&job{row: Row{Address: "anna@contoso.com"}, last: ok, answer: &ok})
	}
	for _, sum := range []string{"known", "another", "known"} {
		want := map[string]string{"known": "ok", "another": "tls-untrusted"}[sum]
		if s := met(sum); s.Verdict.Code != finding.Code(want) {
			t.Errorf("%s: %+v, want %s", sum, s.Verdict, want)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	e := evaluator()
	for name, item := range map[string]evidence.Item{"good": answer("NoError"), "denied": answer("ErrorImpersonateUserDenied")} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				e.template(&job{row: Row{Address: "anna@contoso.com"}, last: item, answer: &item})
			}
		})
	}
}
