package agent

import (
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
	Muted  bool    // by maintenance or silence
	// Report is of the run that made the status.
	Report *report.Report
}

// Target is the state of one target. It is never changed: what happens makes a new
// one.
type Target struct {
	Name, Endpoint, View, URL string
	Labels                    map[string]string
	Interval, Anonymous       time.Duration
	Sends                     bool // a whole check of it sends a credential

	Status  finding.Status // "" before the first run
	Code    finding.Code
	Summary string
	Since   time.Time        // of the status
	Changed []history.Change // what was different when it began

	LastRun        *Run
	NextRun        time.Time
	Running        bool
	LastOK         time.Time
	Withheld       *Withheld
	LogonsLeft     int
	SilencedUntil  time.Time
	Muted          bool                   // by maintenance or silence, now
	Whole, Partial *Seen                  // the last whole run, and the last anonymous one
	Mailboxes      map[finding.Status]int // of the last batch over mailboxes_file; nil: there was none
	MailboxesAt    time.Time
	Logons         map[Logon]int   // since the start
	Durations      Histogram       // of the runs since the start
	Spans          *[3]history.Bar // by history.Widths, the oldest first

	deciding *Seen // of Whole and Partial
}

// Run is a run in the state.
type Run struct {
	history.Run
	Whole  bool // it decides the status: also one of a target that sends no credential at all
	Stored bool
}

// Withheld says that nothing is sent for the target's account.
type Withheld struct {
	Since time.Time
	Why   string
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
