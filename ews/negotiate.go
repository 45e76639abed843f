package ews

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Negotiate leaves open what is inside: NTLM as it is, NTLM inside SPNEGO, or
// Kerberos inside SPNEGO (RFC 4559, [MS-SPNG]).

// negotiateToken is the parameter of a Negotiate or NTLM challenge, opened.
type negotiateToken struct {
	message []byte // NTLM
	wrapped bool   // it came inside SPNEGO
}

// openToken finds the NTLM message in a challenge's parameter.
func openToken(parameter string) (negotiateToken, error) {
	raw, err := ntlm.DecodeToken(parameter)
	if !errors.Is(err, ntlm.ErrNotNTLM) {
		return negotiateToken{message: raw}, err
	}
	packed, decodeErr := base64.StdEncoding.DecodeString(parameter)
	if decodeErr != nil {
		return negotiateToken{}, err
	}
	t, readErr := spnego.Read(packed)
	switch {
	case errors.Is(readErr, spnego.ErrNotSPNEGO):
		return negotiateToken{}, tokenError{evidence.Say(evidence.WhyChallengeUnknown)}
	case readErr != nil:
		return negotiateToken{}, readErr
	case t.State == spnego.Reject:
		return negotiateToken{}, tokenError{evidence.Say(evidence.WhySPNEGORejects)}
	case t.Mech != "" && t.Mech != spnego.NTLM:
		return negotiateToken{}, tokenError{evidence.Say(evidence.WhySPNEGOWants, t.Mech)}
	case len(t.ResponseToken) == 0:
		return negotiateToken{}, tokenError{evidence.Say(evidence.WhySPNEGOEmpty)}
	}
	return negotiateToken{message: t.ResponseToken, wrapped: true}, nil
}

// NTLMInSPNEGO sends type 1 inside SPNEGO under Negotiate, for a server that
// gave no challenge to one sent as it is. It carries no credential and counts
// nothing. The caller closes the handshake.
func (c *Client) NTLMInSPNEGO(ctx context.Context, userAgent string) *Handshake {
	return c.beginHandshake(ctx, "Negotiate", userAgent, true)
}

// TokenMaker makes the Kerberos token that signs in, with a 16 byte channel
// binding or nil (package kerberos, Ticket.Token).
type TokenMaker func(binding []byte) ([]byte, error)

// Kerberos spends a ticket in one request: an AP-REQ inside SPNEGO under
// Negotiate, bound to the certificate of its own connection where binding is
// evidence.BindingRight. note is completed and becomes the item's logon.
func (c *Client) Kerberos(ctx context.Context, userAgent string, token TokenMaker, binding string, note evidence.Logon, settle Settle) evidence.Item {
	note.Scheme, note.Mechanism, note.Binding = "Negotiate", evidence.MechanismKerberos, binding
	opened, fail := c.open(ctx)
	if fail != nil {
		return c.unopened(opened, fail, note, settle)
	}
	message, binding, err := kerberosMessage(opened.Conn, token, binding)
	note.Binding = binding
	if err != nil {
		opened.Conn.Close()
		return c.skip(err, note, settle)
	}
	c.hideTicket(message)
	c.Recorder.Expose()
	item, conn := c.send(ctx, opened.Conn, leg{
		step: evidence.StepLogon, userAgent: userAgent, call: &c.Call, question: c.question, credential: true,
		authorization: "Negotiate " + base64.StdEncoding.EncodeToString(message), described: "Negotiate, Kerberos AP-REQ, value not kept",
	})
	if item.TLS == nil {
		item.TLS = opened.TLS
	}
	c.settle(&item, note, settle)
	item = c.Recorder.Add(item)
	c.keep(item, conn)
	return item
}

// unopened writes down a logon that found no connection: nothing was sent.
func (c *Client) unopened(opened wire.Opened, fail *evidence.Failure, note evidence.Logon, settle Settle) evidence.Item {
	item := evidence.Item{ID: c.Recorder.Begin(), Step: evidence.StepLogon, Address: c.Address, At: time.Now(), Connection: opened.ID, TLS: opened.TLS, Timing: opened.Timing, Error: fail}
	c.settle(&item, note, settle)
	return c.Recorder.Add(item)
}

// hideTicket makes known what of a Kerberos token is secret: the authenticator,
// with which it ends and which can be replayed, and its beginning, lengths
// included, by which it is recognised. Between them stand names in clear, which
// the server may say.
func (c *Client) hideTicket(message []byte) {
	const authenticator, beginning = 96, 64
	c.Recorder.Hide(message[max(0, len(message)-authenticator):])
	c.Recorder.vault.AddMark(message[:min(len(message), beginning)])
}

func kerberosMessage(conn *wire.Conn, token TokenMaker, binding string) ([]byte, string, error) {
	value, binding, err := channelBinding(conn, binding)
	if err != nil {
		return nil, binding, err
	}
	request, err := token(value)
	if err != nil {
		return nil, binding, err
	}
	message, err := spnego.WrapInit(spnego.Kerberos, request)
	return message, binding, err
}

// channelBinding is the 16 byte value to send on a connection, and which binding
// it really is: over http, or with a certificate for which RFC 5929 defines no
// hash, there is none.
func channelBinding(conn *wire.Conn, binding string) ([]byte, string, error) {
	switch binding {
	case evidence.BindingRight:
		if conn.Leaf == nil {
			return nil, evidence.BindingNone, nil
		}
		endPoint, err := ntlm.EndPoint(conn.Leaf)
		if err != nil {
			return nil, evidence.BindingNone, err
		}
		return ntlm.ChannelBinding(endPoint), binding, nil
	case evidence.BindingForeign:
		return ntlm.ForeignBinding(), binding, nil
	case evidence.BindingZero:
		return ntlm.ZeroBinding(), binding, nil
	}
	return nil, binding, nil
}

// spnegoProblem says of a failed SPNEGO handshake that raw NTLM failed too.
func spnegoProblem(raw, wrapped *evidence.Detail) *evidence.Detail {
	if wrapped == nil || raw.String() == wrapped.String() {
		return raw
	}
	return evidence.Say(evidence.WhyAlsoInSPNEGO, raw, wrapped)
}

// tokenError is an error with a sentence of this program's own.
type tokenError struct{ *evidence.Detail }

func (e tokenError) Error() string { return e.String() }

// detailOf is why a message could not be read or made: the sentence of its
// error, or code with the words of the library.
func detailOf(code evidence.DetailCode, err error) *evidence.Detail {
	if own, ok := errors.AsType[tokenError](err); ok {
		return own.Detail
	}
	return evidence.Say(code, err)
}

func unreadableChallenge(err error) *evidence.Detail {
	return detailOf(evidence.WhyChallengeUnreadable, err)
}
