package report

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Step is an item of evidence in words, as the reports and the log have it: who was
// asked, what was sent, what came back, how long it took.
type Step struct {
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
}

// stepNames has a line for each step: what people call it. Look-ups outside the network
// run beside each other; this is the order in which they are shown.
//
//go:embed steps.txt
var stepNames string

// steps are the steps with their names, in the order in which they are shown.
var steps = sync.OnceValue(func() (list [][2]string) {
	for line := range strings.Lines(stepNames) {
		step, name, _ := strings.Cut(strings.TrimSpace(line), ": ")
		list = append(list, [2]string{step, name})
	}
	return list
})

// stepOrder is the place of a step; -1: this version does not know it.
func stepOrder(s evidence.Step) int {
	return slices.IndexFunc(steps(), func(step [2]string) bool { return step[0] == string(s) })
}

// StepName is what people call a step.
func StepName(s evidence.Step) string {
	if i := stepOrder(s); i >= 0 {
		return steps()[i][1]
	}
	return string(s)
}

// StepOf puts an item into words.
func StepOf(item evidence.Item) Step {
	l := Step{
		ID: item.ID, Step: item.Step, What: StepName(item.Step), Result: "answered",
		Whom: say("whom", &item, ", "), Sent: say("sent", &item, "; "), Back: say("back", &item, "; "),
	}
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

// Steps are all items of a report, each with its place in the time of the check.
func (r Report) Steps() ([]Step, error) {
	var list []Step
	end := 0.0
	for _, item := range r.Evidence {
		raw, err := indented(item)
		if err != nil {
			return nil, err
		}
		l := StepOf(item)
		l.Raw = string(raw)
		if since := item.At.Sub(r.Started); !item.At.IsZero() && since >= 0 {
			l.After = "+" + roundly(since)
			l.Left = float64(since) / float64(time.Millisecond)
			if t := item.Timing.Total; t != nil {
				l.Wide = *t
			}
		}
		end = max(end, l.Left+l.Wide)
		list = append(list, l)
	}
	for i := range list { // milliseconds become percent
		if l := &list[i]; end > 0 && l.Took != "" {
			l.Wide = max(100*l.Wide/end, 0.5)
			l.Left = min(100*l.Left/end, 100-l.Wide)
		} else {
			l.Left, l.Wide = 0, 0
		}
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

// LogLimit is how many characters a line of the log has at most.
const LogLimit = 500

// Log is an item as lines of the log that -v writes while a check goes on; with
// wire also what was sent and what came back. Items come cleaned of secrets; what a
// server wrote is made harmless here.
func Log(item evidence.Item, wire bool) []string {
	l := StepOf(item)
	whom := l.Whom
	if r := item.Request; r != nil && r.Purpose != "" {
		whom += ", " + r.Operation
	}
	if logon := item.Logon; logon != nil && logon.Binding != "" {
		l.Back += ", channel binding " + logon.Binding
	}
	if l.Took != "" {
		l.Back += " (" + l.Took + ")"
	}
	lines := []string{Clean(fmt.Sprintf("%-4s %-15s %s: %s", l.ID, l.Step, whom, l.Back), LogLimit)}
	if !wire {
		return lines
	}
	for _, line := range linesOf("wire", Harmless(item)) {
		lines = append(lines, Clean("     "+strings.TrimSpace(line), LogLimit))
	}
	return lines
}
