package batch

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter keeps all workers to what the server as a whole asks for: a pause, a
// rate of calls, a number of connections.
type limiter struct {
	turn chan struct{} // held by the one that waits for its call

	mu sync.Mutex
	limiterState
	heard    time.Time // when the server last asked for a pause
	trouble  int       // pauses in a row
	silent   time.Time // since when no call was answered; zero: the last one was
	answers  int       // calls that were answered
	estimate *estimator

	changed  chan struct{} // closed when allowed has changed
	workers  int
	allowed  int           // of them may ask
	fewer    time.Time     // when that was last lowered
	grow     time.Time     // when one more is tried
	interval time.Duration // how long until then
	more     bool          // it was raised since it was lowered
}

const (
	shortestPause = 250 * time.Millisecond
	longestPause  = 15 * time.Second // where the server does not say how long
	// How long a number of connections is kept before one more is tried.
	minInterval = time.Second
	maxInterval = 10 * time.Minute
)

func newLimiter(workers int) *limiter {
	return &limiter{
		turn: make(chan struct{}, 1), estimate: newEstimator(), limiterState: limiterState{bucket: rate.NewLimiter(rate.Inf, 1)},
		changed: make(chan struct{}), workers: workers, allowed: workers, interval: minInterval,
	}
}

// backOff is a pause for which nobody has said how long it is to be, the n-th in a
// row from 0 on.
func backOff(n int) time.Duration { return min(shortestPause<<min(n, 10), longestPause) }

// admit returns when the worker may ask, or ctx ends. idle is called when it has to
// wait because fewer workers may.
func (l *limiter) admit(ctx context.Context, worker int, idle func()) error {
	for {
		l.mu.Lock()
		now := time.Now()
		if l.allowed < l.workers && !now.Before(l.grow) {
			l.allowed++
			l.more, l.grow = true, now.Add(l.interval)
			l.wake()
		}
		may, changed, wait := worker < l.allowed, l.changed, l.grow.Sub(now)
		l.mu.Unlock()
		if may {
			return l.pause(ctx)
		}
		idle()
		timer := time.NewTimer(max(wait, time.Millisecond))
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

func (l *limiter) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// crowded notes that there were too many connections at once. A call that was sent
// before anybody knew tells nothing new. After a while one more is tried, ever more
// rarely where it is one too many.
func (l *limiter) crowded(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sent.Before(l.fewer) {
		return
	}
	l.allowed = max(l.allowed-1, 1)
	if l.more {
		l.interval = min(l.interval*2, maxInterval)
	}
	l.fewer, l.more = time.Now(), false
	l.grow = l.fewer.Add(l.interval)
	l.wake()
}

// wait returns when the next call may be sent: after a pause, also one that began
// meanwhile, and one after the other at the estimated rate, so that no burst
// follows it.
func (l *limiter) wait(ctx context.Context) error {
	for {
		if err := l.pause(ctx); err != nil {
			return err
		}
		if l.now().bucket.Limit() == rate.Inf {
			return ctx.Err()
		}
		if over, err := l.spaced(ctx); err != nil || over {
			return err
		}
	}
}

// spaced waits for a token of the bucket, and says whether no pause began
// meanwhile.
func (l *limiter) spaced(ctx context.Context) (bool, error) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-l.turn }()
	at := l.now()
	if at.resting() {
		return false, nil
	}
	token := at.bucket.Reserve()
	if err := sleep(ctx, token.Delay()); err != nil {
		token.Cancel()
		return false, err
	}
	return !l.now().resting(), nil
}

// pause waits until no pause lasts.
func (l *limiter) pause(ctx context.Context) error {
	for {
		at := l.now()
		if !at.resting() {
			return ctx.Err()
		}
		if err := sleep(ctx, time.Until(at.until)); err != nil {
			return err
		}
	}
}

// limiterState is how a limiter stands at a moment.
type limiterState struct {
	until  time.Time     // nobody asks before
	away   bool          // nobody could be connected to, and nothing was answered since
	bucket *rate.Limiter // of the estimated rate
	pauses int
	paused time.Duration
}

func (s limiterState) resting() bool { return time.Now().Before(s.until) }

func (l *limiter) now() limiterState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limiterState
}

// answered notes that a call that was sent then got an answer.
func (l *limiter) answered(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trouble, l.silent, l.away = 0, time.Time{}, false
	l.answers++
	if sent.Before(l.heard) {
		return
	}
	before := l.estimate.limit
	if l.estimate.answered(sent); l.estimate.limit != before {
		l.bucket.SetLimit(rate.Limit(l.estimate.limit))
		l.bucket.SetBurst(l.estimate.burst)
	}
}

// busy notes that a mailbox had no time, and returns when it may be asked for
// again; often is how often in a row it had none. Where many have none, the pause
// is kept to by all.
func (l *limiter) busy(sent time.Time, pause time.Duration, often int) (until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = false
	if !sent.Before(l.heard) && l.estimate.busy(sent) {
		return l.unavailable(sent, pause)
	}
	if pause <= 0 {
		pause = backOff(often)
	} else if often > 2 {
		pause = max(pause, min(pause<<min(often-2, 10), longestPause))
	}
	return time.Now().Add(pause)
}

// complained notes that the whole server wants a pause; 0: it does not say how
// long.
func (l *limiter) complained(sent time.Time, pause time.Duration) (until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = false
	return l.unavailable(sent, pause)
}

// aboutOne says whether a pause is wanted for the job's mailbox alone, as where the server
// that has it is away: it is the third time in a row and goes on for long, and each time
// others were answered in between. Then the others need not wait. A pause of which the
// server says how long it is to be is always for all.
func (l *limiter) aboutOne(j *job, pause time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if j.wants == 0 || l.answers == j.others {
		j.wants, j.since = 0, time.Now()
	}
	j.wants, j.others = j.wants+1, l.answers
	return pause <= 0 && j.wants > 2 && time.Since(j.since) > 2*longestPause
}

// unavailable begins a pause of all. A complaint about a call that was sent before
// the last pause began belongs to that pause.
func (l *limiter) unavailable(sent time.Time, pause time.Duration) time.Time {
	now := time.Now()
	fresh := !sent.Before(l.heard)
	if pause <= 0 {
		if fresh {
			l.trouble++
		}
		pause = backOff(l.trouble)
	}
	if fresh {
		l.heard = now
		l.pauses++
		l.estimate.paused(sent, now.Add(pause))
		l.bucket = rate.NewLimiter(rate.Limit(l.estimate.limit), 1) // until the first answer
	}
	return l.rest(now, pause)
}

// unreachable notes that no connection could be made, or no server stood behind it.
// All wait, longer each time; then one goes first.
func (l *limiter) unreachable(sent time.Time) (until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = true
	if sent.Before(l.until) {
		return l.until
	}
	l.trouble++
	l.pauses++
	return l.rest(time.Now(), backOff(l.trouble-1))
}

// rest keeps everybody from asking for so long, at least.
func (l *limiter) rest(now time.Time, pause time.Duration) (until time.Time) {
	if end := now.Add(pause); end.After(l.until) {
		from := now
		if l.until.After(now) {
			from = l.until
		}
		l.paused += end.Sub(from)
		l.until = end
	}
	return l.until
}

// unanswered notes that a call was sent without an answer, and returns since when
// none was answered.
func (l *limiter) unanswered(sent time.Time) (since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.silent.IsZero() {
		l.silent = sent
	}
	return l.silent
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
