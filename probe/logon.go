package probe

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// logons carries out the planned uses of the credential, address by address.
// The first address that refuses the password ends it: another would count the
// same refusal again. Where an earlier address accepted it, a refusal needs no
// second scheme to be explained: the servers differ.
func (r *run) logons(ctx context.Context, nodes []*node) {
	for _, n := range nodes {
		if !n.asksCredential() {
			continue
		}
		t := &signIns{node: n, provedBefore: r.provedHere}
		for _, l := range r.plan.Logons {
			if l.When != IfOffered {
				// Before a domain controller too: it costs the same, and is
				// nearer to what Dynamics does.
				r.discoverBeside(ctx)
			}
			if ctx.Err() != nil {
				return
			}
			if t.refused && t.provedBefore && l.When != ToCompare && l.When != ToReason {
				continue
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

// signIns is the signing in at one address, and how each scheme fared.
type signIns struct {
	*node
	basic, windows, unbound evidence.Result // "" not sent yet
	foreign                 evidence.Result
	renamed                 bool // Basic was tried under another form of the name
	refused                 bool
	wrapped                 bool // NTLM travels inside SPNEGO
	provedBefore            bool // an earlier address accepted the password
}

// take sends one planned logon if its condition holds.
func (t *signIns) take(ctx context.Context, l Logon) {
	if !t.wanted(l) {
		return
	}
	if l.Scheme == Directory {
		t.askDirectory(ctx)
		return
	}
	comparison := l.When == ToCompare
	scheme, offered := t.schemeFor(l.Scheme)
	if !offered {
		if l.When == IfOffered || l.When == ByTicket && t.withKey() {
			t.note(t.address, evidence.Logon{Scheme: scheme, Result: evidence.Skipped, Detail: evidence.Say(evidence.WhyNotOffered)})
		}
		return
	}
	if l.Scheme == Ticket {
		t.signInByTicket(ctx)
		return
	}
	if l.Scheme == CurrentUser && t.Insecure {
		// Windows would answer whoever shows any certificate, and what it sends can
		// be relayed. Usage refuses the two flags together; this holds it where the
		// credential is used.
		t.note(t.address, evidence.Logon{Scheme: scheme, Result: evidence.Skipped, Detail: evidence.Say(evidence.WhyCurrentUserInsecure)})
		t.setResult(l, evidence.Skipped)
		return
	}
	budget := t.account.Budget(ctx, lockout.Use{At: t.URL, Comparison: comparison})
	defer budget.Close()
	if denied := budget.Reserve(); denied != nil {
		if !comparison {
			t.skip(t.address, scheme, denied)
			t.setResult(l, evidence.Skipped)
		}
		return
	}
	item := t.send(ctx, l, scheme, budget)
	t.setResult(l, item.Logon.Result)
	if l.Scheme != Basic && !comparison && item.Logon.Result == evidence.Refused && item.Logon.Mechanism != evidence.MechanismKerberos {
		// Costs nothing, and shows a balancer that moves the connection to
		// another server between the legs.
		signin.KeepTest(ctx, t.client, scheme, t.userAgent, t.wrapped)
	}
	switch {
	case item.Logon.Result == evidence.Accepted:
		t.refused, t.provedHere = false, t.withPassword()
	case item.Logon.Result == evidence.Refused && !comparison:
		t.refused = true
	}
}

// wanted is the condition of a planned logon, given how those before it went.
func (t *signIns) wanted(l Logon) bool {
	switch l.When {
	case IfOffered:
		return true
	case ToProve:
		// An unanswered Basic has nothing that NTLM could explain.
		return !t.offersScheme("Basic") || t.basic == evidence.Accepted || t.basic == evidence.Refused || t.basic == evidence.Skipped
	case ToExplain:
		return t.windows == evidence.Refused
	case ToReason:
		return !t.directoryAsked && (t.refused && !t.provedAside || t.account.Standing().Remembered())
	case ByTicket:
		inside := t.ProfileAuth == ProfileNegotiate || !t.offersScheme("NTLM")
		return t.withKey() || t.windows == evidence.Refused || t.windows == evidence.Unfinished && inside
	case ToRename:
		_, other := t.otherForm()
		return other && t.basic == evidence.Refused && t.windows == "" && !t.account.Proved() && !strings.Contains(t.User, "@")
	case WithoutBinding:
		return t.windows == evidence.Refused && !t.offersScheme("Basic") && !t.account.Proved()
	}
	if l.Scheme == Basic {
		_, other := t.otherForm()
		return other && t.basic == evidence.Refused && t.account.Proved() && !t.renamed
	}
	if t.windows == "" || t.windows == evidence.Skipped || t.windows == evidence.Unfinished {
		return false
	}
	switch l.Binding {
	case evidence.BindingNone:
		// Where Basic works and NTLM with its binding too, no finding needs
		// to know more, and the time is the user's.
		return t.unbound == "" && (t.windows == evidence.Refused || t.basic != evidence.Accepted)
	case evidence.BindingForeign:
		return t.windows == evidence.Accepted && t.unbound == evidence.Accepted
	}
	// An all-zero binding can differ from none only where bindings are looked
	// at and none is demanded.
	return t.unbound == evidence.Accepted && (t.windows == evidence.Refused || t.foreign == evidence.Refused)
}

func (t *signIns) setResult(l Logon, result evidence.Result) {
	switch {
	case l.When == ToRename || l.Scheme == Basic && l.When == ToCompare:
		t.renamed = true
	case l.Scheme == Basic:
		t.basic = result
	case l.Binding == evidence.BindingRight:
		t.windows = result
	case l.Binding == evidence.BindingNone:
		t.unbound = result
	case l.Binding == evidence.BindingForeign:
		t.foreign = result
	}
}

// schemeFor turns a planned scheme into the one to be named on the wire. NTLM
// goes inside Negotiate where the profile says so or nothing else is offered.
func (t *signIns) schemeFor(s Scheme) (name string, offered bool) {
	switch s {
	case Basic:
		return "Basic", t.offersScheme("Basic")
	case Ticket:
		return "Negotiate", t.offersScheme("Negotiate")
	}
	switch t.ProfileAuth {
	case ProfileNTLM:
		return "NTLM", t.offersScheme("NTLM")
	case ProfileNegotiate:
		return "Negotiate", t.offersScheme("Negotiate")
	}
	if t.offersScheme("NTLM") {
		return "NTLM", true
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
			last = t.once(ctx, l, scheme, budget)
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

func (t *signIns) once(ctx context.Context, l Logon, scheme string, budget *lockout.Budget) evidence.Item {
	comparison := l.When == ToCompare
	note := evidence.Logon{Scheme: scheme, Binding: l.Binding, Comparison: comparison}
	client, way := t.client, t.wayOf(l, scheme)
	if l.When == ToRename || scheme == "Basic" && comparison {
		note.Account, _ = t.otherForm()
		note.OtherForm = true
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
	if way.Traits.Secret != signin.Ticket && !way.Traits.EachRequest && ews.Lost(item) && item.Logon.Mechanism != evidence.MechanismKerberos {
		signin.KeepTest(ctx, t.client, scheme, t.userAgent, t.wrapped)
	}
	return item
}

// wayOf is how a planned logon is made under a scheme.
func (t *signIns) wayOf(l Logon, scheme string) signin.Way {
	switch l.Scheme {
	case Basic:
		return signin.ByBasic()
	case CurrentUser:
		return signin.ByCurrentUser(scheme, t.spn(), t.openContext())
	}
	return signin.ByNTLM(scheme)
}
