package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Schema names the form of what a web hook is sent.
const Schema = "ewsprobe/notification/1"

// mostText bounds a text that a server may have written.
const mostText = 1000

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
	Kind     Kind              `json:"kind"`
	Target   string            `json:"target"`
	Status   finding.Status    `json:"status"`
	Code     finding.Code      `json:"code"`
	Summary  string            `json:"summary"`
	Since    time.Time         `json:"since"`
	Labels   map[string]string `json:"labels"`
	Remedies []Remedy          `json:"remedies"`
}

// Remedy is one thing to do.
type Remedy struct {
	Text    string  `json:"text"`
	Command *string `json:"command"`
	Link    *string `json:"link"`
}

// newNotification is one of a kind. Everything in it that a server may have
// written is made harmless here, before it reaches a header, a page or a log.
func newNotification(kind Kind, e agent.Event) Notification {
	t := e.Target
	n := Notification{At: e.At.UTC(), Message: Message{
		Kind: kind, Target: t.Name, Status: t.Status, Code: t.Code, Since: t.Since.UTC(),
		Summary: report.Clean(t.Summary, mostText), Labels: map[string]string{}, Remedies: []Remedy{},
	}}
	if kind == CredentialWithheld {
		n.Summary, n.Since = report.Clean(t.Withheld.Why, mostText), t.Withheld.Since.UTC()
	}
	for name, value := range t.Labels {
		n.Labels[name] = report.Clean(value, mostText)
	}
	if d := t.Deciding(); d != nil && len(d.Report.Findings) > 0 {
		for _, r := range d.Report.Findings[0].Remedies {
			n.Remedies = append(n.Remedies, Remedy{Text: report.Clean(r.Text, mostText), Command: filled(r.Command), Link: filled(r.Link)})
		}
	}
	listed := func(values []string) string { return cmp.Or(strings.Join(values, ", "), "none") }
	for _, c := range t.Changed {
		n.Changed = append(n.Changed, report.Clean(fmt.Sprintf("%s: now %s, before %s", c.What, listed(c.After), listed(c.Before)), mostText))
	}
	return n
}

// filled is nil for nothing, else the text; a command may have several lines.
func filled(s string) *string {
	if s == "" {
		return nil
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = report.Clean(line, mostText)
	}
	s = strings.Join(lines, "\n")
	return &s
}

// body is what a web hook is sent.
func (n Notification) body() []byte {
	raw, _ := json.Marshal(struct { // nothing in it can fail
		Schema string `json:"schema"`
		Message
	}{Schema, n.Message})
	return raw
}
