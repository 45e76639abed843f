package probe

import (
	"context"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/directory"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// kdc asks the domain controllers of this check, one run's worth of knowledge.
func (r *run) newKDC() *directory.KDC {
	return &directory.KDC{
		Client: &directory.Client{
			Domain: r.Config.Domain, Realm: r.Config.Kerberos.Realm, Named: r.Config.Controller, Configured: r.Config.Kerberos.KDCs,
			Credential: ews.Credential{User: r.Config.User, Password: r.Config.Password}, Recorder: r.recorder, Extra: r.Config.Extra,
		},
		Keytab: r.Config.Kerberos.Keytab,
	}
}

// askDirectory learns why the account is refused: first for free, then, if the
// limit allows one more refusal, with the password.
func (t *signIns) askDirectory(ctx context.Context, _ Logon, _ string) {
	if !t.once(directoryAsked) {
		return
	}
	if t.Config.Kerberos.Realm != "" || t.Config.Controller != "" {
		t.kdc.Ask(ctx)
	}
	t.bind(ctx)
}

// bind spends the password at a domain controller, unless the search for service
// connection points has done so already: then its outcome stands. After a refusal
// that names a state, or that is about an account which the KDC knows, nothing
// more is sent for it: a second verifier says the same. An acceptance proves the
// password.
func (r *run) bind(ctx context.Context) {
	if r.bound == nil {
		leave, denied := r.account.Begin(ctx, lockout.Use{At: r.Config.controllerURL()})
		if denied != nil {
			r.skip("", evidence.SchemeLDAPS, denied)
			return
		}
		item := r.kdc.Bind(ctx, leave.End)
		r.bound = &item
	}
	if l := r.bound.Logon; l != nil && l.Result == evidence.Refused && r.decisive(*r.bound) {
		r.account.Settle(evidence.Say("refused-by-controller"))
	}
}

// decisive: a directory refuses a name that it does not know with the same words
// as a wrong password (data 52e), so these count only for a UPN of an account that
// the KDC knows.
func (r *run) decisive(bind evidence.Item) bool {
	if data := strings.ToLower(bind.Bind.Data); data != "" && data != "52e" {
		return true
	}
	asked := r.kdc.Asked()
	known := asked != nil && asked.Kerberos != nil && asked.Kerberos.Error == "KDC_ERR_PREAUTH_REQUIRED"
	return known && strings.Contains(bind.Logon.Account, "@")
}

// signInByTicket gets a Kerberos ticket, once in the run, and signs in to EWS
// with it. What the KDC makes of the key is a logon like any other; what EWS
// makes of the ticket costs nothing.
func (t *signIns) signInByTicket(ctx context.Context, l Logon, _ string) {
	if t.once(ticketAsked) {
		refused := t.getTicket(ctx)
		t.refused = t.refused || refused
	}
	if t.token == nil {
		return
	}
	attempt := signin.ByTicket(t.token).Begin(ctx, t.client, t.userAgent)
	note := evidence.Logon{Account: t.ticketOf, Comparison: l.When == TicketAgain, Binding: l.Binding}
	item := attempt.Finish(ctx, note, t.account.Free())
	t.session.Keep(attempt, item, signin.Way{}) // without the KDC nothing could sign in again
	if t.results[l.Method] = item.Logon.Result; item.Logon.Result == evidence.Accepted && !t.Config.withKey() {
		t.provedHere = true
	}
}

// getTicket leaves the maker of tokens in r.token, or nothing where there is no
// ticket to be had: the record says why. A password that the KDC refuses is one
// refused for this endpoint, like one that EWS refuses.
func (r *run) getTicket(ctx context.Context) (refused bool) {
	spn := r.Config.spn()
	if len(r.Config.Kerberos.Cache) > 0 {
		if _, ticket := r.kdc.Cached(ctx, r.Config.Kerberos.Cache, spn); ticket != nil {
			r.token = r.kdc.Token(ticket)
			if name := ticket.Client.String(); !strings.EqualFold(name, r.Config.User) {
				r.ticketOf = name // whose the cache is, whatever name was given
			}
		}
		return false
	}
	leave, denied := r.account.Begin(ctx, lockout.Use{At: r.Config.URL})
	if denied != nil {
		if denied.Reason != lockout.Settled {
			r.skip("", evidence.SchemeKerberos, denied)
		}
		return false
	}
	item := r.kdc.Logon(ctx, leave.End)
	if item.Logon.Result == evidence.Accepted {
		if _, ticket := r.kdc.Ticket(ctx, spn); ticket != nil {
			r.token = r.kdc.Token(ticket)
		}
	}
	return item.Logon.Result == evidence.Refused
}

// otherForm is the account's name in the form that was not given: the UPN of
// DOMAIN\user or of a bare name, DOMAIN\user of a UPN. The domain is the one of
// the check, else the one that the server's NTLM challenge names: it goes
// nowhere but into the name, to the server that said it.
func (t *signIns) otherForm() (name string, known bool) {
	_, bare, down := strings.Cut(t.Config.User, `\`)
	if !down {
		bare = t.Config.User
	}
	if local, _, upn := strings.Cut(t.Config.User, "@"); upn {
		if h := t.challenged; h != nil && h.NetBIOSDomain != "" && !h.StandAlone {
			return h.NetBIOSDomain + `\` + local, true
		}
		return "", false
	}
	suffix := t.Config.Domain
	if h := t.challenged; suffix == "" && h != nil && !h.StandAlone {
		suffix = strings.ToLower(h.DNSDomain)
	}
	return bare + "@" + suffix, suffix != ""
}
