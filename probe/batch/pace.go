package batch

import (
	"context"
	"sync"
	"time"
)

// pace holds all workers back together, as the server asks.
type pace struct {
	mu      sync.Mutex
	changed chan struct{}
	most    int // workers
	limit   int // of them may ask
	grow    time.Time
	less    time.Time     // when the limit was last lowered
	more    bool          // it was raised since
	growth  time.Duration // how long the limit holds before one more is tried
	until   time.Time     // nobody asks before
	heard   time.Time     // when the server last asked for a pause
	trouble int           // in a row
	silent  time.Time     // since when no call was answered; zero: the last one was
	away    bool          // nobody could be connected to, and nothing was answered since
	tempo   *tempo
	beat    *beat
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
		tempo: newTempo(), beat: newBeat(),
	}
}

func (p *pace) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns when the worker may ask, or ctx ends. idle is called when it has
// to wait because fewer workers may ask.
func (p *pace) wait(ctx context.Context, worker int, idle func()) error {
	for {
		p.mu.Lock()
		now := time.Now()
		if p.limit < p.most && !now.Before(p.grow) {
			p.limit++
			p.more = true
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
			return ctx.Err()
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

// answered: a call that was sent then got an answer.
func (p *pace) answered(sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble, p.silent, p.away = 0, time.Time{}, false
	p.beat.answered(time.Since(sent))
	if p.tempo.answered(sent) {
		p.beat.set(p.tempo.x, p.tempo.saved)
	}
}

// complained: the server wants a pause; 0: it does not say how long. A complaint
// about a call that was sent before the last pause began belongs to that pause.
func (p *pace) complained(sent time.Time, pause time.Duration) (until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	fresh := !sent.Before(p.heard) // else it was sent before anybody knew
	if pause <= 0 {
		if fresh {
			p.trouble++
		}
		pause = min(shortestPause<<min(p.trouble, 10), longestPause)
	}
	p.away = false
	if fresh {
		p.heard = now
		p.pauses++
		p.tempo.complained(sent, now.Add(pause))
		p.beat.set(p.tempo.x, p.tempo.saved)
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
		p.beat.rest(end)
	}
}

// unreachable: no connection could be made, or no server stood behind it. All
// wait, longer each time; then one goes first.
func (p *pace) unreachable(sent time.Time) (until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.away = true
	if !sent.Before(p.until) {
		p.trouble++
		p.pauses++
		p.stop(now, min(shortestPause<<min(p.trouble-1, 10), longestPause))
	}
	return p.until
}

// crowded: too many connections at once. One worker fewer may ask, and after a
// while one more is tried, ever more rarely. A complaint about a call that was sent
// before anybody knew tells nothing new.
func (p *pace) crowded(sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if sent.Before(p.less) {
		return
	}
	now := time.Now()
	if p.limit > 1 {
		p.limit--
	}
	if p.more && p.growth < 10*time.Minute {
		p.growth = p.growth * 5 / 4 // one more was tried, and was one too many
	}
	p.less, p.more = now, false
	p.grow = now.Add(p.growth)
	p.wake()
}

// turn waits for the moment at which the next call may be sent: after a pause
// that began meanwhile too, one after the other, so that no storm follows it. The
// call is under way until ended.
func (p *pace) turn(ctx context.Context) error {
	for {
		p.mu.Lock()
		wait := time.Until(p.until)
		p.mu.Unlock()
		if wait <= 0 {
			if err := p.beat.wait(ctx); err != nil {
				return err
			}
			p.mu.Lock()
			over := !time.Now().Before(p.until)
			p.mu.Unlock()
			if over {
				return nil
			}
			p.beat.ended()
			continue
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// sleep waits so long, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pace) ended() { p.beat.ended() }

// unanswered notes that a call was sent in vain, and returns since when all were.
func (p *pace) unanswered(sent time.Time) (since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent.IsZero() {
		p.silent = sent
	}
	return p.silent
}

// resting says whether a pause lasts.
func (p *pace) resting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.until)
}
