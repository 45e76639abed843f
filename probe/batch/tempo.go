package batch

import (
	"math"
	"time"
)

// tempo finds the rate that a throttle allows. Nobody tells it: it shows only in
// what was answered and when the server complained, and each complaint costs a
// pause. It works as CUBIC does for a network (RFC 9438): after a complaint a
// little slower, soon near the rate that led to it, there for long, and then ever
// bolder, so that a complaint out of turn or a server that allows more than
// before is made up for. The longer the pauses are, the rarer more is tried.
type tempo struct {
	x        float64 // calls per second; Inf: not held back
	starting bool    // the first guess is still to be found: half as much again while nobody complains

	from, top float64       // x after the last complaint, and the rate that led to it
	climb     time.Duration // how long it takes from one to the other
	resumed   time.Time     // end of the last pause
	hurried   int           // complaints in a row soon after a pause

	served    int       // answers since the last pause
	began     time.Time // of asking since then
	inAll     int       // answers since the last complaint
	cycle     time.Time // of it
	since     time.Time // x was looked at
	sinceThen int       // answers since
}

const (
	backOffTo  = 0.95            // of the rate that led to a complaint
	leastClimb = 4 * time.Second // and at least so many pauses:
	climbIn    = 40
)

func newTempo(now time.Time) *tempo {
	return &tempo{x: math.Inf(1), began: now, cycle: now, since: now}
}

// answered notes an answer and returns whether x was changed.
func (t *tempo) answered(now time.Time) bool {
	if t.inAll == 0 && math.IsInf(t.x, 1) {
		t.began, t.cycle = now, now // what came before was signing in
	}
	t.served++
	t.inAll++
	t.sinceThen++
	window := 100 * time.Millisecond
	if t.starting {
		window = max(500*time.Millisecond, min(time.Duration(20/t.x*float64(time.Second)), 2*time.Second))
	}
	took := now.Sub(t.since)
	if math.IsInf(t.x, 1) || took < window {
		return false
	}
	saturated := float64(t.sinceThen) >= 0.8*t.x*took.Seconds()-1
	t.since, t.sinceThen = now, 0
	switch {
	case !saturated: // something else is slower: there is no need to raise it
		t.resumed = t.resumed.Add(took)
	case t.starting:
		t.x *= 1.5
	default:
		along := now.Sub(t.resumed).Seconds()/t.climb.Seconds() - 1
		t.x = min(t.top+(t.top-t.from)*along*along*along, 4*t.top)
	}
	return saturated
}

// complained notes that the server asked for a pause.
func (t *tempo) complained(now time.Time, pause time.Duration) {
	all := perSecond(t.inAll, now.Sub(t.cycle)) // pause included: the server allows that much, if it was not waiting for us
	asking := now.Sub(t.began)
	t.climb = max(leastClimb, climbIn*pause)
	switch {
	case math.IsInf(t.x, 1):
		t.starting = true
		t.x = perSecond(t.served, asking) / 2
	case t.starting && t.served < 20: // far too much
		t.x = math.Sqrt(max(all, 1) * t.x)
		if t.hurried++; t.hurried > 4 {
			t.starting = false
			t.from, t.top = t.x, t.x/backOffTo
		}
	case t.starting:
		t.starting, t.hurried = false, 0
		t.from, t.top = t.x/1.5, t.x/1.25
		t.x = t.from
		t.climb /= 4
	default:
		if asking < t.climb/8 {
			t.hurried++
		} else {
			t.hurried = 0
		}
		t.top = t.x
		t.from = max(t.x*math.Pow(backOffTo, float64(1+2*min(t.hurried, 6))), min(all, backOffTo*t.x))
		t.x = t.from
	}
	t.x = max(t.x, 0.5)
	resume := now.Add(pause)
	t.resumed, t.began, t.since = resume, resume, resume
	t.served, t.inAll, t.sinceThen, t.cycle = 0, 0, 0, now
}

func perSecond(n int, d time.Duration) float64 {
	return float64(n) / max(d.Seconds(), 0.001)
}
