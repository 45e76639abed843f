package batch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
)

// account keeps the one account from being locked out. It begins with a password
// that the endpoint's check has proved. A logon that is refused all the same
// makes everybody wait while one tries once more, on another connection; at the
// limit of refusals nothing more is sent.
type account struct {
	oneByOne bool // all but Basic: sign-ins go one at a time
	secret   signin.Secret

	mu      sync.Mutex
	changed chan struct{}
	max     int
	refused int
	era     int // counts refusals that were acted on: what was in flight then is part of it
	suspect bool
	trying  bool
	busy    bool // a sign-in is under way
	stopped string
}

// pass is the leave to ask.
type pass struct {
	era   int
	trial bool // the one more try: on another connection, and nobody else asks meanwhile
	alone bool // holds the place of the one sign-in
}

func newAccount(limit, refused int, pool *signin.SessionPool) *account {
	by := pool.Way.Traits
	return &account{max: limit, refused: refused, oneByOne: !by.EachRequest, secret: by.Secret, changed: make(chan struct{})}
}

func (a *account) wake() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// enter waits until the account may be used. It fails when it must not be used
// any more, or ctx ends.
func (a *account) enter(ctx context.Context) (pass, bool) {
	for {
		a.mu.Lock()
		changed := a.changed
		switch {
		case a.stopped != "":
			a.mu.Unlock()
			return pass{}, false
		case !a.suspect:
			p := pass{era: a.era}
			a.mu.Unlock()
			return p, true
		case !a.trying:
			a.trying = true
			p := pass{era: a.era, trial: true}
			a.mu.Unlock()
			return p, true
		}
		a.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return pass{}, false
		}
	}
}

// credential waits for the place of the one sign-in, where there is one. It fails
// where p has become void: a logon was refused meanwhile.
func (a *account) credential(ctx context.Context, p *pass) bool {
	for {
		a.mu.Lock()
		changed := a.changed
		if a.stopped != "" || p.era != a.era {
			a.mu.Unlock()
			return false
		}
		if !a.oneByOne || !a.busy {
			a.busy, p.alone = a.oneByOne, a.oneByOne
			a.mu.Unlock()
			return true
		}
		a.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// settle is told how a logon ended; it returns whether it counts.
func (a *account) settle(p pass, result evidence.Result) (counted bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case result == evidence.Accepted && p.era == a.era:
		if a.suspect && p.trial {
			a.suspect = false
		}
	case result == evidence.Refused && p.era == a.era:
		a.refused++
		a.era++
		a.suspect = true
		counted = true
		if a.refused >= a.max {
			a.stopped = fmt.Sprintf("the %s was accepted at first and then refused %s, the last time at %s; nothing more is sent for the account (--max-rejections %d)", a.secret, times(a.refused), time.Now().UTC().Format("15:04:05 UTC"), a.max)
		}
	}
	return counted
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// leave gives the pass back.
func (a *account) leave(p pass) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.trial {
		a.trying = false
	}
	if p.alone {
		a.busy = false
	}
	a.wake()
}

// why the account must not be used any more; "" it may.
func (a *account) why() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stopped
}

// signedIn gives the place of the one sign-in to the next.
func (a *account) signedIn(p *pass) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.alone {
		a.busy, p.alone = false, false
		a.wake()
	}
}
