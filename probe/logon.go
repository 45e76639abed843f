package probe

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// logons carries out the planned uses of the credential, address by address.
// The first address that refuses the password ends it: another would count the
// same refusal again. Where an earlier address accepted it, a refusal needs no
// second scheme to be explained: the servers differ.
func (r *run) logons(ctx context.Context, nodes []*node) error {
	var problem error
	accepted := false // by EWS at an earlier address
	for _, n := range nodes {
		if !n.asksCredential() {
			continue
		}
		t := &talk{node: n, provedBefore: accepted}
		for _, l := range r.plan.Logons {
			if l.When != IfOffered {
				r.discoverBeside(ctx)
			}
			if ctx.Err() != nil {
				return problem
			}
			if t.refused && t.provedBefore && l.When != ToCompare {
				continue
			}
			if err := t.take(ctx, l); problem == nil {
				problem = err // the second refusal cannot be remembered either
			}
		}
		accepted = accepted || t.accepted
		if t.refused && (t.provedBefore || !r.guard.proved) {
			break
		}
	}
	if r.guard.proved {
		problem = errors.Join(problem, r.Memory.Forget(r.User, r.URL, r.Password))
	}
	return problem
}

// talk is the signing in at one address, and how each scheme fared.
type talk struct {
	*node
	basic, windows, unbound evidence.Result // "" not sent yet
	refused, accepted       bool
	provedBefore            bool // an earlier address accepted the password
}

// take sends one planned logon if its condition holds.
func (t *talk) take(ctx context.Context, l Logon) error {
	if !t.wanted(l) {
		return nil
	}
	comparison := l.When == ToCompare
	scheme, offered := t.schemeFor(l.Scheme)
	if !offered {
		if l.When == IfOffered {
			t.note(t.address, evidence.Logon{Scheme: scheme, Result: evidence.Skipped, Why: "not offered"})
		}
		return nil
	}
	may, why := t.guard.May(comparison)
	if !may {
		if !comparison {
			t.note(t.address, evidence.Logon{Scheme: scheme, Result: evidence.Skipped, Why: why, Remembered: t.guard.barred != ""})
			t.setResult(l, evidence.Skipped)
		}
		return nil
	}
	item := t.send(ctx, l, scheme)
	t.setResult(l, item.Logon.Result)
	switch item.Logon.Result {
	case evidence.Refused:
		if comparison {
			return nil
		}
		t.refused = true
		if !t.guard.proved {
			return t.remember()
		}
	case evidence.Accepted:
		t.refused, t.accepted = false, true
	}
	return nil
}

// wanted is the condition of a planned logon, given how those before it went.
func (t *talk) wanted(l Logon) bool {
	switch l.When {
	case IfOffered:
		return true
	case ToProve:
		// An unanswered Basic has nothing that NTLM could explain.
		return !t.offersScheme("Basic") || t.basic == evidence.Accepted || t.basic == evidence.Refused || t.basic == evidence.Skipped
	case ToExplain:
		return t.windows == evidence.Refused
	case WithoutBinding:
		return t.windows == evidence.Refused && !t.offersScheme("Basic") && !t.guard.proved
	}
	if t.windows == "" || t.windows == evidence.Skipped || t.windows == evidence.Unfinished {
		return false
	}
	if l.Binding == evidence.BindingNone {
		// Where Basic works and NTLM with its binding too, no finding needs
		// to know more, and the time is the user's.
		return t.unbound == "" && (t.windows == evidence.Refused || t.basic != evidence.Accepted)
	}
	return t.windows == evidence.Accepted && t.unbound == evidence.Accepted
}

func (t *talk) setResult(l Logon, result evidence.Result) {
	switch {
	case l.Scheme == Basic:
		t.basic = result
	case l.Binding == evidence.BindingRight:
		t.windows = result
	case l.Binding == evidence.BindingNone:
		t.unbound = result
	}
}

// schemeFor turns a planned scheme into the one to be named on the wire. NTLM
// goes inside Negotiate where the profile says so or nothing else is offered.
func (t *talk) schemeFor(s Scheme) (name string, offered bool) {
	if s == Basic {
		return "Basic", t.offersScheme("Basic")
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
// patience or refused the user agent, and the time and the guard allow it. A
// logon without an answer is not repeated: the server may have looked at the
// password.
func (t *talk) send(ctx context.Context, l Logon, scheme string) evidence.Item {
	comparison := l.When == ToCompare
	for tries := 1; ; tries++ {
		item := t.once(ctx, l, scheme)
		if !t.again(ctx, item) || tries == 3 {
			return item
		}
		if may, _ := t.guard.May(comparison); !may {
			return item
		}
	}
}

// again says whether a logon is worth repeating. It waits where the server
// asked for it.
func (t *talk) again(ctx context.Context, item evidence.Item) bool {
	if wait, asked := retryAfter(item.Response); asked && item.Logon.Result == evidence.Unfinished {
		return sleep(ctx, wait)
	}
	if e := item.EWS; e.Answered() && e.BackOffMS > 0 {
		return sleep(ctx, time.Duration(e.BackOffMS)*time.Millisecond)
	}
	if r := item.Response; r != nil && r.Status == http.StatusForbidden && t.userAgent == t.UserAgent && !t.NoUserAgentProbe && len(t.DynamicsAgents) > 0 {
		// Exchange can refuse a user agent only after the sign-in.
		t.userAgent = t.DynamicsAgents[0]
		return true
	}
	return false
}

func (t *talk) once(ctx context.Context, l Logon, scheme string) evidence.Item {
	comparison := l.When == ToCompare
	note := evidence.Logon{Scheme: scheme, Binding: l.Binding, Comparison: comparison}
	settle := func(result evidence.Result) bool { return t.guard.End(comparison, result) }
	if scheme == "Basic" {
		conn := t.conn
		t.conn = nil
		if conn != nil && !conn.Fit(ews.SettleTime) {
			conn.Close()
			conn = nil
		}
		t.guard.Begin(comparison)
		return t.client.Basic(ctx, conn, t.userAgent, note, settle)
	}
	h := t.handshake
	t.handshake = nil
	if !h.Serves(scheme, t.userAgent) || !h.Kept() {
		h.Close()
		h = t.client.NTLMNegotiate(ctx, scheme, t.userAgent)
	}
	defer h.Close()
	if !h.Kept() {
		note.Result, note.Why, note.Binding = evidence.Unfinished, h.Lost, "" // type 3 was never made
		t.note(t.address, note)
		return evidence.Item{Logon: &note}
	}
	t.guard.Begin(comparison)
	item := h.Authenticate(ctx, l.Binding, note, settle)
	if f := item.Error; f != nil && (f.Code == evidence.ConnectionClosed || f.Code == evidence.ConnectionReset) {
		t.client.KeepTest(ctx, scheme, t.userAgent)
	}
	return item
}
