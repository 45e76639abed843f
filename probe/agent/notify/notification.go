package notify

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Schema names the form of what a web hook is sent.
const Schema = "ewsprobe/notification/1"

// mostText bounds a text that a server may have written.
const mostText = 1000

// Withheld is since when and why a credential is not sent any more.
type Withheld struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// Notification is what one channel is told once. It is kept as JSON until it is
// delivered.
type Notification struct {
	Kind     Kind              `json:"kind"`
	Target   string            `json:"target"`
	Status   finding.Status    `json:"status"`
	Code     finding.Code      `json:"code"`
	Summary  string            `json:"summary"`
	Since    time.Time         `json:"since"`
	Labels   map[string]string `json:"labels"`
	Remedies []Remedy          `json:"remedies"`

	// What a person reads beside it.
	At      time.Time      `json:"at"`
	Before  finding.Status `json:"before,omitempty"` // what the channel was told last
	Changed []string       `json:"changed,omitempty"`
	Page    string         `json:"page,omitempty"`
}

// Remedy is one thing to do.
type Remedy struct {
	Text    string  `json:"text"`
	Command *string `json:"command"`
	Link    *string `json:"link"`
}

// newNotification is one of a kind. Everything in it that a server may have
// written is made harmless here, before it reaches a header, a page or a log.
func newNotification(kind Kind, now Now) Notification {
	n := Notification{
		Kind: kind, Target: now.Target, Status: now.Status, Code: now.Code, Since: now.Since.UTC(), At: now.At.UTC(),
		Summary: report.Clean(now.Summary, mostText), Labels: map[string]string{}, Remedies: []Remedy{}, Page: now.Page,
	}
	if kind == CredentialWithheld {
		n.Summary, n.Since = report.Clean(now.Withheld.Why, mostText), now.Withheld.Since.UTC()
	}
	for name, value := range now.Labels {
		n.Labels[name] = report.Clean(value, mostText)
	}
	for _, r := range now.Remedies {
		n.Remedies = append(n.Remedies, Remedy{Text: report.Clean(r.Text, mostText), Command: filled(r.Command), Link: filled(r.Link)})
	}
	for _, c := range now.Changed {
		n.Changed = append(n.Changed, report.Clean(c, mostText))
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
		Schema   string            `json:"schema"`
		Kind     Kind              `json:"kind"`
		Target   string            `json:"target"`
		Status   finding.Status    `json:"status"`
		Code     finding.Code      `json:"code"`
		Summary  string            `json:"summary"`
		Since    time.Time         `json:"since"`
		Labels   map[string]string `json:"labels"`
		Remedies []Remedy          `json:"remedies"`
	}{Schema, n.Kind, n.Target, n.Status, n.Code, n.Summary, n.Since, n.Labels, n.Remedies})
	return raw
}

// labels are name=value, in order.
func (n Notification) labels() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(n.Labels)) {
		list = append(list, name+"="+n.Labels[name])
	}
	return list
}
