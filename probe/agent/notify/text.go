package notify

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// maxSubject bounds a subject: what follows is in the text.
const maxSubject = 160

//go:embed text/notification.tmpl
var textSource string

var texts = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"upper": func(s finding.Status) string { return strings.ToUpper(string(s)) },
		"next":  func(i int) int { return i + 1 },
		"indent": func(s string) string {
			return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n       ")
		},
		"labels":  labels,
		"lasting": lasting,
	}).Parse(textSource))
})

// subject is one line: how bad, which target, what is wrong.
func (n Notification) subject() string {
	return "[ewsprobe] " + report.Clean(n.said("subject"), maxSubject)
}

// text is what a person reads: what is wrong, since when, what changed, what to do.
func (n Notification) text() string { return n.said("text") }

func (n Notification) said(what string) string {
	var b strings.Builder
	if err := texts().ExecuteTemplate(&b, what, n); err != nil { // a test says every kind
		panic(err)
	}
	return b.String()
}

// labels are name=value, in order.
func labels(all map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return strings.Join(list, ", ")
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
