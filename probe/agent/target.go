package agent

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Event is what may have to be told of a target.
type Event struct {
	At     time.Time
	Target *Target // as it is with this run
	Counts bool    // a run that could have seen the status; else time has passed
}

// State is what a target has come to, which is stored. What has a name in JSON is in the
// API too.
type State struct {
	Status  finding.Status   `json:"status"` // "" before the first run
	Code    finding.Code     `json:"code"`
	Summary string           `json:"summary"`
	Since   time.Time        `json:"since"` // of the status
	Changed []history.Change // what was different when it began

	Whole, Partial *Seen                  // the last whole run, and the last anonymous one
	LastOK         time.Time              `json:"last_ok"`
	Withheld       *Withheld              `json:"withheld"`
	SilencedUntil  time.Time              `json:"silenced_until"`
	Mailboxes      map[finding.Status]int // of the last batch over the mailboxes; nil: there was none
	MailboxesAt    time.Time
}

// Target is one target as it is now. It is never changed: what happens makes a new
// one.
type Target struct {
	State
	Name     string            `json:"name"`
	Endpoint string            `json:"endpoint"`
	View     string            `json:"view"`
	URL      string            `json:"url"`
	Labels   map[string]string `json:"labels"`

	LastRun    *Run
	NextRun    time.Time       `json:"next_run"`
	Running    bool            `json:"running"`
	LogonsLeft int             `json:"logons_left"`
	Muted      bool            // by maintenance or silence, now
	Logons     map[Logon]int   // since the start
	Durations  Histogram       // of the runs since the start
	Spans      *[3]history.Bar // by history.Widths, the oldest first

	deciding *Seen // of Whole and Partial
}

// Run is a run in the state.
type Run struct {
	history.Run
	Whole bool // it decides the status: also one of a target that sends no credential at all
}

// Withheld says that nothing is sent for the target's account.
type Withheld struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// Seen is what a run has shown.
type Seen struct {
	Run    Run
	Report *report.Report // without the evidence
}

// Logon is a kind of logon that was counted.
type Logon struct{ Scheme, Result string }

// DurationBuckets are the upper bounds of a histogram of durations, in seconds.
var DurationBuckets = [...]float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60}

// Histogram of durations: Counts[i] are those up to DurationBuckets[i], not
// cumulative; the last are all above.
type Histogram struct {
	Counts [len(DurationBuckets) + 1]uint64
	Sum    time.Duration
}

// Newest are the last whole and the last anonymous run, the newer one first.
func (t *Target) Newest() []*Seen {
	list := slices.DeleteFunc([]*Seen{t.Whole, t.Partial}, func(s *Seen) bool { return s == nil || s.Report == nil })
	slices.SortStableFunc(list, func(a, b *Seen) int { return b.Run.Started.Compare(a.Run.Started) })
	return list
}

// Deciding is the run whose verdict the status is; nil: there is none. Of a whole and
// an anonymous run with the same verdict it is the whole one, which knows more.
func (t *Target) Deciding() *Seen {
	for _, s := range []*Seen{t.Whole, t.Partial} {
		if s != nil && s.Report != nil && s.Report.Verdict.Code == t.Code && s.Report.Verdict.Status == t.Status {
			return s
		}
	}
	if t.deciding == nil || t.deciding.Report == nil {
		return nil
	}
	return t.deciding
}

// Certificate is when the first certificate of the target ends, as seen last; zero:
// none was seen.
func (t *Target) Certificate() time.Time {
	for _, s := range t.Newest() {
		if !s.Run.Certificate.IsZero() {
			return s.Run.Certificate
		}
	}
	return time.Time{}
}

// state is what a target has come to, as it is stored.
type state struct {
	State

	// Aside: an anonymous run has put the status of the last whole run aside.
	Aside bool
	// ByAnonymous: the last change of the status was that of an anonymous run, so
	// that others of its kind could have seen the status.
	ByAnonymous bool

	LastRun *Seen
}

// readState reads a stored state. Earlier versions stored two fields under their names
// in Go.
func readState(raw []byte) (state, error) {
	var s state
	var earlier struct{ LastOK, SilencedUntil time.Time }
	if err := errors.Join(json.Unmarshal(raw, &s), json.Unmarshal(raw, &earlier)); err != nil {
		return state{}, err
	}
	if s.LastOK.IsZero() {
		s.LastOK = earlier.LastOK
	}
	if s.SilencedUntil.IsZero() {
		s.SilencedUntil = earlier.SilencedUntil
	}
	return s, nil
}

// with is the state after one more run. A whole run decides. An anonymous one puts
// its status aside only by a finding about the endpoint, which it has seen as well as
// any; and its ok takes back only what an anonymous run has found.
func (s state) with(seen *Seen) (next state, counts bool) {
	next = s
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
