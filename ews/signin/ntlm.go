package signin

import (
	"context"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
)

// ntlmByPassword proves the password in its third message, which must travel on
// the connection of the first two ([MS-NTHT] 3.2).
type ntlmByPassword struct {
	scheme  string // NTLM, or Negotiate
	account ews.Credential
	wrapped bool // the messages travel inside SPNEGO
	on      *Channel
	done    bool
}

// Traits implements Mechanism.
func (n *ntlmByPassword) Traits() Traits {
	t := Traits{Scheme: n.scheme, FreeStart: true, Secret: Password}
	if n.scheme == "Negotiate" {
		t.Inside = evidence.MechanismNTLM
	}
	return t
}

// Start implements Mechanism.
func (n *ntlmByPassword) Start(_ context.Context, on *Channel) (Message, error) {
	n.on = on
	token, err := ntlm.NegotiateMessage()
	if err == nil && n.wrapped {
		token, err = spnego.WrapInit(spnego.NTLM, token)
	}
	return tokenMessage(n.scheme, token), err
}

// Next implements Mechanism.
func (n *ntlmByPassword) Next(_ context.Context, token []byte) (Message, error) {
	opened, err := openRaw(token)
	if err != nil {
		return Message{}, err
	}
	value, binding, err := n.on.Binding()
	if err != nil {
		value = nil // no hash is defined for this certificate: sent without
	}
	answer, err := ntlm.AuthenticateMessage(opened.message, n.account.User, n.account.Password, value)
	if err == nil && (n.wrapped || opened.wrapped) {
		answer, err = spnego.WrapResponse(answer)
	}
	if err != nil {
		return Message{}, err
	}
	n.done = true
	m := tokenMessage(n.scheme, answer)
	m.Binding = binding
	return m, nil
}

// Done implements Mechanism.
func (n *ntlmByPassword) Done() bool { return n.done }

// Close implements Mechanism.
func (n *ntlmByPassword) Close() {}

// ByNTLM is the way of NTLM by password, under scheme. It opens a connection and
// sends type 1, which carries no credential and counts nothing.
func ByNTLM(scheme string) Way {
	w := way(func(account ews.Credential) Mechanism { return &ntlmByPassword{scheme: scheme, account: account} })
	w.Begin = func(ctx context.Context, c *ews.Client, userAgent string) *Attempt {
		attempt := func(wrapped bool) *Attempt {
			return New(c, userAgent, &ntlmByPassword{scheme: scheme, account: c.Credential, wrapped: wrapped}).Begin(ctx)
		}
		raw := attempt(false)
		if r := raw.Item.Response; scheme != "Negotiate" || raw.challenged || r == nil || r.Status != 401 {
			return raw
		}
		// Some servers take NTLM in Negotiate only as SPNEGO has it.
		wrapped := attempt(true)
		if l := wrapped.Lost; !wrapped.challenged && l != nil && raw.Lost.String() != l.String() {
			wrapped.Lost = evidence.Say(evidence.WhyAlsoInSPNEGO, raw.Lost, l)
		}
		raw.Close()
		return wrapped
	}
	return w
}

// KeepTest sends two type 1 messages on one connection, inside SPNEGO or as they
// are: the second is answered only if the connection is kept, and by the same
// server. It costs no logon.
func KeepTest(ctx context.Context, c *ews.Client, scheme, userAgent string, wrapped bool) {
	a := New(c, userAgent, &ntlmByPassword{scheme: scheme, account: c.Credential, wrapped: wrapped})
	a.step = evidence.StepKeepTest
	defer a.Close()
	if a.Begin(ctx); a.conn == nil {
		return
	}
	if m, err := a.mechanism.Start(ctx, &a.channel); err == nil {
		a.free(ctx, m)
	}
}
