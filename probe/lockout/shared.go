package lockout

import (
	"cmp"
	"context"
	"net/url"
	"slices"
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
	changed chan struct{} // closed with every change
	doubts  int           // so many have come up: what was in flight then is part of one
	suspect bool          // it was refused: one tries, on another connection
	silent  int           // logons in a row without an answer
	next    time.Time     // when one may try again
	trying  bool          // one does
	line    []*Pass       // those that wait for it, in the order in which they came
	busy    bool          // a sign-in is under way
	stopped *Denial
}

// Pass is the leave to ask.
type Pass struct {
	Trial  bool // on another connection
	doubts int
	alone  bool   // nobody else asks meanwhile
	place  bool   // holds the place of the one sign-in
	logon  *Logon // written down before it was sent
}

// Share lets many workers use the account at an endpoint. With oneByOne their
// sign-ins go one at a time.
func (a *Account) Share(at *url.URL, oneByOne bool) *Shared {
	return &Shared{account: a.Prove(), at: at, oneByOne: oneByOne, changed: make(chan struct{})}
}

// change changes what workers wait for, and wakes them.
func (s *Shared) change(work func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	work()
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
		select {
		case <-changed:
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}

// Enter waits until the account may be used. It fails when it must not be used
// any more, or ctx ends. In a doubt who came first goes first: a row that is always
// left without an answer must not keep the others from being asked for.
func (s *Shared) Enter(ctx context.Context) (p Pass, ok bool) {
	s.mu.Lock()
	s.line = append(s.line, &p)
	s.mu.Unlock()
	goes := func() { s.line = slices.DeleteFunc(s.line, func(other *Pass) bool { return other == &p }) }
	ok = s.await(ctx, func() (bool, time.Duration) {
		doubt := s.suspect || s.silent >= doubtAfter
		if wait := time.Until(s.next); doubt && (s.trying || wait > 0 || s.line[0] != &p) {
			return false, wait
		}
		goes()
		s.trying = doubt
		p = Pass{Trial: s.suspect, doubts: s.doubts, alone: doubt}
		return true, 0
	})
	if !ok {
		s.change(goes)
	}
	return p, ok
}

// Begin waits for the place of the one sign-in, where there is one, before a
// credential is sent. It fails where p has become void: a doubt has come up.
func (s *Shared) Begin(ctx context.Context, p *Pass) bool {
	void := false
	ok := s.await(ctx, func() (bool, time.Duration) {
		void = p.doubts != s.doubts
		if !void && s.oneByOne {
			if s.busy {
				return false, 0
			}
			s.busy, p.place = true, true
		}
		return true, 0
	})
	if !ok || void || !p.alone {
		return ok && !void
	}
	p.logon = s.logon()
	d := p.logon.write(ctx, func(*logons) *Denial { return nil }) // the limits are kept here
	s.stop(d)
	return d == nil
}

func (s *Shared) logon() *Logon { return &Logon{account: s.account, where: s.at, release: func() {}} }

// End is told how a logon ended, and whether it was left without an answer. It
// returns whether it counts.
func (s *Shared) End(p *Pass, result evidence.Result, silent bool) (counted bool) {
	s.mu.Lock()
	current := p.doubts == s.doubts
	s.mu.Unlock()
	logon := p.logon
	p.logon = nil
	switch {
	case current && result == evidence.Accepted:
		s.answered(p, logon)
	case current && result == evidence.Refused:
		s.refused(logon)
		return true
	case current && result == evidence.Unfinished && silent:
		s.unanswered(logon)
	case logon != nil:
		logon.End(evidence.Skipped)
	}
	return false
}

// answered ends a doubt.
func (s *Shared) answered(p *Pass, logon *Logon) {
	doubt := false
	s.change(func() {
		doubt = logon != nil || s.silent > 0 || p.Trial && s.suspect
		s.silent, s.suspect = 0, s.suspect && !p.Trial
	})
	if doubt {
		a := s.account
		a.lockout.forget(func(g *Logon) bool { return g == logon || g.silent && g.account.name.same(a.name) })
		a.accepted()
	}
}

// refused writes a refusal down, and ends the asking at the limit.
func (s *Shared) refused(logon *Logon) {
	a := s.account
	s.writeDown(logon, true)
	n := 0
	err := a.update(func(l *logons) bool {
		n = a.ownCount() + len(a.counted(l))
		return false
	})
	s.change(func() { s.doubts, s.suspect = s.doubts+1, true })
	switch {
	case err != nil:
		s.stop(unrecorded(err))
	case n >= a.Max:
		d := a.ownLimit(n)
		d.At = a.lockout.now()
		s.stop(d)
	}
}

// unanswered writes down a logon that got no answer, and ends the asking after too
// many in a row.
func (s *Shared) unanswered(logon *Logon) {
	s.writeDown(logon, false)
	s.change(func() {
		if s.silent++; s.silent >= doubtAfter {
			s.doubts++
			s.next = time.Now().Add(min(shortestPause<<(s.silent-doubtAfter), longestPause))
		}
		if s.silent >= giveUpAfter && s.stopped == nil {
			s.stopped = &Denial{
				Detail: evidence.Say("unanswered-in-a-row", s.silent), Reason: NoAnswer, Count: s.silent, At: s.account.lockout.now(),
			}
		}
	})
}

// writeDown has a logon that ended badly in the state; nil was not written before.
func (s *Shared) writeDown(logon *Logon, refused bool) {
	if logon == nil {
		logon = s.logon()
		if d := logon.write(context.Background(), func(*logons) *Denial { return nil }); d != nil {
			s.stop(d)
			return
		}
	}
	logon.silent = !refused
	logon.keep(refused)
}

// stop ends the use of the account, unless d is nil.
func (s *Shared) stop(d *Denial) {
	if d != nil {
		s.change(func() { s.stopped = cmp.Or(s.stopped, d) })
	}
}

// Leave gives the pass back.
func (s *Shared) Leave(p Pass) {
	if p.logon != nil {
		p.logon.End(evidence.Skipped)
	}
	s.SignedIn(&p)
	if p.alone {
		s.change(func() { s.trying = false })
	}
}

// SignedIn gives the place of the one sign-in to the next.
func (s *Shared) SignedIn(p *Pass) {
	if p.place {
		p.place = false
		s.change(func() { s.busy = false })
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
