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
//
// What holds up the server, or the way to it, makes all calls under way come
// together. So no more are under way than the time of a call asks for, and a part
// of what the server lets be saved up: seldom is all of it there.
type beat struct {
	turn  chan struct{} // holds the place of the one that waits
	freed chan struct{} // told when a call has ended

	mu    sync.Mutex
	x     float64 // per second; Inf: no waiting
	saved float64 // calls that the server lets be saved up
	late  float64 // calls that may be made up for
	took  float64 // seconds that a call takes, on the average of late
	under int     // calls under way
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

func newBeat() *beat {
	return &beat{turn: make(chan struct{}, 1), freed: make(chan struct{}, 1), x: math.Inf(1)}
}

// set gives the rate, and how many calls the server lets be saved up.
func (b *beat) set(x, saved float64) {
	b.mu.Lock()
	b.x, b.saved, b.late = x, saved, min(max(saved-2, 0)/2, madeUp)
	b.mu.Unlock()
}

// answered notes how long an answered call took.
func (b *beat) answered(took time.Duration) {
	b.mu.Lock()
	if b.took == 0 {
		b.took = took.Seconds()
	}
	b.took += (took.Seconds() - b.took) / 20
	b.mu.Unlock()
}

// ended: a call that wait let go has ended.
func (b *beat) ended() {
	b.mu.Lock()
	b.under--
	b.mu.Unlock()
	select {
	case b.freed <- struct{}{}:
	default:
	}
}

// room waits until one more call may be under way, and counts it.
func (b *beat) room(ctx context.Context) error {
	for {
		b.mu.Lock()
		most := int(1 + b.saved/4 + b.x*b.took) // the last by Little's law
		free := math.IsInf(b.x, 1) || b.under < most
		if free {
			b.under++
		}
		b.mu.Unlock()
		if free {
			return nil
		}
		select {
		case <-b.freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// rest: nobody asks before. What is not asked meanwhile is not late.
func (b *beat) rest(until time.Time) {
	b.mu.Lock()
	b.until = until
	b.mu.Unlock()
}

// wait returns when the next call may go, which then is under way until ended is
// called.
func (b *beat) wait(ctx context.Context) (err error) {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-b.turn }()
	if err := b.room(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			b.ended() // it does not go
		}
	}()
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
	if wait := at.Sub(now); wait > 0 {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
	b.next, b.last = b.next.Add(apart), time.Now()
	return nil
}
