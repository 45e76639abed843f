// Package notify tells people what changed: by mail, by web hook, in the event
// log of Windows.
//
// Decide says what a channel has to be told after a run. It is a pure function;
// its state and what it returns are stored in the transaction that stores the
// run, so that after a kill no transition is told twice and none forgotten. A
// Sender delivers what was stored, again and again for a day where it has to,
// beside the runs and never in their way.
package notify

import (
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Kind is why a notification is sent.
type Kind string

// The kinds of notification.
const (
	Problem            Kind = "problem"
	Recovery           Kind = "recovery"
	Reminder           Kind = "reminder"
	CredentialWithheld Kind = "withheld" // the credential is not sent any more
)

// Rule is when a channel is told.
type Rule struct {
	On     []finding.Status // these; recovery and a withheld credential always
	After  int              // runs in a row with the same status
	Repeat time.Duration    // while it lasts; 0: never
}

// State is what a channel knows of a target. It is kept as JSON.
type State struct {
	Status   finding.Status `json:"status,omitempty"` // of the last run that counted
	Code     finding.Code   `json:"code,omitempty"`
	Runs     int            `json:"runs,omitempty"`      // in a row with that status
	CodeRuns int            `json:"code_runs,omitempty"` // and with that code
	Told     *Told          `json:"told,omitempty"`      // the problem that the channel was told of; nil: none
	Withheld bool           `json:"withheld,omitempty"`  // the channel was told that the credential is withheld
}

// Told is the problem that a channel was told of last, and when.
type Told struct {
	Status finding.Status `json:"status"`
	Code   finding.Code   `json:"code"`
	At     time.Time      `json:"at"`
}

// Now is a target after a run, or between two runs.
type Now struct {
	At       time.Time
	Target   string
	Status   finding.Status
	Code     finding.Code
	Summary  string
	Since    time.Time // of the status
	Labels   map[string]string
	Remedies []finding.Remedy
	Changed  []string  // what changed when the status did, a sentence each
	Page     string    // the address of the target's page; may be empty
	Counts   bool      // this is a run that could have seen the status
	Muted    bool      // by a maintenance window or a silence
	Withheld *Withheld // nil: the credential may be sent
}

// Decide says what a channel is told now, and what it knows afterwards.
func Decide(rule Rule, state State, now Now) (State, []Notification) {
	if now.Counts {
		if state.Status != now.Status {
			state.Runs, state.CodeRuns = 0, 0
		} else if state.Code != now.Code {
			state.CodeRuns = 0
		}
		state.Status, state.Code = now.Status, now.Code
		state.Runs++
		state.CodeRuns++
	}
	if now.Muted {
		return state, nil
	}
	var told []Notification
	if kind, due := rule.due(state, now); due {
		n := newNotification(kind, now)
		if state.Told != nil {
			n.Before = state.Told.Status
		}
		told = append(told, n)
		state.Told = nil
		if kind != Recovery {
			state.Told = &Told{Status: now.Status, Code: now.Code, At: now.At}
		}
	}
	if now.Withheld != nil && !state.Withheld {
		told = append(told, newNotification(CredentialWithheld, now))
	}
	state.Withheld = now.Withheld != nil
	return state, told
}

// due says whether the status is to be told, and as what.
func (r Rule) due(state State, now Now) (Kind, bool) {
	if state.Status != now.Status {
		return "", false // no run that counted has seen it yet
	}
	lasts := state.Runs >= r.After
	switch told := state.Told; {
	case now.Status == finding.OK:
		return Recovery, told != nil && lasts
	case !slices.Contains(r.On, now.Status):
		return "", false
	case told == nil || told.Status != now.Status:
		return Problem, lasts
	case told.Code != now.Code:
		return Problem, state.CodeRuns >= r.After
	default:
		return Reminder, r.Repeat > 0 && now.At.Sub(told.At) >= r.Repeat
	}
}
