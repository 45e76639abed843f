package batch

import (
	"math"
	"slices"
	"time"
)

// estimator finds the rate of calls that a server allows. Nobody tells it: it shows
// only in what was answered and in when the server asked for a pause.
//
// Between two pauses the rate grows as CUBIC has it (RFC 9438 4.1): soon near the
// rate that was reached before, there for long, then ever bolder, so that a server
// that had one bad moment is soon asked as fast as before. The more a pause costs,
// the slower the growth.
//
// At a pause the rate is cut. Too high was the rate at which the last calls were
// answered; certainly allowed is the mean since the pause before, that pause
// included. The new rate is between the two: their geometric mean, which finds a
// rate of any size in a few steps.
//
// It has no clock and no lock of its own.
type estimator struct {
	limit float64 // calls per second; +Inf: the server does not hold the calls back
	burst int     // how many may go at once to make up for lost time

	recent    [recentCalls]sample // a ring
	calls     int                 // in the ring, all that were ever put there
	busyInRow int

	served  int       // answers since the last pause was asked for
	since   time.Time // when that was; zero: never
	resumed time.Time // the end of that pause

	from, top float64       // the limit after that pause, and to where it grows soon
	rise      time.Duration // in how long
}

// sample is how a call ended.
type sample struct {
	sent time.Time
	busy bool
}

const (
	recentCalls = 64
	// A busy answer is the whole server's where more of the recent calls, or so many in
	// a row, were answered by it: fewer are enough where it has asked for a pause before.
	// Else it speaks of one mailbox.
	busyRecent  = recentCalls / 2
	busyLimited = recentCalls * 3 / 8
	busyInRow   = 8

	decrease   = 0.8 // multiplicative, of a rate that was too high
	minGrowth  = 1.1
	maxBurst   = 10
	minLimit   = 0.2             // calls per second: one in five seconds shows that a server is well again
	minRise    = 2 * time.Second // and at least so many times the pause:
	risePauses = 20
	// A limit so many times the rate of the calls does not limit them.
	idleLimit = 5
)

func newEstimator() *estimator { return &estimator{limit: math.Inf(1), burst: 1} }

// note takes in how a call ended that was sent then.
func (e *estimator) note(o sample) {
	e.recent[e.calls%recentCalls] = o
	e.calls++
	if e.since.IsZero() && e.resumed.IsZero() {
		e.resumed = o.sent
	}
}

// answered takes in an answer to a call, after which the limit may be higher.
func (e *estimator) answered(sent time.Time) {
	e.note(sample{sent: sent})
	e.busyInRow = 0
	e.served++
	if math.IsInf(e.limit, 1) || sent.Before(e.resumed) {
		return
	}
	along := sent.Sub(e.resumed).Seconds()/e.rise.Seconds() - 1
	e.limit = e.top + (e.top-e.from)*along*along*along
	if rate, enough := e.rate(false); enough && e.limit > idleLimit*rate {
		e.limit = math.Inf(1)
	}
}

// busy takes in a busy answer for one mailbox and says whether the whole server is.
func (e *estimator) busy(sent time.Time) bool {
	e.note(sample{sent: sent, busy: true})
	e.busyInRow++
	most := busyRecent
	if !math.IsInf(e.limit, 1) {
		most = busyLimited
	}
	return e.busyRecent() > most || e.busyInRow >= busyInRow
}

// busyRecent is how many of the recent calls were answered by busy.
func (e *estimator) busyRecent() (n int) {
	for _, o := range e.recent[:min(e.calls, recentCalls)] {
		if o.busy {
			n++
		}
	}
	return n
}

// rate is how many of the recent calls there were in a second; with answered, how
// many of them were answered. It is sure only where there were enough.
func (e *estimator) rate(answered bool) (perSecond float64, enough bool) {
	n := min(e.calls, recentCalls)
	if n < 2 {
		return 0, false
	}
	bySent := func(a, b sample) int { return a.sent.Compare(b.sent) }
	first, last := slices.MinFunc(e.recent[:n], bySent), slices.MaxFunc(e.recent[:n], bySent)
	counted := n
	if answered {
		counted -= e.busyRecent()
	}
	return float64(counted) / max(last.sent.Sub(first.sent).Seconds(), 0.001), n == recentCalls
}

// paused takes in that the server asked, in answer to a call that was sent then,
// for a pause until resume.
func (e *estimator) paused(sent, resume time.Time) {
	defer func() {
		e.resumed, e.calls, e.busyInRow = resume, 0, 0
	}()
	pause := resume.Sub(sent)
	if e.served == 0 {
		return // nothing was allowed since the last: it tells no rate
	}
	took := sent.Sub(e.since)
	if e.since.IsZero() {
		took = max(sent.Sub(e.resumed), pause)
	}
	allowed := float64(e.served) / max(took.Seconds(), 0.001)
	reached, sure := e.rate(true)
	if math.IsInf(e.limit, 1) { // a part of what was answered at once, for seldom is all of it allowed
		e.burst = min(max(e.served/4, 1), maxBurst)
	}
	switch {
	case sure:
	case math.IsInf(e.limit, 1):
		reached = float64(e.served) / max(sent.Sub(e.resumed).Seconds(), 0.001)
	default:
		reached = e.limit
	}
	reached = max(reached, allowed, minLimit)
	e.from = max(min(math.Sqrt(allowed*reached), max(decrease*reached, allowed)), minLimit)
	if e.top == 0 || reached >= e.top {
		e.top = reached
	} else { // RFC 9438 4.7: the server allows less than before
		e.top = (reached + e.from) / 2
	}
	e.top = max(e.top, minGrowth*e.from)
	e.rise = max(minRise, 2*pause)
	if e.from > e.top/2 { // it is about right
		e.rise = max(minRise, risePauses*pause)
	}
	e.limit, e.since, e.served = e.from, sent, 0
}
