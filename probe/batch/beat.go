package batch

import (
	"context"
	"math"
	"sync"
	"time"
)

// beat lets one call go at a time, a little apart. A machine that wakes up late
// makes up for it, but never with a burst: to a throttle that allows two hundred
// calls in a second, five in a millisecond are too many. Where the server saves
// nothing up, what is late is lost, and to make up for it would be too much.
type beat struct {
	turn chan struct{} // holds the place of the one that waits

	mu    sync.Mutex
	x     float64 // per second; Inf: no waiting
	late  float64 // calls that may be made up for
	until time.Time
	next  time.Time
	last  time.Time // when the last one really went
}

// How close two calls may come that make up for lost time, in parts of the usual
// distance, and for how many it is made up at most.
const (
	closest = 0.6
	madeUp  = 10
)

func newBeat() *beat { return &beat{turn: make(chan struct{}, 1), x: math.Inf(1)} }

// set gives the rate, and how many calls the server lets be saved up.
func (b *beat) set(x, saved float64) {
	b.mu.Lock()
	b.x, b.late = x, min(max(saved-2, 0)/2, madeUp)
	b.mu.Unlock()
}

// rest: nobody asks before. What is not asked meanwhile is not late.
func (b *beat) rest(until time.Time) {
	b.mu.Lock()
	b.until = until
	b.mu.Unlock()
}

func (b *beat) wait(ctx context.Context) error {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-b.turn }()
	b.mu.Lock()
	x, may, until, now := b.x, b.late, b.until, time.Now()
	b.mu.Unlock()
	if math.IsInf(x, 1) {
		return ctx.Err()
	}
	apart := time.Duration(float64(time.Second) / x)
	if late := now.Add(-time.Duration(may * float64(apart))); b.next.Before(late) {
		b.next = late
	}
	if b.next.Before(until) {
		b.next = until
	}
	at, least := b.next, closest
	if may == 0 {
		least = 1
	}
	if soon := b.last.Add(time.Duration(least * float64(apart))); at.Before(soon) {
		at = soon
	}
	if sleep := at.Sub(now); sleep > 0 {
		timer := time.NewTimer(sleep)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.next, b.last = b.next.Add(apart), time.Now()
	return nil
}
