package probe

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// signInAt carries out the planned uses of the credential, address by address.
// The first address that refuses the password ends it: another would count the
// same refusal again. Where an earlier address accepted it, a refusal needs no
// second scheme to be explained: the servers differ.
func (r *run) signInAt(ctx context.Context, nodes []*node) {
	for _, n := range nodes {
		if !n.asks() {
			continue
		}
		t := &signIns{node: n, results: map[Method]evidence.Result{}, provedBefore: r.provedHere}
		for _, l := range r.plan.Logons {
			if l.When != IfOffered {
				// Before a domain controller too: it costs the same, and is
				// nearer to what Dynamics does.
				r.discoverBeside(ctx)
			}
			if ctx.Err() != nil {
				return
			}
			wait := t.primaryBeside(ctx, l)
			t.take(ctx, l)
			wait()
		}
		n.followUp(ctx)
		if t.refused && (t.provedBefore || !r.account.Proved()) {
			break
		}
	}
}

// signIns is the signing in at one address, and how each step fared.
type signIns struct {
	*node
	results      map[Method]evidence.Result // of what was sent, or skipped for the budget's sake
	refused      bool                       // the last logon, comparisons apart
	wrapped      bool                       // NTLM travels inside SPNEGO
	provedBefore bool                       // an earlier address accepted the password
}

// was says whether a step under the name as given fared in one of these ways; ""
// is not at all.
func (t *signIns) was(s Scheme, binding string, results ...evidence.Result) bool {
	return slices.Contains(results, t.results[Method{s, binding, false}])
}

// renames says that Basic refused the name as given, and that there is another.
func (t *signIns) renames() bool {
	_, other := t.otherForm()
	return other && t.was(Basic, "", evidence.Refused) && t.results[Method{Basic, "", true}] == ""
}

// take carries out a row of the plan if its condition holds.
func (t *signIns) take(ctx context.Context, l Logon) {
	name, offered := "", true
	if l.by.offered != nil {
		name, offered = l.by.offered(t)
	}
	explained := t.refused && t.provedBefore && l.When != ToCompare && l.When != ToReason
	switch {
	case explained, l.wanted != nil && !l.wanted(t):
	case offered:
		l.by.send(t, ctx, l, name)
	case l.When == IfOffered, l.When == ByTicket && t.Config.withKey():
		t.note(t.address, evidence.Logon{Scheme: name, Result: evidence.Skipped, Detail: evidence.Say("not-offered")})
	}
}

// spendCurrentUser signs in as the logged-on user, but never past a certificate
// that is not verified: Windows would answer whoever shows any, and what it sends
// can be relayed. Usage refuses the two flags together; this holds it where the
// credential is used.
func (t *signIns) spendCurrentUser(ctx context.Context, l Logon, name string) {
	if t.Config.Insecure {
		t.note(t.address, evidence.Logon{Scheme: name, Result: evidence.Skipped, Detail: evidence.Say("current-user-insecure")})
		return
	}
	t.spend(ctx, l, name)
}

// spend signs in to EWS, if the budget allows it.
func (t *signIns) spend(ctx context.Context, l Logon, name string) {
	comparison := l.When == ToCompare
	budget := t.account.Budget(ctx, lockout.Use{At: t.Config.URL, Comparison: comparison})
	defer budget.Close()
	if denied := budget.Reserve(); denied != nil {
		if !comparison {
			t.skip(t.address, name, denied)
			t.results[l.Method] = evidence.Skipped
		}
		return
	}
	item := t.send(ctx, l, name, budget)
	result := item.Logon.Result
	t.results[l.Method] = result
	switch {
	case result == evidence.Accepted:
		t.refused, t.provedHere = false, t.Config.withPassword()
	case result == evidence.Refused && !comparison:
		t.refused = true
	}
	if item.Logon.Result == evidence.Refused && item.Response.Locked() {
		t.account.Settle(evidence.Say("locked")) // each further one would count, and tell nothing
	}
}

func offers(scheme string) func(*signIns) (string, bool) {
	return func(t *signIns) (string, bool) { return scheme, t.offersScheme(scheme) }
}

// windowsScheme is the scheme that NTLM is named by on the wire: it goes inside
// Negotiate where the profile says so or nothing else is offered.
func (t *signIns) windowsScheme() (name string, offered bool) {
	ntlm := t.offersScheme("NTLM")
	if t.Config.ProfileAuth == ProfileNTLM || t.Config.ProfileAuth != ProfileNegotiate && ntlm {
		return "NTLM", ntlm
	}
	return "Negotiate", t.offersScheme("Negotiate")
}

// send spends the credential once; again only where the server asked for
// patience or refused the user agent, and the time and the budget allow it. A
// logon without an answer is not repeated: the server may have looked at the
// password.
func (t *signIns) send(ctx context.Context, l Logon, scheme string, budget *lockout.Budget) evidence.Item {
	var last evidence.Item
	over := false
	return ews.Retry(ctx, 3, func() evidence.Item {
		if over = budget.Reserve() != nil; !over {
			last = t.sendOnce(ctx, l, scheme, budget)
			budget.Close()
		}
		return last
	}, func(item evidence.Item) (time.Duration, bool) {
		wait, again := t.again(item)
		return wait, again && !over
	})
}

// again says whether a logon is worth repeating, and after which pause.
func (t *signIns) again(item evidence.Item) (wait time.Duration, again bool) {
	if wait, asked := ews.Unavailable(item.Response); asked && item.Logon.Result == evidence.Unfinished {
		return wait, true
	}
	if e := item.EWS; e.Answered() && e.BackOffMS > 0 {
		return time.Duration(e.BackOffMS) * time.Millisecond, true
	}
	if r := item.Response; r != nil && r.Status == http.StatusForbidden {
		// Exchange knows only after the sign-in whether it takes a user agent.
		if next := t.nextAgent(); next != "" {
			t.userAgent = next
			return 0, true
		}
	}
	return 0, false
}

func (t *signIns) sendOnce(ctx context.Context, l Logon, scheme string, budget *lockout.Budget) evidence.Item {
	note := evidence.Logon{Scheme: scheme, Binding: l.Binding, Comparison: l.When == ToCompare, OtherForm: l.OtherForm}
	client, way := t.client, l.by.way(t, scheme)
	if l.OtherForm {
		note.Account, _ = t.otherForm()
		client = client.As(note.Account)
	}
	var attempt *signin.Attempt
	switch {
	case way.Traits.EachRequest && !note.OtherForm:
		attempt = way.Begin(ctx, client, t.userAgent).On(t.conn)
		t.conn = nil
	case way.Traits.FreeStart:
		attempt = t.handshake
		t.handshake = nil
		if !attempt.Serves(scheme, t.userAgent) || attempt.Challenged() && !attempt.Kept() {
			attempt.Close()
			attempt = way.Begin(ctx, client, t.userAgent)
		}
	default:
		attempt = way.Begin(ctx, client, t.userAgent)
	}
	item := attempt.Finish(ctx, note, budget)
	t.wrapped = attempt.InSPNEGO()
	again := way
	if l.Scheme == CurrentUser {
		again = signin.Way{} // nothing here could sign in again
	}
	t.session.Keep(attempt, item, again)
	doubtful := ews.Lost(item) || item.Logon.Result == evidence.Refused && l.When != ToCompare
	if doubtful && !way.Traits.EachRequest && item.Logon.Mechanism != evidence.MechanismKerberos {
		// Costs nothing, and shows a balancer that moves the connection to another
		// server between the messages of NTLM.
		signin.KeepTest(ctx, t.client, scheme, t.userAgent, t.wrapped)
	}
	return item
}
