// Package agent checks targets on a schedule, remembers what it has seen, and says
// when that changes. It is `check` that stays: evidence, judgement and report are
// those of package probe and the packages below it.
//
// An Agent shows its state with Snapshot, which costs no disk, and gives its store
// for the past. It sends nothing by itself but the checks: pages and notifications
// are other packages, which cmd/ewsprobe joins.
package agent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// What an action can be refused for.
var (
	ErrUnknown  = errors.New("there is no such target")
	ErrWithheld = errors.New("the credential is withheld")
)

// Options are what an agent is made of.
type Options struct {
	// Load reads the configuration, at the start and at each reload.
	Load    func(context.Context) (*agentfile.File, error)
	Version string
	Log     *slog.Logger
	// Check makes one check; nil: probe.Run.
	Check func(context.Context, probe.Config) (evidence.Record, error)
	// Lockouts is where refused logons are counted.
	Lockouts string
	// Password reads the password of a target anew.
	Password func(context.Context, *agentfile.Target) (string, error)
	// Decide says what is to be told of a target, with what it remembered before.
	// What it returns is stored with the run. nil: nobody is told.
	Decide func(Event, map[string][]byte) (remember map[string][]byte, tell []history.Notification)
}

// Event is what may have to be told of a target.
type Event struct {
	At     time.Time
	Target Target
	Counts bool // a run that could have seen the status; else time has passed
	Muted  bool // by maintenance or silence
	// Report is of the run that made the status.
	Report *report.Report
}

// Target is the state of one target. It is never changed: what happens makes a new
// one.
type Target struct {
	Name, Endpoint, View, URL string
	Labels                    map[string]string
	Interval, Anonymous       time.Duration

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
	Logons         map[Logon]int  // since the start
	Durations      Histogram      // of the runs since the start
	Spans          [3]history.Bar // by history.Widths, the oldest first
}

// Run is a run in the state.
type Run struct {
	history.Run
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
var DurationBuckets = [...]float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// Histogram of durations: Counts[i] are those up to DurationBuckets[i], not
// cumulative; the last are all above.
type Histogram struct {
	Counts [len(DurationBuckets) + 1]uint64
	Sum    time.Duration
}

// Agent is one that runs.
type Agent struct {
	options Options
	store   *history.Store
}

// New reads the configuration and opens the storage.
func New(ctx context.Context, o Options) (*Agent, error) { return &Agent{options: o}, nil }

// Run makes the checks until ctx ends; then it waits for those under way, which are
// told to stop.
func (a *Agent) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// File is the configuration.
func (a *Agent) File() *agentfile.File { return nil }

// Store is the past.
func (a *Agent) Store() *history.Store { return a.store }

// Snapshot is the state of all targets, by name. It costs no disk.
func (a *Agent) Snapshot() []*Target { return nil }

// Target is the state of one target; nil: there is none.
func (a *Agent) Target(name string) *Target { return nil }

// NotStored is how many runs could not be stored since the start, and why the last
// could not; "" that it was.
func (a *Agent) NotStored() (n int, why string) { return 0, "" }

// RunNow has a target checked as soon as can be; with a run under way once more
// after it. The error is ErrUnknown or ErrWithheld.
func (a *Agent) RunNow(name string, credential bool) error { return nil }

// Release lets the withheld credential of a target be used again.
func (a *Agent) Release(name string) error { return nil }

// Silence has nobody notified of a target for so long; 0 ends it.
func (a *Agent) Silence(name string, d time.Duration) error { return nil }

// Reload reads the configuration anew: all of it, or nothing.
func (a *Agent) Reload(ctx context.Context) error { return nil }

// Ready says that configuration and storage were read; else why not.
func (a *Agent) Ready() error { return nil }
