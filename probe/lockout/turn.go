package lockout

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// turnRetry is how often a run that waits for its turn looks again.
const turnRetry = 5 * time.Millisecond

// turn waits until no other run has an unproved logon of the account in flight.
// It waits as long as there are signs of such a logon, but no longer than the
// account's patience; without a sign, where a process hangs, a second.
func (a *Account) turn(ctx context.Context) (release func(), d *Denial) {
	l := a.lockout
	if l.Dir == "" {
		return l.localTurn(ctx)
	}
	// Some accounts share a lock, so that a folder does not fill with them.
	path := "turn-" + a.key[:1]
	began := time.Now()
	seen, looked := began, began
	for {
		held, err := l.tryLock(path)
		switch {
		case err != nil:
			return nil, a.noRecord(err)
		case held != nil:
			return func() { _ = held.Close() }, nil
		}
		now := time.Now()
		if now.Sub(looked) > 20*turnRetry {
			looked = now
			if a.otherInFlight() {
				seen = now
			}
		}
		if now.Sub(seen) > slowest || now.Sub(began) > max(a.Patience, slowest) || !pause(ctx, turnRetry) {
			return nil, &Denial{Reason: AnotherRun}
		}
	}
}

// tryLock returns nil where another has the lock.
func (l *Lockout) tryLock(path string) (*flock.Flock, error) {
	return try(l, func(f *folder) (*flock.Flock, error) {
		return within(f, func(late *atomic.Bool) (*flock.Flock, error) {
			if err := os.MkdirAll(f.dir, 0o700); err != nil {
				return nil, err
			}
			lock := f.lock(path)
			ok, err := lock.TryLock()
			if err != nil {
				return nil, fmt.Errorf("%s cannot be locked: %w", lock.Path(), err)
			}
			if !ok || late.Load() {
				return nil, lock.Close()
			}
			return lock, nil
		})
	})
}

// localTurn is the turn among the accounts of this process alone.
func (l *Lockout) localTurn(ctx context.Context) (release func(), d *Denial) {
	l.mu.Lock()
	if l.local == nil {
		l.local = make(chan struct{}, 1)
	}
	turn := l.local
	l.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, &Denial{Reason: AnotherRun}
	}
}

// otherInFlight says whether another run has written down a logon whose answer it
// may still wait for.
func (a *Account) otherInFlight() bool {
	l := a.lockout
	now := l.now()
	live, err := look(a, func(s *logons) (bool, bool, error) {
		for _, e := range s.Logons {
			if e.Run != l.run && !e.Refused && e.Until.After(now) {
				return true, false, nil
			}
		}
		return false, false, nil
	})
	return live && err == nil
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
