package batch

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pace holds all workers back together, as the server asks.
type pace struct {
	mu      sync.Mutex
	changed chan struct{}
	most    int // workers
	limit   int // of them may ask
	grow    time.Time
	less    time.Time     // when the limit was last lowered
	growth  time.Duration // how long the limit holds before one more is tried
	until   time.Time     // nobody asks before
	trouble int           // in a row
	tempo   *tempo
	limiter *rate.Limiter
	pauses  int
	paused  time.Duration
}

const (
	shortestPause = 250 * time.Millisecond
	longestPause  = 15 * time.Second // where the server does not say how long
	growAfter     = 15 * time.Second
)

func newPace(workers int) *pace {
	return &pace{
		changed: make(chan struct{}), most: workers, limit: workers, growth: growAfter,
		tempo: newTempo(time.Now()), limiter: rate.NewLimiter(rate.Inf, 1),
	}
}

func (p *pace) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns when the worker may ask, or ctx ends. idle is called when it has
// to wait because fewer workers may ask.
func (p *pace) wait(ctx context.Context, worker int, idle func()) error {
	counted := false
	for {
		p.mu.Lock()
		now := time.Now()
		if p.limit < p.most && !now.Before(p.grow) {
			p.limit++
			p.grow = now.Add(p.growth)
			p.wake()
		}
		changed := p.changed
		var sleep time.Duration
		switch {
		case worker >= p.limit:
			sleep = max(p.grow.Sub(now), time.Millisecond)
		case now.Before(p.until):
			sleep = p.until.Sub(now)
		}
		tooMany := worker >= p.limit
		p.mu.Unlock()
		if sleep == 0 {
			if counted {
				return ctx.Err()
			}
			counted = true // then the pause is looked at once more
			if err := p.limiter.Wait(ctx); err != nil {
				return err
			}
			continue
		}
		if tooMany {
			idle()
		}
		timer := time.NewTimer(sleep)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// answered: a call that was sent got an answer.
func (p *pace) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = 0
	if p.tempo.answered(time.Now()) {
		p.tune()
	}
}

// tune makes the limiter do what tempo says. A little may be made good at once
// that was missed by waking up late.
func (p *pace) tune() {
	x := p.tempo.x
	if math.IsInf(x, 1) {
		return
	}
	p.limiter.SetBurst(int(min(max(x/500, 1), 8)))
	p.limiter.SetLimit(rate.Limit(x))
}

// complained: the server wants a pause; 0: it does not say how long. A complaint
// about a call that was sent before the last pause began belongs to that pause.
func (p *pace) complained(sent time.Time, pause time.Duration) (until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	fresh := !sent.Before(p.until) // else it was sent before that pause was over
	if pause <= 0 {
		if fresh {
			p.trouble++
		}
		pause = min(shortestPause<<min(p.trouble, 10), longestPause)
	}
	if fresh {
		p.pauses++
		p.tempo.complained(now, pause)
		p.tune()
	}
	p.stop(now, pause)
	return p.until
}

func (p *pace) stop(now time.Time, pause time.Duration) {
	if end := now.Add(pause); end.After(p.until) {
		from := now
		if p.until.After(now) {
			from = p.until
		}
		p.paused += end.Sub(from)
		p.until = end
	}
}

// unreachable: no connection could be made, or no server stood behind it. All
// wait, longer each time; then one goes first.
func (p *pace) unreachable(sent time.Time) (until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !sent.Before(p.until) {
		p.trouble++
		p.pauses++
		p.stop(now, min(shortestPause<<min(p.trouble-1, 10), longestPause))
	}
	return p.until
}

// crowded: too many connections at once. One worker fewer may ask, and after a
// while one more is tried, ever more rarely.
func (p *pace) crowded(sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.limit > 1 {
		p.limit--
	}
	if sent.After(p.less) && !p.less.IsZero() && p.growth < 10*time.Minute {
		p.growth = p.growth * 5 / 4 // one more was tried, and was one too many
	}
	p.less = now
	p.grow = now.Add(p.growth)
	p.wake()
}

// over waits out a pause that began after wait returned.
func (p *pace) over(ctx context.Context) error {
	for {
		p.mu.Lock()
		sleep := time.Until(p.until)
		p.mu.Unlock()
		if sleep <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(sleep)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
