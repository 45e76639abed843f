package lockout

import (
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Limits of an account that many workers use at a time.
const (
	// doubtAfter logons in a row without an answer only one more is in flight.
	doubtAfter = 2
	// giveUpAfter logons in a row without an answer nothing more is sent.
	giveUpAfter   = 10
	shortestPause = time.Second
	longestPause  = time.Minute
)

// Shared is an account that many workers use at a time, after a logon of the run
// was accepted. What is in flight then is a proved password, and is not written
// down before. As soon as there is a doubt, because a logon was refused all the
// same or two in a row got no answer, one goes at a time and is written down
// first; at the limits nothing more is sent.
type Shared struct {
	account  *Account
	at       *url.URL // the endpoint
	oneByOne bool     // sign-ins go one at a time

	mu      sync.Mutex
	changed chan struct{}
	era     int  // counts the doubts: what was in flight then is part of them
	suspect bool // it was refused: one tries, on another connection
	silent  int  // logons in a row without an answer
	next    time.Time
	trying  bool
	busy    bool // a sign-in is under way
	stopped *Denial
}

// Pass is the leave to ask.
type Pass struct {
	Trial bool // on another connection
	era   int
	alone bool // nobody else asks meanwhile
	place bool // holds the place of the one sign-in
	logon *Logon
}

// Share lets many workers use the account at an endpoint. With oneByOne their
// sign-ins go one at a time.
func (a *Account) Share(at *url.URL, oneByOne bool) *Shared {
	return &Shared{account: a.Prove(), at: at, oneByOne: oneByOne, changed: make(chan struct{})}
}

func (s *Shared) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// await calls ready, under the lock, until it is true. It returns false where the
// account must not be used any more, or ctx has ended.
func (s *Shared) await(ctx context.Context, ready func() (bool, time.Duration)) bool {
	for {
		s.mu.Lock()
		changed := s.changed
		if s.stopped != nil {
			s.mu.Unlock()
			return false
		}
		ok, wait := ready()
		s.mu.Unlock()
		if ok {
			return true
		}
		if wait <= 0 {
			wait = longestPause
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// Enter waits until the account may be used. It fails when it must not be used
// any more, or ctx ends.
func (s *Shared) Enter(ctx context.Context) (p Pass, ok bool) {
	ok = s.await(ctx, func() (bool, time.Duration) {
		doubt := s.suspect || s.silent >= doubtAfter
		wait := time.Until(s.next)
		if doubt && (s.trying || wait > 0) {
			return false, wait
		}
		s.trying = doubt
		p = Pass{Trial: s.suspect, era: s.era, alone: doubt}
		return true, 0
	})
	return p, ok
}

// Begin waits for the place of the one sign-in, where there is one, before a
// credential is sent. It fails where p has become void: a doubt has come up.
func (s *Shared) Begin(ctx context.Context, p *Pass) bool {
	void := false
	ok := s.await(ctx, func() (bool, time.Duration) {
		void = p.era != s.era
		if !void && s.oneByOne && s.busy {
			return false, 0
		}
		if !void && s.oneByOne {
			s.busy, p.place = true, true
		}
		return true, 0
	})
	if !ok || void {
		return false
	}
	if !p.alone {
		return true
	}
	logon, err := s.account.record(ctx, s.at)
	if err != nil {
		s.stop(s.account.noRecord(err))
		return false
	}
	p.logon = logon
	return true
}

// End is told how a logon ended, and whether it was left without an answer. It
// returns whether it counts.
func (s *Shared) End(p *Pass, result evidence.Result, silent bool) (counted bool) {
	s.mu.Lock()
	current := p.era == s.era
	s.mu.Unlock()
	logon := p.logon
	p.logon = nil
	switch {
	case result == evidence.Accepted && current:
		if logon != nil {
			logon.uncount()
		}
		s.answered(p)
		return false
	case result == evidence.Refused && current:
		s.refused(logon)
		return true
	case result == evidence.Unfinished && silent && current:
		s.unanswered(logon)
		return false
	}
	if logon != nil {
		logon.forget()
	}
	return false
}

func (s *Shared) answered(p *Pass) {
	s.mu.Lock()
	doubt := s.silent > 0 || s.suspect && p.Trial
	s.silent = 0
	if p.Trial {
		s.suspect = false
	}
	s.mu.Unlock()
	if doubt {
		s.account.forgetSilent()
		s.account.accepted()
	}
}

// refused writes a refusal down, and ends the asking at the limit.
func (s *Shared) refused(logon *Logon) {
	a := s.account
	s.writeDown(logon, true)
	n, err := a.total()
	s.mu.Lock()
	s.era++
	s.suspect = true
	s.mu.Unlock()
	switch {
	case err != nil:
		s.stop(a.noRecord(err))
	case n >= a.Max:
		s.stop(&Denial{Reason: LimitReached, Count: n, Max: a.Max, At: a.lockout.now()})
	}
}

// unanswered writes down a logon that got no answer, and ends the asking after too
// many in a row.
func (s *Shared) unanswered(logon *Logon) {
	s.writeDown(logon, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent++
	if s.silent >= doubtAfter {
		s.era++
		s.next = time.Now().Add(min(shortestPause<<(s.silent-doubtAfter), longestPause))
	}
	if s.silent >= giveUpAfter && s.stopped == nil {
		s.stopped = &Denial{Reason: NoAnswer, Count: s.silent, At: s.account.lockout.now()}
	}
	s.wake()
}

// writeDown has a logon that ended badly in the state; nil was not written before.
func (s *Shared) writeDown(logon *Logon, refused bool) {
	a := s.account
	if logon == nil {
		var err error
		if logon, err = a.record(context.Background(), s.at); err != nil {
			s.stop(a.noRecord(err))
			return
		}
	}
	logon.silent = !refused
	logon.keep(refused)
}

func (s *Shared) stop(d *Denial) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped == nil {
		s.stopped = d
		s.wake()
	}
}

// Leave gives the pass back.
func (s *Shared) Leave(p Pass) {
	if p.logon != nil {
		p.logon.forget() // never sent
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.alone {
		s.trying = false
	}
	if p.place {
		s.busy = false
	}
	s.wake()
}

// SignedIn gives the place of the one sign-in to the next.
func (s *Shared) SignedIn(p *Pass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.place {
		s.busy, p.place = false, false
		s.wake()
	}
}

// Trouble is what the state could not do; nil nothing.
func (s *Shared) Trouble() error { return s.account.Trouble() }

// Stopped is why the account must not be used any more; nil: it may.
func (s *Shared) Stopped() *Denial {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}
