package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// mostSubject bounds a subject: what follows is in the text.
const mostSubject = 160

// subject is one line: how bad, which target, what is wrong.
func (n Notification) subject() string {
	var line string
	switch n.Kind {
	case Recovery:
		line = fmt.Sprintf("RECOVERED %s is ok again", n.Target)
	case Reminder:
		line = fmt.Sprintf("STILL %s %s: %s", strings.ToUpper(string(n.Status)), n.Target, n.Summary)
	case CredentialWithheld:
		line = fmt.Sprintf("WITHHELD %s: the password is no longer sent", n.Target)
	default:
		line = fmt.Sprintf("%s %s: %s", strings.ToUpper(string(n.Status)), n.Target, n.Summary)
	}
	return "[ewsprobe] " + report.Clean(line, mostSubject)
}

// text is what a person reads: what is wrong, since when, what changed, what to do.
func (n Notification) text() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	switch n.Kind {
	case Recovery:
		p("%s is ok again.\n\n%s", n.Target, n.Summary)
	case Reminder:
		p("%s is still %s (%s).\n\n%s", n.Target, n.Status, n.Code, n.Summary)
	case CredentialWithheld:
		p("The password of %s is no longer sent, so that the account is not locked out.\n\n%s", n.Target, n.Summary)
	default:
		p("%s is %s (%s).\n\n%s", n.Target, n.Status, n.Code, n.Summary)
	}
	p("\nSince:   %s (%s)", n.Since.Format("2006-01-02 15:04:05 UTC"), lasting(n.At.Sub(n.Since)))
	if n.Before != "" && n.Kind != Reminder && n.Before != n.Status {
		p("Before:  %s", n.Before)
	}
	if labels := n.labels(); len(labels) > 0 {
		p("Labels:  %s", strings.Join(labels, ", "))
	}
	if len(n.Changed) > 0 {
		p("\nWhat changed")
		for _, c := range n.Changed {
			p("  - %s", c)
		}
	}
	if n.Kind == CredentialWithheld {
		p("\nWhat to do")
		p("  1. Correct the password where the agent reads it. The next run uses it.")
		p("  2. If the password is right, allow the agent to use it again:\n       ewsprobe agent release %s --config FILE", n.Target)
	} else if n.Status != finding.OK && len(n.Remedies) > 0 {
		p("\nWhat to do")
		for i, r := range n.Remedies {
			p("  %d. %s", i+1, r.Text)
			for _, more := range []*string{r.Command, r.Link} {
				if more != nil {
					p("       %s", strings.ReplaceAll(strings.TrimRight(*more, "\n"), "\n", "\n       "))
				}
			}
		}
	}
	return b.String()
}

// lasting is a duration as a person says it.
func lasting(d time.Duration) string {
	count := func(n time.Duration, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	switch {
	case d < time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return count(d/time.Minute, "minute")
	case d < 48*time.Hour:
		return count(d/time.Hour, "hour")
	default:
		return count(d/(24*time.Hour), "day")
	}
}
