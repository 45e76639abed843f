package probe

import (
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Guard keeps one account from being locked out by this run. A logon counts as
// refused from the moment it is sent until it is accepted; at the limit nothing
// more is sent. It is asked and told by one goroutine, so it needs no lock; two
// logons are under way at once only where it has room for both (Room).
type Guard struct {
	max      int
	refused  int
	proved   bool // a logon of this run was accepted
	compared int
	barred   *evidence.Detail // a remembered refusal that nobody overrode
	settled  *evidence.Detail // why a further logon would tell nothing new
}

// May says whether another logon may be sent, else why not.
func (g *Guard) May(comparison bool) (bool, *evidence.Detail) {
	switch {
	case comparison && !g.proved:
		return false, evidence.Say(evidence.WhyNotProved)
	case comparison && g.compared == comparisons:
		return false, evidence.Say(evidence.WhyEnoughComparisons, comparisons)
	case comparison:
		return true, nil
	case g.barred != nil:
		return false, g.barred
	case g.settled != nil && !g.proved:
		return false, g.settled
	case g.refused >= g.max:
		return false, evidence.Say(evidence.WhyLimitReached, g.max)
	}
	return true, nil
}

// Room says whether n logons might be sent and all be refused.
func (g *Guard) Room(n int) bool {
	may, _ := g.May(false)
	return may && g.refused+n <= g.max
}

// Begin counts a logon that is about to be sent.
func (g *Guard) Begin(comparison bool) {
	if comparison {
		g.compared++
		return
	}
	g.refused++
}

// End settles it: what was accepted, or unanswered after the password was
// proved, or never sent, counts nothing. It returns whether it still counts.
func (g *Guard) End(comparison bool, result evidence.Result) (counted bool) {
	free := result == evidence.Accepted || result == evidence.Skipped || result == evidence.Unfinished && g.proved
	if result == evidence.Accepted {
		g.proved = true
	}
	if comparison {
		return false
	}
	if free {
		g.refused--
	}
	return !free
}

// Bar forbids every logon of the run: the same password was refused at when.
func (g *Guard) Bar(when time.Time) {
	g.barred = evidence.Say(evidence.WhyRefusedBefore,
		when.UTC().Format("2006-01-02 15:04:05 UTC"), when.Add(Remembered).UTC().Format("15:04:05 UTC"))
}

// Settle ends the logons of the run: the reason of the refusal is known.
func (g *Guard) Settle(why *evidence.Detail) { g.settled = why }

// ShowAgain says whether a ticket may be shown once more for a comparison, and
// counts it as one.
func (g *Guard) ShowAgain() bool {
	if g.compared == comparisons {
		return false
	}
	g.compared++
	return true
}

// budget makes the guard one for logons of a kind (signin.Budget).
func (g *Guard) budget(comparison bool) budget { return budget{g, comparison} }

type budget struct {
	guard      *Guard
	comparison bool
}

// Begin implements signin.Budget. Whether a logon may be sent was asked before.
func (b budget) Begin() *evidence.Detail {
	b.guard.Begin(b.comparison)
	return nil
}

// End implements signin.Budget.
func (b budget) End(result evidence.Result) (counted bool) { return b.guard.End(b.comparison, result) }

// within is a budget that asks whether a logon may be sent.
type within struct{ budget }

// Begin implements signin.Budget.
func (w within) Begin() *evidence.Detail {
	if may, why := w.guard.May(w.comparison); !may {
		return why
	}
	return w.budget.Begin()
}

// free is a budget of which a ticket costs nothing.
type free struct{ guard *Guard }

// Begin implements signin.Budget.
func (free) Begin() *evidence.Detail { return nil }

// End implements signin.Budget.
func (f free) End(result evidence.Result) (counted bool) { return f.guard.Ticket(result) }

// Ticket notes how a sign-in with a Kerberos ticket ended. It carries no
// password and no proof of one: what EWS makes of it cannot lock the account.
func (g *Guard) Ticket(result evidence.Result) (counted bool) {
	g.proved = g.proved || result == evidence.Accepted
	return false
}
