package batch

import (
	"math"
	"time"
)

// tempo finds the rate that a throttle allows. Nobody tells it: it shows only in
// what was answered and when the server complained. Between two complaints, the
// pause included, a server answered at least what it allows on the whole (low);
// at the rate that led to a complaint it allows less (high). Between the two it
// is tried carefully, and rarely: each complaint costs a pause.
type tempo struct {
	x         float64 // calls per second; Inf: not held back
	low, high float64

	began  time.Time // of asking, since the last pause
	served int       // answers since
	cycle  time.Time // of the last complaint
	inAll  int       // answers since

	since      time.Time // x holds
	sinceThen  int       // answers since
	hold       time.Time // x is not raised before
	pause      time.Duration
	step       float64 // by how much more is tried once the rate was found
	before     int     // served and asking time at the complaint before
	beforeTime time.Duration
}

func newTempo(now time.Time) *tempo {
	return &tempo{x: math.Inf(1), high: math.Inf(1), began: now, cycle: now, since: now}
}

// answered notes an answer and returns whether x was changed.
func (t *tempo) answered(now time.Time) bool {
	if t.inAll == 0 && math.IsInf(t.x, 1) {
		t.began, t.cycle = now, now // what came before was signing in
	}
	t.served++
	t.inAll++
	t.sinceThen++
	if math.IsInf(t.x, 1) || now.Before(t.hold) {
		return false
	}
	window := max(time.Second, t.pause, min(time.Duration(20/t.x*float64(time.Second)), 5*time.Second))
	took := now.Sub(t.since)
	if took < window {
		return false
	}
	saturated := float64(t.sinceThen) >= 0.85*t.x*took.Seconds()
	t.since, t.sinceThen = now, 0
	if !saturated {
		return false // something else is slower: there is no need to raise it
	}
	t.low = max(t.low, t.x)
	switch {
	case t.high <= t.low*1.03: // found; later the server may allow more
		t.step = min(max(2*t.step, 0.06), 0.5) // doubled while nobody complains
		t.high = t.low * (1 + t.step)
		t.hold = now.Add(max(8*time.Second, 50*t.pause))
		return false
	case math.IsInf(t.high, 1):
		t.x = t.low * 1.5
	default:
		t.x = min(t.low*1.5, t.low+(t.high-t.low)*0.4)
	}
	return true
}

// complained notes that the server asked for a pause.
func (t *tempo) complained(now time.Time, pause time.Duration) {
	asking, whole := now.Sub(t.began), now.Sub(t.cycle)
	active, all := perSecond(t.served, asking), perSecond(t.inAll, whole)
	first := math.IsInf(t.x, 1)
	if !first { // at first the rate asked for is not known, only what was answered
		t.high = min(t.high, t.x)
	}
	if !first && t.inAll >= 5 && all < t.high {
		t.low = max(t.low, all) // measured over a pause: it allows that much
	}
	if t.low >= t.high*0.97 {
		t.low = min(0.95*t.high, max(all, 0.5*t.high)) // it allows less than it did
	}
	switch {
	case first:
		t.x = max(active/2, 1)
	case t.low == 0:
		t.x = t.high / 2
	default:
		t.x = t.low
	}
	// A bucket answers what is in it and what flows in: two complaints after
	// different times tell one from the other.
	if t.beforeTime > 0 && asking > t.beforeTime*3/2 && t.served > t.before {
		flow := 0.97 * float64(t.served-t.before) / (asking - t.beforeTime).Seconds()
		if flow > t.low && flow < t.high {
			t.x = flow
			if t.served-t.before >= 5 {
				t.high = min(t.high, 1.1*flow)
			}
		}
	}
	t.before, t.beforeTime = t.served, asking
	if !first {
		t.x = max(t.x, t.high/4)
	}
	t.x = max(t.x, 0.1) // a complaint out of turn must not bring all to a standstill
	t.pause, t.step = pause, 0
	resume := now.Add(pause)
	t.began, t.served, t.cycle, t.inAll, t.since, t.sinceThen = resume, 0, now, 0, resume, 0
	t.hold = resume
}

func perSecond(n int, d time.Duration) float64 {
	return float64(n) / max(d.Seconds(), 0.001)
}
