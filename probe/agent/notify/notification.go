package notify

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Schema names the form of what a web hook is sent.
const Schema = "ewsprobe/notification/1"

// maxText bounds a text that a server may have written.
const maxText = 1000

// Notification is what one channel is told once. It is kept as JSON until it is
// delivered.
type Notification struct {
	Message

	// What a person reads beside it.
	At      time.Time      `json:"at"`
	Before  finding.Status `json:"before,omitempty"` // what the channel was told last
	Changed []string       `json:"changed,omitempty"`
}

// Message is what a web hook is sent of it.
type Message struct {
	Schema   string            `json:"schema"`
	Kind     Kind              `json:"kind"`
	Target   string            `json:"target"`
	Status   finding.Status    `json:"status"`
	Code     finding.Code      `json:"code"`
	Summary  string            `json:"summary"`
	Since    time.Time         `json:"since"`
	Labels   map[string]string `json:"labels"`
	Remedies []finding.Remedy  `json:"remedies"`
}

// newNotification is one of a kind. Everything in it that a server may have
// written is made harmless here, before it reaches a header, a page or a log.
func newNotification(kind Kind, e agent.Event) Notification {
	t := e.Target
	n := Notification{At: e.At.UTC(), Message: Message{
		Kind: kind, Target: t.Name, Status: t.Status, Code: t.Code, Summary: t.Summary, Since: t.Since.UTC(), Labels: t.Labels,
	}}
	if kind == CredentialWithheld {
		n.Summary, n.Since = t.Withheld.Why, t.Withheld.Since.UTC()
	}
	listed := func(values []string) string { return cmp.Or(strings.Join(values, ", "), "none") }
	for _, c := range t.Changed {
		n.Changed = append(n.Changed, fmt.Sprintf("%s: now %s, before %s", c.What, listed(c.After), listed(c.Before)))
	}
	n = evidence.Copied(n, clean)
	if d := t.Deciding(); d != nil && len(d.Report.Findings) > 0 {
		for _, r := range d.Report.Findings[0].Remedies {
			command := strings.Split(r.Command, "\n") // it may have several lines
			for i, line := range command {
				command[i] = clean(line)
			}
			n.Remedies = append(n.Remedies, finding.Remedy{Text: clean(r.Text), Command: strings.Join(command, "\n"), Link: clean(r.Link)})
		}
	}
	return n
}

func clean(s string) string { return report.Clean(s, maxText) }
