package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// leg is one item of evidence as a step of a story: who was asked, what was
// sent, what came back, how long it took.
type leg struct {
	ID     string
	What   string
	Whom   string
	Sent   string
	Back   string
	After  string // since the start
	Took   string
	Result string // answered, failed, skipped: for the eye only, Back says it too
	Raw    string // the item as JSON
}

var stepNames = map[evidence.Step]string{
	evidence.StepResolve: "Name resolution", evidence.StepAddressFamily: "IPv6 address", evidence.StepAnonymous: "Anonymous request",
	evidence.StepEmptyBearer: "Empty Bearer token", evidence.StepUserAgent: "User agent of Dynamics", evidence.StepNTLMNegotiate: "NTLM type 1",
	evidence.StepKeepTest: "Is the connection kept", evidence.StepLogon: "Logon", evidence.StepSkipped: "Logon not sent",
	evidence.StepLegacySuites: "Older cipher suites", evidence.StepProfile: "Dynamics profile", evidence.StepDataverseTLS: "TLS as Dataverse",
	evidence.StepSignedIn: "Further call", evidence.StepFindController: "Domain controllers", evidence.StepKDCAsk: "Kerberos, free",
	evidence.StepKDCLogon: "Kerberos logon", evidence.StepTicket: "Kerberos ticket", evidence.StepDirectoryBind: "LDAPS bind",
	evidence.StepAutodiscoverResolve: "Autodiscover, name", evidence.StepAutodiscoverService: "Autodiscover, SRV",
	evidence.StepAutodiscoverAsk: "Autodiscover", evidence.StepAutodiscoverLookup: "Autodiscover, question", evidence.StepAutodiscoverNTLM: "Autodiscover, NTLM type 1",
	evidence.StepAutodiscoverLogon: "Autodiscover, logon", evidence.StepAutodiscoverSkipped: "Autodiscover, not gone",
}

func stepName(s evidence.Step) string {
	if n, ok := stepNames[s]; ok {
		return n
	}
	for _, l := range lookUpLabels {
		if l.step == s {
			return l.label
		}
	}
	return string(s)
}

// legs are all items of a report.
func legs(r Report) ([]leg, error) {
	var list []leg
	for _, item := range r.Evidence {
		raw, err := indented(item)
		if err != nil {
			return nil, err
		}
		l := leg{ID: item.ID, What: stepName(item.Step), Whom: whom(item), Sent: sent(item), Back: back(item), Result: "answered", Raw: string(raw)}
		if item.Error != nil {
			l.Result = "failed"
		}
		if item.Logon != nil && item.Logon.Result == evidence.Skipped {
			l.Result = "skipped"
		}
		if since := item.At.Sub(r.Started); !item.At.IsZero() && since >= 0 {
			l.After = "+" + roundly(since)
		}
		if t := item.Timing.Total; t != nil {
			l.Took = roundly(time.Duration(*t * float64(time.Millisecond)))
		}
		list = append(list, l)
	}
	return list, nil
}

// roundly is a time in as many digits as mean something.
func roundly(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// whom is who was asked.
func whom(item evidence.Item) string {
	var parts []string
	switch {
	case item.Cloud != nil:
		parts = append(parts, item.Cloud.Host)
	case item.Address != "":
		parts = append(parts, item.Address)
	case item.Resolution != nil:
		parts = append(parts, item.Resolution.Name)
	case item.Discovery != nil && item.Discovery.Endpoint != "":
		parts = append(parts, item.Discovery.Endpoint)
	}
	if item.Connection > 0 {
		parts = append(parts, fmt.Sprintf("connection %d", item.Connection))
	}
	return strings.Join(parts, ", ")
}

// sent is what went out: the request, and how it signed in.
func sent(item evidence.Item) string {
	q := item.Request
	if q == nil {
		return ""
	}
	parts := []string{strings.TrimSpace(q.Method + " " + q.URL)}
	if q.Operation != "" {
		parts = append(parts, q.Operation)
	}
	switch {
	case q.Mailbox != "" && q.Impersonate:
		parts = append(parts, "impersonating "+q.Mailbox)
	case q.Mailbox != "":
		parts = append(parts, "for "+q.Mailbox)
	}
	if q.Authorization != "" {
		parts = append(parts, "Authorization: "+q.Authorization)
	}
	if l := item.Logon; l != nil && l.Binding != "" {
		parts = append(parts, "channel binding "+l.Binding)
	}
	return strings.Join(parts, "; ")
}

// back is what came back, or why nothing did.
func back(item evidence.Item) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case item.AtDirectory():
		return Directory(item)
	case item.Cloud != nil && item.Error == nil:
		return LookUp(item)
	case item.Step == evidence.StepProfile:
		return "the exported e-mail server profile was read"
	case item.Response != nil || item.Error != nil:
		add("%s", strings.Join(strings.Fields(strings.TrimPrefix(outcome(item), "-    ")), " "))
	case item.Resolution != nil:
		add("%s", strings.Join(item.Resolution.Addresses, ", "))
	}
	if n := item.NTLM; n != nil {
		if n.Problem != "" {
			add("%s", n.Problem)
		} else {
			add("challenge from %s in %s, Windows build %s", n.NetBIOSComputer, n.NetBIOSDomain, n.OSBuild)
		}
	}
	if l := item.Logon; l != nil {
		s := fmt.Sprintf("%s as %s: %s", l.Scheme, l.Account, l.Result)
		if l.Counted {
			s += ", counted as a bad logon"
		}
		if l.Why != "" {
			s += ", " + l.Why
		}
		add("%s", s)
	}
	if s := Discovered(item.Discovery); s != "" {
		add("%s", s)
	}
	if t := item.TLS; t != nil && t.Version != "" {
		add("%s, %s", t.Version, t.CipherSuite)
	}
	if item.ClosedBy != "" {
		add("connection ended by the %s", item.ClosedBy)
	}
	return strings.Join(parts, "; ")
}
