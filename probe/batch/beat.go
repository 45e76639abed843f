package batch

import (
	"context"
	"math"
	"sync"
	"time"
)

// beat lets one call go at a time, a little apart. A machine that wakes up late
// makes up for it, but never with a burst: to a throttle that allows two hundred
// calls in a second, five in a millisecond are too many.
type beat struct {
	turn chan struct{} // holds the place of the one that waits

	mu   sync.Mutex
	x    float64 // per second; Inf: no waiting
	next time.Time
	last time.Time // when the last one really went
}

// Apart, in parts of the usual distance: how close two calls may come, and how
// much lost time is made up for.
const (
	closest = 0.6
	madeUp  = 10
)

func newBeat() *beat { return &beat{turn: make(chan struct{}, 1), x: math.Inf(1)} }

func (b *beat) set(x float64) {
	b.mu.Lock()
	b.x = x
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
	x, now := b.x, time.Now()
	b.mu.Unlock()
	if math.IsInf(x, 1) {
		return ctx.Err()
	}
	apart := time.Duration(float64(time.Second) / x)
	if late := now.Add(-madeUp * apart); b.next.Before(late) {
		b.next = late
	}
	at := b.next
	if soon := b.last.Add(time.Duration(closest * float64(apart))); at.Before(soon) {
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
