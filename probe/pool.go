package probe

import (
	"context"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// What a batch takes over from the check of its endpoint.

// NewVault holds the secrets of the configuration.
func (c Config) NewVault() *secret.Vault {
	v := &secret.Vault{}
	v.AddText(c.Password)
	v.AddCredential(c.User, c.Password)
	if c.Password != "" {
		v.AddBytes(ntlm.NTHash(c.Password))
	}
	return v
}

// Examine is Run, and what it leaves for further calls: lines that open
// connections to the endpoint and sign them in as the check did, and the logon
// that they repeat. Both are nil where no logon by the profile's own scheme was
// accepted.
func Examine(ctx context.Context, c Config) (evidence.Record, *ews.Lines, *evidence.Item, error) {
	r, rec, err := carryOut(ctx, c)
	lines, accepted := c.lines(rec, r.token)
	return rec, lines, accepted, err
}

func (c Config) lines(rec evidence.Record, ticket ews.TokenMaker) (*ews.Lines, *evidence.Item) {
	accepted := c.acceptedLogon(rec, ticket != nil)
	if accepted == nil || c.URL == nil {
		return nil, nil
	}
	l := c.linesOf(rec, accepted)
	switch {
	case c.CurrentUser:
		l.Context, l.SPN = c.openContext(), c.spn()
	case accepted.Logon.Mechanism == evidence.MechanismKerberos:
		l.Ticket = ticket
	}
	if l.Basic() {
		if other := firstAccepted(rec, "NTLM", false); other != nil {
			l.Instead = c.linesOf(rec, other)
		}
	}
	return l, accepted
}

// linesOf are lines that repeat a logon.
func (c Config) linesOf(rec evidence.Record, accepted *evidence.Item) *ews.Lines {
	r := &run{Config: c, dialer: &wire.Dialer{TLS: c.URL.Scheme == "https", Host: c.URL.Hostname(), Insecure: c.Insecure, Extra: c.Extra}}
	r.throughProxy()
	return &ews.Lines{
		URL: c.URL, Dialer: r.dialer, Addresses: c.placesOf(rec, accepted.Address), ConnectLimit: connectLimit(c.Timeout, false),
		Credential: ews.Credential{User: accepted.Logon.Account, Password: c.Password}, Vault: c.NewVault, Follow: c.Follow,
		Scheme: accepted.Logon.Scheme, Binding: accepted.Logon.Binding, UserAgent: accepted.Request.UserAgent,
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
		if l == nil || l.Result != evidence.Accepted || item.Step != evidence.StepLogon || l.Comparison || l.OtherForm || item.Request.Purpose != "" {
			continue
		}
		if strings.EqualFold(l.Scheme, scheme) && (kerberos || l.Mechanism != evidence.MechanismKerberos) {
			return item
		}
	}
	return nil
}

// ownSchemes are what the profile signs in by, the first choice first.
func (c Config) ownSchemes() []string {
	switch c.ProfileAuth {
	case ProfileNTLM:
		return []string{"NTLM"}
	case ProfileNegotiate:
		return []string{"Negotiate"}
	case ProfileAuto:
		return []string{"Basic", "NTLM", "Negotiate"}
	}
	return []string{"Basic"}
}

// placesOf are the addresses to connect to: the one that accepted the logon, and
// the others of the name, for when it goes away.
func (c Config) placesOf(rec evidence.Record, first string) []string {
	places := []string{first}
	add := func(list []string) {
		for _, a := range list {
			if !slices.Contains(places, a) {
				places = append(places, a)
			}
		}
	}
	add(c.Addresses)
	for _, item := range rec.Items {
		if r := item.Resolution; r != nil && item.Step == evidence.StepResolve && len(c.Addresses) == 0 && c.Proxy == nil {
			add(r.Addresses)
		}
	}
	return places
}

// BatchTarget is what a row of a batch is about, before anything was asked.
func (c Config) BatchTarget(impersonate bool) evidence.Target {
	t := c.target()
	t.Impersonate = impersonate
	return t
}
