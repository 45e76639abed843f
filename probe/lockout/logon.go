package lockout

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Use is what a credential is to be sent for.
type Use struct {
	At         *url.URL   // the endpoint
	Also       []*url.URL // others, whose refusals of the same password hold too
	Comparison bool       // for a finding's sake, with a password already proved
	Room       int        // how many logons must fit, this one included; 0: one
}

// Logon is the leave to send the credential once. Its end has to be told.
type Logon struct {
	account    *Account
	comparison bool
	number     int // in the run
	at         time.Time
	where      *url.URL
	release    func() // of the turn
	silent     bool   // it got no answer, with a password that was proved before
}

// Begin asks for the leave to send the credential once, and writes the logon down.
// Where it may not be sent the denial says why.
func (a *Account) Begin(ctx context.Context, use Use) (*Logon, *Denial) {
	g := &Logon{account: a, comparison: use.Comparison, where: use.At, release: func() {}}
	proved, d := a.begin(use)
	switch {
	case d != nil:
		return nil, d
	case use.Comparison:
		return g, nil
	}
	if !proved {
		if g.release, d = a.turn(ctx); d != nil {
			return nil, a.setStanding(d)
		}
	}
	if d = g.write(ctx, func(s *logons) *Denial { return a.denied(s, use) }); d == nil {
		return g, nil
	}
	g.release()
	if d.Reason == RefusedBefore {
		a.setStanding(d)
	}
	return nil, d
}

// begin is what the run alone says to another logon.
func (a *Account) begin(use Use) (proved bool, d *Denial) {
	a.locked(func() {
		n := a.ownCount()
		switch proved = a.proved; {
		case use.Comparison && !proved:
			d = &Denial{Detail: evidence.Say("not-proved"), Reason: NotProved}
		case use.Comparison && a.compared == Comparisons:
			d = &Denial{Detail: evidence.Say("enough-comparisons", Comparisons), Reason: NoComparisons}
		case a.lockout.stopped:
			a.lockout.kept = true
			d = unrecorded(errors.New("the agent is being stopped"))
		case use.Comparison:
			a.compared++
		case a.standing != nil && !(proved && a.standing.Reason == Settled):
			d = a.standing
		case n+max(use.Room, 1) > a.Max:
			d = a.ownLimit(n)
		}
	})
	return proved, d
}

// setStanding makes a denial hold for the rest of the run.
func (a *Account) setStanding(d *Denial) *Denial {
	a.locked(func() { a.standing = d })
	return d
}

// turnRetry is how often a run that waits for its turn looks again.
const turnRetry = 5 * time.Millisecond

// turn waits until no other run has an unproved logon of the account in flight.
// It waits as long as there are signs of such a logon, but no longer than the
// account's patience; without a sign, where a process hangs, a second.
func (a *Account) turn(ctx context.Context) (release func(), d *Denial) {
	l := a.lockout
	if l.Dir == "" {
		select {
		case l.turns <- struct{}{}:
			return func() { <-l.turns }, nil
		case <-ctx.Done():
			return nil, &Denial{Detail: evidence.Say("another-run"), Reason: AnotherRun}
		}
	}
	began := time.Now()
	seen := began
	for tries := 1; ; tries++ {
		var err error
		a.locked(func() {
			release, err = l.folder.turn(a.key)
			a.note(err)
		})
		switch {
		case err != nil:
			return nil, unrecorded(err)
		case release != nil:
			return release, nil
		case tries%20 == 0 && a.otherInFlight():
			seen = time.Now()
		}
		select {
		case <-ctx.Done():
		case <-time.After(turnRetry):
		}
		if ctx.Err() != nil || time.Since(seen) > slowest || time.Since(began) > max(a.Patience, slowest) {
			return nil, &Denial{Detail: evidence.Say("another-run"), Reason: AnotherRun}
		}
	}
}

// otherInFlight says whether another run has written down a logon whose answer it
// may still wait for.
func (a *Account) otherInFlight() (live bool) {
	l := a.lockout
	_ = a.update(func(s *logons) bool {
		live = slices.ContainsFunc(s.Logons, func(e logon) bool { return e.Run != l.run && !e.Refused && e.Until.After(l.now()) })
		return false
	})
	return live
}

// write numbers the logon and writes it into the state, unless denied says why not.
func (g *Logon) write(ctx context.Context, denied func(*logons) *Denial) (d *Denial) {
	a, l := g.account, g.account.lockout
	err := a.update(func(s *logons) bool {
		l.number++
		g.number, g.at = l.number, l.now().UTC()
		if d = denied(s); d != nil {
			return false
		}
		until, ok := ctx.Deadline()
		if !ok {
			until = g.at.Add(time.Minute)
		}
		s.Logons = append(s.Logons, a.entry(s, g, until.UTC()))
		l.own = append(l.own, g)
		return true
	})
	if err != nil {
		l.forget(g.is)
		return unrecorded(err)
	}
	return d
}

func (g *Logon) is(other *Logon) bool { return g == other }

// End tells how the logon ended, and returns whether it counts. One that was
// accepted, or never sent, does not; nor one without an answer after the password
// was proved. A refusal after that counts in this run alone: it is about the
// scheme, not about the password.
func (g *Logon) End(result evidence.Result) (counted bool) {
	a := g.account
	defer g.release()
	var proved bool
	a.locked(func() {
		proved = a.proved
		a.proved = proved || result == evidence.Accepted
	})
	switch {
	case g.comparison:
		return false
	case result == evidence.Accepted:
		a.lockout.forget(g.is)
		a.accepted()
		return false
	case result == evidence.Skipped, result == evidence.Unfinished && proved:
		a.lockout.forget(g.is)
		g.erase()
		return false
	case result == evidence.Refused && proved:
		g.erase()
		return true
	}
	g.keep(result == evidence.Refused)
	return true
}

// erase takes the logon out of the state.
func (g *Logon) erase() {
	_ = g.account.update(func(s *logons) bool {
		return s.drop(func(e logon) bool { return g.account.wrote(g, e) })
	})
}

// keep leaves the logon in the state, as one that got no answer, or with what keeps
// other runs from sending a refused password again.
func (g *Logon) keep(refused bool) {
	a := g.account
	_ = a.update(func(s *logons) bool {
		at := slices.IndexFunc(s.Logons, func(e logon) bool { return a.wrote(g, e) })
		if at < 0 { // another run of the account was accepted meanwhile
			at = len(s.Logons)
			s.Logons = append(s.Logons, a.entry(s, g, g.at))
		}
		e := &s.Logons[at]
		if e.Until = g.at; refused {
			e.Refused, e.Check = true, a.check(s)
		}
		return true
	})
}

// accepted sets the account's count to zero, as the directory does. What was
// refused of the same password is forgotten; another password that was refused is
// still not sent again.
func (a *Account) accepted() {
	_ = a.update(func(s *logons) (changed bool) {
		changed = s.drop(func(e logon) bool {
			return s.of(e, a.name) && (e.Check == nil || e.Run == a.lockout.run || a.samePassword(s, e))
		})
		for i := range s.Logons {
			if e := &s.Logons[i]; !e.NoCount && s.of(*e, a.name) {
				e.NoCount, changed = true, true
			}
		}
		return changed
	})
}
