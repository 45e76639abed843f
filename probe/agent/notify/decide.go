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
	"encoding/json"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
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

// Decide says what a channel is told now, and what it knows afterwards.
func Decide(c *agentfile.Channel, state State, e agent.Event) (State, []Notification) {
	now := e.Target
	if e.Counts {
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
	if kind, due := due(c, state, e); due {
		n := newNotification(kind, e)
		if state.Told != nil {
			n.Before = state.Told.Status
		}
		told = append(told, n)
		state.Told = nil
		if kind != Recovery {
			state.Told = &Told{Status: now.Status, Code: now.Code, At: e.At}
		}
	}
	if now.Withheld != nil && !state.Withheld {
		told = append(told, newNotification(CredentialWithheld, e))
	}
	state.Withheld = now.Withheld != nil
	return state, told
}

// due says whether the status is to be told, and as what.
func due(c *agentfile.Channel, state State, e agent.Event) (Kind, bool) {
	now := e.Target
	if state.Status != now.Status {
		return "", false // no run that counted has seen it yet
	}
	lasts := state.Runs >= c.After
	switch told := state.Told; {
	case now.Status == finding.OK:
		return Recovery, told != nil && lasts
	case !slices.Contains(c.On, string(now.Status)):
		return "", false
	case told == nil || told.Status != now.Status:
		return Problem, lasts
	case told.Code != now.Code:
		return Problem, state.CodeRuns >= c.After
	default:
		return Reminder, c.Repeat > 0 && e.At.Sub(told.At) >= c.Repeat
	}
}

// Plan says what the channels are told of a target, and what each remembers of it.
func Plan(
	channels []*agentfile.Channel, e agent.Event, remembered map[string][]byte,
) (remember map[string][]byte, tell []history.Notification) {
	remember = map[string][]byte{}
	for _, c := range channels {
		var state State
		if old := remembered[c.Name]; old != nil && json.Unmarshal(old, &state) != nil {
			state = State{} // of another version: begin again, told once more at worst
		}
		after, told := Decide(c, state, e)
		remember[c.Name], _ = json.Marshal(after) // nothing in it can fail
		for _, n := range told {
			body, _ := json.Marshal(n)
			tell = append(tell, history.Notification{Channel: c.Name, Target: n.Target, Created: e.At, Next: e.At, Body: body})
		}
	}
	return remember, tell
}
