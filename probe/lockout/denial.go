package lockout

import (
	"slices"
	"strings"
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

// denied says why the state does not allow another logon.
func (a *Account) denied(s *logons, use Use) *Denial {
	if d := a.refusedBefore(s, use); d != nil {
		return d
	}
	counted := a.counted(s)
	total := a.ownCount() + len(counted)
	over := total + max(use.Room, 1) - a.Max // so many must be over before another may be sent
	if over <= 0 {
		return nil
	}
	d := a.ownLimit(total)
	if len(counted) == 0 {
		return d
	}
	d.At = counted[0].At
	at, until := d.At.UTC().Format(dayAndTime), counted[min(over, len(counted))-1].At.Add(Remembered).UTC().Format(timeOfDay)
	for _, e := range counted {
		if e.Refused {
			over--
		}
	}
	switch {
	case slices.ContainsFunc(counted, func(e logon) bool { return e.Keep }):
		d.Detail = evidence.Say("limit-until-changed", total, at, a.Max)
	case over <= 0: // RetryRefused would let one go
		d.Detail = evidence.Say("limit-refused-before", total, at, a.Max, until)
	default:
		d.Detail = evidence.Say("limit-before", total, at, a.Max, until)
	}
	return d
}

// refusedBefore is the denial where another run was refused with the same password
// at an endpoint of use, the last time that it was.
func (a *Account) refusedBefore(s *logons, use Use) (d *Denial) {
	if a.RetryRefused || a.lockout.UntilReleased {
		return nil
	}
	at := map[string]bool{}
	for _, u := range append(slices.Clone(use.Also), use.At) {
		if u != nil {
			at[s.where(u)] = true
		}
	}
	for _, e := range s.Logons {
		if !e.Refused || e.Run == a.lockout.run || !at[e.Where] || !s.of(e, a.name) || !a.samePassword(s, e) {
			continue
		}
		d = &Denial{Reason: RefusedBefore, At: e.At}
		if written := s.nameOf(e, a.name.user); !strings.EqualFold(written, a.User) {
			d.Account = written
		}
		at, until := e.At.UTC().Format(dayAndTime), e.At.Add(Remembered).UTC().Format(timeOfDay)
		switch {
		case e.Keep:
			d.Detail = evidence.Say("refused-until-changed", at)
		case d.Account != "":
			d.Detail = evidence.Say("refused-before-as", d.Account, at, until)
		default:
			d.Detail = evidence.Say("refused-before", at, until)
		}
	}
	return d
}

// counted are the logons of other runs that count, the oldest first.
func (a *Account) counted(s *logons) (list []logon) {
	for _, e := range s.Logons {
		again := a.RetryRefused && e.Refused && e.At.Before(a.began)
		if e.Run == a.lockout.run || e.NoCount || again || !s.of(e, a.name) || e.Keep && a.otherPassword(s, e) {
			continue
		}
		list = append(list, e)
	}
	return list
}
