package lockout

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// crew is workers that ask for one row after the other until they may not.
type crew struct {
	sent []time.Duration // when, since the beginning
	most int             // at a time
}

// work has so many workers send logons that end as ends says.
func work(t *testing.T, s *Shared, workers, rows int, ends func(number int) evidence.Result) *crew {
	c, began := &crew{}, time.Now()
	var mu sync.Mutex // for c and inFlight
	inFlight := 0
	work := make(chan struct{}, rows)
	for range rows {
		work <- struct{}{}
	}
	close(work)
	done := make(chan struct{})
	for range workers {
		go func() {
			defer func() { done <- struct{}{} }()
			for range work {
				for again := true; again; {
					p, ok := s.Enter(t.Context())
					if !ok {
						return
					}
					if again = !s.Begin(t.Context(), &p); !again {
						mu.Lock()
						inFlight++
						c.sent, c.most = append(c.sent, time.Since(began)), max(c.most, inFlight)
						number := len(c.sent)
						mu.Unlock()
						time.Sleep(100 * time.Millisecond)
						mu.Lock()
						inFlight--
						mu.Unlock()
						result := ends(number)
						s.End(&p, result, result == unfinished)
						s.SignedIn(&p)
					}
					s.Leave(p)
				}
			}
		}()
	}
	for range workers {
		<-done
	}
	return c
}

// After two logons in a row without an answer one goes at a time, with pauses that
// grow to a minute, and after ten nothing more is sent.
func TestSharedWithoutAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&Lockout{}).Account(Terms{User: theUser, Password: thePassword, Max: 2}).Share(here, true)
		c := work(t, s, 4, 100, func(int) evidence.Result { return unfinished })
		if d := s.Stopped(); reasonOf(d) != NoAnswer || d.Count != giveUpAfter || len(c.sent) != giveUpAfter {
			t.Fatalf("%v after %d logons", d, len(c.sent))
		}
		for i, want := range []time.Duration{0, 1, 2, 4, 8, 16, 32, 60, 60} {
			if pause := (c.sent[i+1] - c.sent[i] - 100*time.Millisecond).Round(time.Second); pause != want*time.Second {
				t.Errorf("before logon %d there is a pause of %s, want %ds", i+2, pause, want)
			}
		}
	})
}

// What was in flight when the doubt came up is part of it, and counts once.
func TestSharedInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&Lockout{}).Account(Terms{User: theUser, Password: thePassword, Max: 2}).Share(here, false)
		c := work(t, s, 8, 100, func(int) evidence.Result { return unfinished })
		if s.Stopped() == nil || len(c.sent) > 8+giveUpAfter {
			t.Errorf("%v after %d logons", s.Stopped(), len(c.sent))
		}
	})
}

// One that is answered ends the doubt.
func TestSharedRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Lockout{}
		a := l.Account(Terms{User: theUser, Password: thePassword, Max: 2})
		s := a.Share(here, false)
		c := work(t, s, 4, 40, func(number int) evidence.Result {
			if number > 10 && number <= 16 {
				return unfinished
			}
			return accepted
		})
		if s.Stopped() != nil || len(c.sent) != 40 || c.most != 4 || a.Refused() != 0 {
			t.Errorf("%v, %d sent, %d at a time, %d counted", s.Stopped(), len(c.sent), c.most, a.Refused())
		}
	})
}

// A refusal of a password that was accepted lets one more try go, while nobody
// else asks; at the limit of all runs nothing more is sent.
func TestSharedRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		max     int
		earlier int // left by another run
		ends    func(int) evidence.Result
		sent    int
		denied  Reason
	}{
		{"and again", 2, 0, func(n int) evidence.Result { return map[bool]evidence.Result{true: accepted, false: refused}[n <= 10] }, 12, LimitReached},
		{"no more than one", 1, 0, func(n int) evidence.Result { return map[bool]evidence.Result{true: accepted, false: refused}[n <= 10] }, 11, LimitReached},
		{"once", 2, 0, func(n int) evidence.Result { return map[bool]evidence.Result{true: refused, false: accepted}[n == 10] }, 40, ""},
		{"with one of another run", 2, 1, func(n int) evidence.Result { return map[bool]evidence.Result{true: accepted, false: refused}[n <= 10] }, 11, LimitReached},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				terms := Terms{User: theUser, Password: thePassword, Max: c.max}
				s := (&Lockout{Dir: dir}).Account(terms).Share(here, true)
				for range c.earlier {
					logOn(t, (&Lockout{Dir: dir}).Account(terms), unfinished)
				}
				got := work(t, s, 1, 40, c.ends)
				if reasonOf(s.Stopped()) != c.denied || len(got.sent) != c.sent {
					t.Errorf("%v after %d logons", s.Stopped(), len(got.sent))
				}
				if c.denied != "" {
					if d := logOn(t, (&Lockout{Dir: dir}).Account(terms), refused); d == nil {
						t.Error("the next run sends it")
					}
				}
			})
		})
	}
}

// In a doubt who waits longest goes first, however often another comes back. Who can
// wait no longer holds up no other.
func TestSharedGoesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&Lockout{}).Account(Terms{User: theUser, Password: thePassword, Max: 2}).Share(here, false)
		for range doubtAfter {
			p, _ := s.Enter(t.Context())
			s.Begin(t.Context(), &p)
			s.End(&p, unfinished, true)
			s.Leave(p)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var order []string
		var all sync.WaitGroup
		all.Go(func() { // its time is over while it is the first in the line
			short, cancel := context.WithTimeout(ctx, 500*time.Microsecond)
			defer cancel()
			if _, ok := s.Enter(short); ok {
				t.Error("it went during the pause")
			}
		})
		synctest.Wait()
		for i, name := range []string{"first", "second", "third"} {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				for range 2 {
					p, ok := s.Enter(ctx)
					if !ok || !s.Begin(ctx, &p) {
						t.Errorf("%s may not", name)
						return
					}
					order = append(order, name)
					s.End(&p, unfinished, true)
					s.Leave(p)
				}
			})
		}
		all.Wait()
		if got := strings.Join(order, " "); got != "first second third first second third" {
			t.Error(got)
		}
	})
}
