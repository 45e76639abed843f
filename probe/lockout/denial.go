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
	*evidence.Detail // as a record has it
	Reason           Reason
	Account          string    // RefusedBefore: the name that was refused, where it is another than the run's
	At               time.Time // RefusedBefore: when it was; LimitReached: the first that counts; NoAnswer: the last
	Count            int       // LimitReached: logons of this and other runs; NoAnswer: in a row
	Max              int       // LimitReached
}

// How a denial tells a time.
const (
	dayAndTime = "2006-01-02 15:04:05 UTC"
	timeOfDay  = "15:04:05 UTC"
)

// unrecorded is the denial where the count of refused logons cannot be read or written.
func unrecorded(err error) *Denial {
	return &Denial{Detail: evidence.Say("no-count", err), Reason: NoRecord}
}

// ownLimit is the denial where the logons of this run alone reach the limit.
func (a *Account) ownLimit(n int) *Denial {
	return &Denial{Detail: evidence.Say("limit-reached", a.Max), Reason: LimitReached, Count: n, Max: a.Max}
}

// Remembered says that the same password was refused in another run.
func (d *Denial) Remembered() bool { return d != nil && d.Reason == RefusedBefore }
