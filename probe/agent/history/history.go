// Package history keeps what the agent has seen: runs with their records,
// transitions, what each target has come to, and the notifications that are still to
// be delivered. It is one SQLite file, which any SQLite tool opens; schema.sql
// describes its tables.
//
// One goroutine at a time writes. What belongs to a run is written in one
// transaction, so that a kill leaves all of it or nothing.
package history

import (
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Run is one check of a target, as it was judged.
type Run struct {
	ID          int64 `json:"id" null:"zero"` // 0: it is not stored
	Target      string
	Started     time.Time `json:"started"`
	Duration    time.Duration
	Status      finding.Status `json:"status"`
	Code        finding.Code   `json:"code"`
	Summary     string
	Credential  bool      `json:"credential"` // a whole check, which may send the credential
	HTTPStatus  int       // of the anonymous answer; 0: there was none
	Certificate time.Time // when the first of the chain ends; zero: none was seen
}

// Transition is a change of a target's status.
type Transition struct {
	ID       int64          `json:"-"`
	Target   string         `json:"target"`
	At       time.Time      `json:"at"`
	From     finding.Status `json:"from"` // "": it is the first run
	To       finding.Status `json:"to"`
	FromCode finding.Code   `json:"-"`
	ToCode   finding.Code   `json:"code"`
	Run      int64          `json:"run"`     // that showed it
	Previous int64          `json:"-"`       // the run that it is compared with; 0: none
	Changes  []Change       `json:"changes"` // what differs between the two
}

// Change is one thing that was not the same before, as probe/diff says it.
type Change struct {
	What     string   `json:"what"`
	Before   []string `json:"before"`
	After    []string `json:"after"`
	Explains bool     `json:"explains"` // it is what turned the verdict
}

// Notification is one message that is to be delivered to a channel.
type Notification struct {
	ID      int64
	Channel string
	Target  string
	Created time.Time
	Next    time.Time // when it is to be tried
	Tries   int
	Why     string // what went wrong at the last try
	Body    []byte // JSON
}

// Entry is all that belongs to one run, written in one transaction.
type Entry struct {
	Run        Run
	Record     []byte      // the report as JSON, which diagnose reads; compressed when it is stored
	Transition *Transition // Run and ID are filled in
	// State is that of the target, JSON, once the number of the run is known.
	State         func(run int64) []byte
	Told          map[string][]byte
	Notifications []Notification
}

// Query chooses runs, the newest first.
type Query struct {
	Since, Until time.Time
	Status       finding.Status
	Limit        int   // 0: 100
	After        int64 // only runs older than this one; 0: all
}

// Fits says whether a query that goes on after no run chooses a run.
func (q Query) Fits(r Run) bool {
	return (q.Since.IsZero() || !r.Started.Before(q.Since)) && (q.Until.IsZero() || r.Started.Before(q.Until)) &&
		(q.Status == "" || q.Status == r.Status)
}

// Span is what the runs of a span of time came to.
type Span struct {
	At          time.Time     // when it begins
	Runs        [4]int        // by status, the worst first
	Latency     time.Duration // the mean of the durations
	Certificate time.Time     // when the first of the chain ends, as seen last
}

// Width is how long the spans of a bar are, and how many of them are kept.
type Width struct {
	Each time.Duration
	Kept int
}

// Widths are those of a day, a week and a quarter.
var Widths = [3]Width{{30 * time.Minute, 48}, {4 * time.Hour, 42}, {24 * time.Hour, 90}}
