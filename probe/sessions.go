package probe

import (
	"context"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// What a batch takes over from the check of its endpoint.

// Examine is Run, and what it leaves for further calls: a pool of sessions that
// sign in to the endpoint as the check did, and the logon that they repeat. Both
// are nil where no logon by the profile's own scheme was
// accepted.
func Examine(ctx context.Context, c Config) (evidence.Record, *signin.SessionPool, *evidence.Item, error) {
	r, rec, err := carryOut(ctx, c)
	pool, accepted := c.sessionPool(rec, r)
	return rec, pool, accepted, err
}

func (c Config) sessionPool(rec evidence.Record, r *run) (*signin.SessionPool, *evidence.Item) {
	accepted := c.acceptedLogon(rec, r.token != nil)
	if accepted == nil || c.URL == nil {
		return nil, nil
	}
	p := c.poolOf(rec, accepted)
	switch {
	case c.sendsToken():
		p.Way, p.Shared = signin.ByToken(r.tokens), c.NewVault()
		p.Dialer = p.Dialer.Verifying() // whatever --insecure says, as for the first token
	case c.CurrentUser:
		p.Way = signin.ByCurrentUser(accepted.Logon.Scheme, c.spn(), c.openContext())
	case accepted.Logon.Mechanism == evidence.MechanismKerberos:
		p.Way = signin.ByTicket(r.token)
	}
	if p.Way.Traits.Scheme == "Basic" {
		if other := firstAccepted(rec, "NTLM", false); other != nil {
			p.Instead = c.poolOf(rec, other)
		}
	}
	return p, accepted
}

// poolOf is a pool of sessions that repeat a logon by password.
func (c Config) poolOf(rec evidence.Record, accepted *evidence.Item) *signin.SessionPool {
	r := &run{Config: c, dialer: &wire.Dialer{TLS: c.URL.Scheme == "https", Host: c.URL.Hostname(), Insecure: c.Insecure, Extra: c.Extra}}
	r.throughProxy()
	return &signin.SessionPool{
		URL: c.URL, Dialer: r.dialer, Addresses: c.placesOf(rec, accepted.Address), ConnectLimit: connectLimit(c.Timeout, false),
		Credential: ews.Credential{User: accepted.Logon.Account, Password: c.Password}, Vault: c.NewVault, Follow: c.Follow,
		Way: signin.ByPassword(accepted.Logon.Scheme), Binding: accepted.Logon.Binding, UserAgent: accepted.Request.UserAgent,
	}
}

// acceptedLogon is the logon by the profile's scheme that EWS accepted; with the
// profile auto NTLM serves where Basic is not offered.
func (c Config) acceptedLogon(rec evidence.Record, ticket bool) *evidence.Item {
	for _, scheme := range c.ownSchemes() {
		if item := firstAccepted(rec, scheme, ticket || c.CurrentUser); item != nil {
			return item
		}
	}
	return nil
}

// firstAccepted is the first logon by a scheme that EWS accepted; with kerberos
// also one by a ticket.
func firstAccepted(rec evidence.Record, scheme string, kerberos bool) *evidence.Item {
	for i := range rec.Items {
		item := &rec.Items[i]
		l := item.Logon
		own := l != nil && item.Step == evidence.StepLogon && !l.Comparison && !l.OtherForm && item.Request.Purpose == ""
		meant := own && l.Result == evidence.Accepted && strings.EqualFold(l.Scheme, scheme)
		if meant && (kerberos || l.Mechanism != evidence.MechanismKerberos) {
			return item
		}
	}
	return nil
}

// ownSchemes are what the profile signs in by, the first choice first.
func (c Config) ownSchemes() []string {
	if c.ProfileAuth == ProfileAuto {
		return signin.PasswordSchemes()
	}
	return []string{evidence.SchemeOf(c.ProfileAuth)}
}

// placesOf are the addresses to connect to: the one that accepted the logon, and
// the others of the name, for when it goes away.
func (c Config) placesOf(rec evidence.Record, first string) []string {
	places := c.Addresses
	for _, item := range rec.Items {
		if r := item.Resolution; r != nil && item.Step == evidence.StepResolve && len(c.Addresses) == 0 && c.Proxy == nil {
			places = append(places, r.Addresses...)
		}
	}
	others := slices.DeleteFunc(slices.Clone(places), func(a string) bool { return a == first })
	return append([]string{first}, others...)
}

// BatchTarget is what a row of a batch is about, before anything was asked.
func (c Config) BatchTarget(impersonate bool) evidence.Target {
	t := c.Target()
	t.Impersonate = impersonate
	return t
}
