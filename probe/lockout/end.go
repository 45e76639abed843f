package lockout

import (
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// End tells how the logon ended, and returns whether it counts. One that was
// accepted, or never sent, does not; nor one without an answer after the password
// was proved. A refusal after that counts in this run alone: it is about the
// scheme, not about the password.
func (g *Logon) End(result evidence.Result) (counted bool) {
	a := g.account
	defer g.release()
	a.mu.Lock()
	proved := a.proved
	a.proved = a.proved || result == evidence.Accepted
	a.mu.Unlock()
	if g.comparison {
		return false
	}
	switch {
	case result == evidence.Accepted:
		g.uncount()
		a.accepted()
		return false
	case result == evidence.Skipped, result == evidence.Unfinished && proved:
		g.forget()
		return false
	case result == evidence.Refused && proved:
		g.strike()
		return true
	}
	g.keep(result == evidence.Refused)
	return true
}

// uncount takes the logon out of the run's count.
func (g *Logon) uncount() {
	l := g.account.lockout
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own = slices.DeleteFunc(l.own, func(o *Logon) bool { return o == g })
}

// forget takes it out of the run's count and of the state.
func (g *Logon) forget() {
	g.uncount()
	g.strike()
}

// forgetSilent takes what got no answer out of the run's count: a logon was
// accepted since.
func (a *Account) forgetSilent() {
	l := a.lockout
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own = slices.DeleteFunc(l.own, func(o *Logon) bool { return o.silent && o.account.name.same(a.name) })
}

// strike takes the logon out of the state.
func (g *Logon) strike() {
	a := g.account
	l := a.lockout
	_, err := look(a, func(s *logons) (bool, bool, error) {
		at := s.find(l.run, g.number)
		if at >= 0 {
			s.Logons = slices.Delete(s.Logons, at, at+1)
		}
		return true, at >= 0, nil
	})
	a.note(err)
}

// keep leaves the logon in the state, as one that got no answer, or with what keeps
// other runs from sending a refused password again.
func (g *Logon) keep(refused bool) {
	a := g.account
	_, err := a.checked(func(s *logons, c check) (answer, bool, error) {
		if refused && c.value == nil && a.Password != "" {
			return answer{needs: s.salt()}, false, nil
		}
		at := s.find(a.lockout.run, g.number)
		if at < 0 { // another run of the account was accepted meanwhile
			s.Logons = append(s.Logons, g.entry(s, g.at))
			at = len(s.Logons) - 1
		}
		e := &s.Logons[at]
		if e.Until = g.at; refused {
			e.Refused, e.Check = true, c.value
		}
		return answer{}, true, nil
	})
	a.note(err)
}

// accepted sets the account's count to zero, as the directory does. What was
// refused of the same password is forgotten; another password that was refused is
// still not sent again.
func (a *Account) accepted() {
	l := a.lockout
	_, err := a.checked(func(s *logons, c check) (answer, bool, error) {
		other := func(e logon) bool { return e.Check != nil && e.Run != l.run && s.of(e, a.name) }
		if c.value == nil && a.Password != "" && slices.ContainsFunc(s.Logons, other) {
			return answer{needs: s.salt()}, false, nil
		}
		before := len(s.Logons)
		changed := false
		s.Logons = slices.DeleteFunc(s.Logons, func(e logon) bool {
			return s.of(e, a.name) && (!other(e) || c.value != nil && *e.Check == *c.value)
		})
		for i := range s.Logons {
			if e := &s.Logons[i]; !e.NoCount && s.of(*e, a.name) {
				e.NoCount, changed = true, true
			}
		}
		return answer{}, changed || len(s.Logons) != before, nil
	})
	a.note(err)
}

func (a *Account) note(err error) {
	if err != nil {
		a.noRecord(err)
	}
}

// Release sets the account's count to zero.
func (a *Account) Release() error {
	_, err := look(a, func(s *logons) (bool, bool, error) {
		before := len(s.Logons)
		s.Logons = slices.DeleteFunc(s.Logons, func(e logon) bool { return s.of(e, a.name) })
		return true, len(s.Logons) != before, nil
	})
	return err
}

// Withheld is how many logons of other runs count, and since when.
func (a *Account) Withheld() (n int, since time.Time) {
	said, err := a.checked(func(s *logons, c check) (answer, bool, error) {
		if c.value == nil && a.Password != "" && a.needsCheck(s, Use{}) {
			return answer{needs: s.salt()}, false, nil
		}
		d := &Denial{}
		for _, e := range a.counted(s, c) {
			if d.Count++; d.Count == 1 {
				d.At = e.At
			}
		}
		return answer{denial: d}, false, nil
	})
	a.note(err)
	if err != nil {
		return 0, time.Time{}
	}
	return said.denial.Count, said.denial.At
}

// Settle ends the logons of the run, unless the password is proved: the reason of
// the refusal is known.
func (a *Account) Settle(known *evidence.Detail) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.standing == nil {
		a.standing = &Denial{Reason: Settled, Known: known}
	}
}

// Proved says that a logon of this run was accepted.
func (a *Account) Proved() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.proved
}

// Prove notes that a logon of this run was accepted, as another Account of it.
func (a *Account) Prove() *Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proved = true
	return a
}

// Standing is why no logon of this run may be sent any more, whatever its count;
// nil: it may.
func (a *Account) Standing() *Denial {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.standing
}

// ShowAgain says whether a ticket may be shown once more for a comparison, and
// counts it as one.
func (a *Account) ShowAgain() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.compared == Comparisons {
		return false
	}
	a.compared++
	return true
}

// Ticket notes how a sign-in with a Kerberos ticket ended. It carries no password
// and no proof of one: what EWS makes of it cannot lock the account.
func (a *Account) Ticket(result evidence.Result) (counted bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proved = a.proved || result == evidence.Accepted
	return false
}
