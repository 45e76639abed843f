package signin

import (
	"context"
	"errors"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
)

// TokenMaker makes the Kerberos token that signs in, with a 16 byte channel
// binding or nil (package kerberos, Ticket.Token).
type TokenMaker func(binding []byte) ([]byte, error)

// kerberosTicket is an AP-REQ inside SPNEGO under Negotiate, bound to the
// certificate of its own connection (RFC 4559).
type kerberosTicket TokenMaker

// Kerberos signs in with a ticket, in one request.
func Kerberos(token TokenMaker) Mechanism { return kerberosTicket(token) }

// ByTicket is the way of Kerberos.
func ByTicket(token TokenMaker) Way {
	return way(func(ews.Credential) Mechanism { return Kerberos(token) })
}

// Traits implements Mechanism.
func (kerberosTicket) Traits() Traits {
	return Traits{Scheme: "Negotiate", Inside: evidence.MechanismKerberos, Secret: Ticket}
}

// Start implements Mechanism.
func (k kerberosTicket) Start(_ context.Context, on *Channel) (Message, error) {
	value, binding, err := on.Binding()
	if err != nil {
		return Message{}, err
	}
	token, err := k(value)
	if err == nil {
		token, err = spnego.WrapInit(spnego.Kerberos, token)
	}
	if err != nil {
		return Message{}, err
	}
	m := tokenMessage("Negotiate", token)
	m.Binding = binding
	return m, nil
}

// Next implements Mechanism.
func (kerberosTicket) Next(context.Context, []byte) (Message, error) {
	return Message{}, errors.New("a ticket has one message")
}

// Done implements Mechanism.
func (kerberosTicket) Done() bool { return true }

// Close implements Mechanism.
func (kerberosTicket) Close() {}
