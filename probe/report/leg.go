package report

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Leg is an item of evidence in words, as the reports and the log have it: who was
// asked, what was sent, what came back, how long it took.
type Leg struct {
	ID     string
	Step   evidence.Step
	What   string // the step by its name
	Whom   string
	Sent   string
	Back   string // or why nothing did
	After  string // since the start
	Took   string
	Result string // answered, failed, skipped: for the eye only, Back says it too
	Raw    string // the item as JSON

	Left, Wide float64 // its place in the time of the check, in percent
	from, long float64 // in milliseconds
}

// stepNames has a line for each step: what people call it. Look-ups outside the network
// run beside each other; this is the order in which they are shown.
//
//go:embed steps.txt
var stepNames string

// steps are the steps with their names, in the order in which they are shown.
func steps(yield func(step evidence.Step, name string) bool) {
	for line := range strings.Lines(stepNames) {
		step, name, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if !yield(evidence.Step(step), name) {
			return
		}
	}
}

func stepName(s evidence.Step) string {
	for step, name := range steps {
		if step == s {
			return name
		}
	}
	return string(s)
}

// LegOf puts an item into words.
func LegOf(item evidence.Item) Leg {
	l := Leg{ID: item.ID, Step: item.Step, What: stepName(item.Step), Whom: whom(item), Sent: sent(item), Back: back(item), Result: "answered"}
	if item.Error != nil {
		l.Result = "failed"
	}
	if item.Logon != nil && item.Logon.Result == evidence.Skipped {
		l.Result = "skipped"
	}
	if t := item.Timing.Total; t != nil {
		l.Took = roundly(time.Duration(*t * float64(time.Millisecond)))
	}
	return l
}

// legs are all items of a report.
func legs(r Report) ([]Leg, error) {
	var list []Leg
	for _, item := range r.Evidence {
		raw, err := indented(item)
		if err != nil {
			return nil, err
		}
		l := LegOf(item)
		l.Raw = string(raw)
		if since := item.At.Sub(r.Started); !item.At.IsZero() && since >= 0 {
			l.After = "+" + roundly(since)
			l.from = float64(since) / float64(time.Millisecond)
			if t := item.Timing.Total; t != nil {
				l.long = *t
			}
		}
		list = append(list, l)
	}
	spread(list)
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
	case item.Token != nil && item.Token.Host != "":
		parts = append(parts, item.Token.Host)
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
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	switch {
	case item.AtDirectory():
		return directory(item)
	case item.Cloud != nil && item.Error == nil:
		return lookUp(item)
	case item.Step == evidence.StepProfile:
		return "the exported email server profile was read"
	case item.Response != nil || item.Error != nil:
		add(strings.Join(strings.Fields(strings.TrimPrefix(outcome(item), "-    ")), " "))
	case item.Resolution != nil:
		add(strings.Join(item.Resolution.Addresses, ", "))
	}
	if n := item.NTLM; n != nil && n.Problem != "" {
		add(n.Problem)
	} else if n != nil {
		add(fmt.Sprintf("challenge from %s in %s, Windows build %s", n.NetBIOSComputer, n.NetBIOSDomain, n.OSBuild))
	}
	if l := item.Logon; l != nil {
		s := fmt.Sprintf("%s as %s: %s", l.Scheme, l.Account, l.Result)
		if l.Counted {
			s += ", counts as a refused logon"
		}
		if l.Why != "" {
			s += ", " + l.Why
		}
		add(s)
	}
	add(discovered(item.Discovery))
	add(servicePoints(item))
	if t := item.TLS; t != nil && t.Version != "" {
		add(t.Version + ", " + t.CipherSuite)
	}
	if item.ClosedBy != "" {
		add("connection ended by the " + item.ClosedBy)
	}
	return strings.Join(parts, "; ")
}

// outcome is an item's answer in a few words.
func outcome(item evidence.Item) string {
	r := item.Response
	if r == nil {
		if item.Error == nil {
			return "answered"
		}
		return "-    " + item.Error.Text
	}
	s := fmt.Sprintf("%d  ", r.Status)
	names := offered(r)
	switch {
	case len(names) > 0:
		s += "offers " + strings.Join(names, ", ")
	case r.Status/100 == 3:
		s += "to " + r.First("Location")
	case item.EWS.Answered():
		s += "EWS answers " + item.EWS.Code
	case r.Page != nil && r.Page.Title != "":
		s += fmt.Sprintf("a page titled %q", r.Page.Title)
	default:
		s += r.Reason
	}
	if item.Error != nil {
		s += "; then " + item.Error.Text
	}
	return strings.TrimSpace(s)
}

// offered are the names of the schemes an answer offers, as sent.
func offered(r *evidence.Response) []string {
	var names []string
	for _, c := range challenge.Parse(r.Header("WWW-Authenticate")) {
		names = append(names, c.Scheme)
	}
	return names
}
