package lockout

import (
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Reason is why a credential may not be sent.
type Reason string

// The reasons.
const (
	// RefusedBefore: another run was refused with the same password.
	RefusedBefore Reason = "refused-before"
	// LimitReached: as many logons were refused or left without an answer as may
	// be.
	LimitReached Reason = "limit-reached"
	// AnotherRun is signing in as the account, and its logon was not answered in
	// the time that this run could wait.
	AnotherRun Reason = "another-run"
	// NoRecord: the count of refused logons cannot be read or written.
	NoRecord Reason = "no-record"
	// NoAnswer: too many logons in a row were left without an answer.
	NoAnswer Reason = "no-answer"
	// Settled: a further logon would tell nothing new.
	Settled Reason = "settled"
	// NotProved: a comparison needs a password that was accepted.
	NotProved Reason = "not-proved"
	// NoComparisons: the run has made as many as it may.
	NoComparisons Reason = "no-comparisons"
)

// Denial says why a credential may not be sent.
type Denial struct {
	Reason  Reason
	Account string           // RefusedBefore: the name that was refused, where it is another than the run's
	At      time.Time        // RefusedBefore: when it was; LimitReached: the first that counts
	Until   time.Time        // when a credential may be sent again; zero: not known
	Count   int              // LimitReached: logons of this and other runs; NoAnswer: in a row
	Earlier bool             // LimitReached: logons of other runs are among them
	Retry   bool             // LimitReached: RetryRefused would let one go
	Max     int              // LimitReached
	Err     error            // NoRecord
	Known   *evidence.Detail // Settled
}

// Remembered says that the same password was refused in another run.
func (d *Denial) Remembered() bool { return d != nil && d.Reason == RefusedBefore }

// Detail is the denial as a record has it.
func (d *Denial) Detail() *evidence.Detail {
	const day, clock = "2006-01-02 15:04:05 UTC", "15:04:05 UTC"
	at, until := d.At.UTC().Format(day), d.Until.UTC().Format(clock)
	switch d.Reason {
	case RefusedBefore:
		switch {
		case d.Until.IsZero():
			return evidence.Say("refused-until-changed", at)
		case d.Account != "":
			return evidence.Say("refused-before-as", d.Account, at, until)
		}
		return evidence.Say("refused-before", at, until)
	case LimitReached:
		switch {
		case !d.Earlier:
			return evidence.Say("limit-reached", d.Max)
		case d.Until.IsZero():
			return evidence.Say("limit-until-changed", d.Count, at, d.Max)
		case d.Retry:
			return evidence.Say("limit-refused-before", d.Count, at, d.Max, until)
		}
		return evidence.Say("limit-before", d.Count, at, d.Max, until)
	case AnotherRun:
		return evidence.Say("another-run")
	case NoRecord:
		return evidence.Say("no-count", d.Err)
	case NoAnswer:
		return evidence.Say("unanswered-in-a-row", d.Count)
	case NotProved:
		return evidence.Say("not-proved")
	case NoComparisons:
		return evidence.Say("enough-comparisons", Comparisons)
	}
	return d.Known
}

// String is the denial in words.
func (d *Denial) String() string { return d.Detail().String() }
