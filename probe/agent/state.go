package agent

import (
	"encoding/json"

	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// state is what a target has come to, as it is stored.
type state struct {
	State

	// Aside: an anonymous run has put the status of the last whole run aside.
	Aside bool
	// ByAnonymous: the last change of the status was that of an anonymous run, so
	// that others of its kind could have seen the status.
	ByAnonymous bool

	LastRun *Seen
	Bars    [3]history.Bar             // by history.Widths, the oldest first
	Told    map[string]json.RawMessage // what each channel remembers
}

// with is the state after one more run. A whole run decides. An anonymous one puts
// its status aside only by a finding about the endpoint, which it has seen as well as
// any; and its ok takes back only what an anonymous run has found.
func (s state) with(seen *Seen) (next state, counts bool) {
	next = s
	for i, width := range history.Widths {
		next.Bars[i] = s.Bars[i].With(seen.Run.Run, width)
	}
	next.LastRun = &Seen{Run: seen.Run}
	about := seen
	switch {
	case seen.Run.Whole:
		next.Whole, next.Aside = seen, false
	case s.Whole == nil || concernsEndpoint(seen):
		next.Partial, next.Aside = seen, true
	default:
		next.Partial, next.Aside = seen, false
		about = s.Whole
	}
	next.Status, next.Code, next.Summary = about.Run.Status, about.Run.Code, about.Run.Summary
	if next.Status != s.Status {
		next.Since, next.Changed = seen.Run.Started.Add(seen.Run.Duration), nil
		next.ByAnonymous = !seen.Run.Whole
	}
	if next.Status == finding.OK {
		next.LastOK = seen.Run.Started
	}
	return next, about == seen || next.ByAnonymous
}

// about is the run that the status is of, nil before the first.
func (s state) about() *Seen {
	if s.Aside || s.Whole == nil {
		return s.Partial
	}
	return s.Whole
}

// concernsEndpoint says whether what was found is about the endpoint itself.
func concernsEndpoint(seen *Seen) bool {
	head, ok := finding.HeadOf(seen.Run.Code)
	return seen.Run.Status != finding.OK && ok && (head.Block == finding.BlockAsk || head.Block == finding.BlockEndpoint)
}

// numbered is the state with the number that a run was stored under.
func (s state) numbered(seen *Seen, id int64) state {
	stored := *seen
	stored.Run.ID = id
	s.LastRun = &Seen{Run: stored.Run}
	if s.Whole == seen {
		s.Whole = &stored
	}
	if s.Partial == seen {
		s.Partial = &stored
	}
	return s
}
