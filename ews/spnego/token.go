// Package spnego wraps and unwraps the tokens of HTTP Negotiate (RFC 4178,
// RFC 4559, [MS-SPNG]): pure functions on bytes, no network.
//
// Negotiate carries a token of another mechanism inside one of its own. The
// client begins with a NegTokenInit: the mechanisms it offers, the best first,
// and a first token of that one. The server answers with a NegTokenResp: a
// state, the mechanism it took, and that mechanism's next token. Kerberos is
// done after one round, NTLM needs its type 2 and type 3 in two more messages.
//
// One mechanism is offered at a time, so that a refusal is about that one, and
// the server's free choice cannot turn Kerberos into NTLM unseen. With one
// mechanism the list needs no integrity code (RFC 4178 5).
package spnego

import (
	"cmp"
	"encoding/asn1"
	"errors"
	"fmt"
)

// Mech is a security mechanism by the name that people use; one that is not
// known here is its object identifier in dots.
type Mech string

// Mechanisms that Windows negotiates ([MS-SPNG] 1.9).
const (
	Kerberos Mech = "Kerberos"
	NTLM     Mech = "NTLM"
	NegoEx   Mech = "NegoEx"
)

var (
	oidSPNEGO   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2}
	oidKerberos = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}
)

// mechs: the first identifier of a mechanism is the one that is sent.
var mechs = []struct {
	mech Mech
	oid  asn1.ObjectIdentifier
}{
	{Kerberos, oidKerberos},
	{Kerberos, asn1.ObjectIdentifier{1, 2, 840, 48018, 1, 2, 2}}, // an overflow of Windows 2000, still sent
	{NTLM, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 10}},
	{NegoEx, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 30}},
}

// State is what the server says about the negotiation (RFC 4178 4.2.2).
type State string

// The states. A server may leave it out after its first answer.
const (
	Absent           State = ""
	AcceptCompleted  State = "accept-completed"
	AcceptIncomplete State = "accept-incomplete"
	Reject           State = "reject"
	RequestMIC       State = "request-mic"
)

// Token is a decoded token.
type Token struct {
	Bare          bool   // a Kerberos token without SPNEGO around it
	State         State  // of a NegTokenResp
	Mech          Mech   // the first of a NegTokenInit; "" where the server did not repeat it
	ResponseToken []byte // the mechanism's own token, nil for none
}

const maxToken = 64 << 10

// Errors of Read. Each malformed token wraps ErrMalformed with the reason.
var (
	ErrNotSPNEGO = errors.New("not a SPNEGO token")
	ErrMalformed = errors.New("malformed SPNEGO token")
)

// The first bytes: the framing of RFC 2743 3.1, and the two choices of RFC 4178 4.2.
const (
	framing    = 0x60
	choiceInit = 0xa0
	choiceResp = 0xa1
)

// WrapInit makes the first token: a NegTokenInit in the framing of RFC 2743 3.1
// that offers mech alone and carries its first token.
func WrapInit(mech Mech, token []byte) ([]byte, error) {
	for _, m := range mechs {
		if m.mech != mech {
			continue
		}
		head, _ := asn1.Marshal(oidSPNEGO) // identifiers always marshal
		body, err := asn1.MarshalWithParams(struct {
			Mechs []asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
			Token []byte                  `asn1:"explicit,tag:2"`
		}{[]asn1.ObjectIdentifier{m.oid}, token}, "explicit,tag:0")
		if err != nil {
			return nil, err
		}
		return asn1.Marshal(asn1.RawValue{Class: asn1.ClassApplication, IsCompound: true, Bytes: append(head, body...)})
	}
	return nil, fmt.Errorf("mechanism %q has no identifier", mech)
}

// WrapResponse makes a later token: a NegTokenResp that carries the mechanism's
// next one, an NTLM type 3 for instance. The state is the server's to say.
func WrapResponse(token []byte) ([]byte, error) {
	return asn1.MarshalWithParams(struct {
		Token []byte `asn1:"explicit,tag:2"`
	}{token}, "explicit,tag:1")
}

// Read decodes a token of either kind, in the framing of RFC 2743 3.1 or
// without. Bytes that follow the token are ignored.
func Read(raw []byte) (Token, error) {
	if len(raw) > maxToken {
		return Token{}, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxToken)
	}
	in := raw
	if len(raw) > 0 && raw[0] == framing {
		var framed asn1.RawValue
		var oid asn1.ObjectIdentifier
		_, err := asn1.Unmarshal(raw, &framed)
		if err == nil {
			in, err = asn1.Unmarshal(framed.Bytes, &oid)
		}
		switch {
		case err != nil:
			return Token{}, fmt.Errorf("%w: its header cannot be read", ErrMalformed)
		case oid.Equal(oidKerberos):
			return Token{Bare: true, Mech: Kerberos, ResponseToken: raw}, nil
		case !oid.Equal(oidSPNEGO):
			return Token{}, fmt.Errorf("%w: a token of mechanism %s", ErrNotSPNEGO, name(oid))
		}
	}
	if len(in) == 0 || in[0] != choiceInit && in[0] != choiceResp {
		return Token{}, ErrNotSPNEGO
	}
	var list []asn1.RawValue
	if _, err := asn1.UnmarshalWithParams(in, &list, fmt.Sprintf("explicit,tag:%d", in[0]&1)); err != nil {
		return Token{}, fmt.Errorf("%w: it is cut short", ErrMalformed)
	}
	fields := map[int][]byte{}
	for _, f := range list {
		if f.Class == asn1.ClassContextSpecific && f.IsCompound {
			fields[f.Tag] = f.Bytes
		}
	}
	// NegTokenInit and Microsoft's NegTokenInit2 differ behind what is read here ([MS-SPNG] 2.2.1).
	var t Token
	states := []State{AcceptCompleted, AcceptIncomplete, Reject, RequestMIC}
	var state asn1.Enumerated
	offered := make([]asn1.ObjectIdentifier, 1)
	err := read(fields, 2, &t.ResponseToken, "the token inside")
	if in[0] == choiceInit {
		err = cmp.Or(read(fields, 0, &offered, "the list of mechanisms"), err)
	} else {
		err = cmp.Or(read(fields, 0, &state, "the state"), read(fields, 1, &offered[0], "the mechanism"), err)
		if err == nil && (state < 0 || int(state) >= len(states)) {
			err = fmt.Errorf("%w: the state is none of RFC 4178", ErrMalformed)
		}
		if _, there := fields[0]; there && err == nil {
			t.State = states[state]
		}
	}
	if err == nil && len(offered) > 0 && offered[0] != nil {
		t.Mech = name(offered[0])
	}
	return t, err
}

// read reads a field, if it is there.
func read(fields map[int][]byte, tag int, to any, what string) error {
	if raw, there := fields[tag]; there {
		if _, err := asn1.Unmarshal(raw, to); err != nil {
			return fmt.Errorf("%w: %s cannot be read", ErrMalformed, what)
		}
	}
	return nil
}

func name(oid asn1.ObjectIdentifier) Mech {
	for _, m := range mechs {
		if m.oid.Equal(oid) {
			return m.mech
		}
	}
	return Mech(oid.String())
}
