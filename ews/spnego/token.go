package spnego

import (
	encoding "encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
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
	oidSPNEGO   = encoding.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2}
	oidKerberos = encoding.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}
)

// mechs: the first identifier of a mechanism is the one that is sent.
var mechs = []struct {
	mech Mech
	oid  encoding.ObjectIdentifier
}{
	{Kerberos, oidKerberos},
	{Kerberos, encoding.ObjectIdentifier{1, 2, 840, 48018, 1, 2, 2}}, // an overflow of Windows 2000, still sent
	{NTLM, encoding.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 10}},
	{NegoEx, encoding.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 30}},
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
	Init          bool   // a NegTokenInit
	Bare          bool   // a Kerberos token without SPNEGO around it
	State         State  // of a NegTokenResp
	Mech          Mech   // "" where the server did not repeat it
	Offered       []Mech // of a NegTokenInit
	ResponseToken []byte // the mechanism's own token, nil for none
}

const (
	maxToken   = 64 << 10
	maxOffered = 16
)

// Errors of Read. Each malformed token wraps ErrMalformed with the reason.
var (
	ErrNotSPNEGO = errors.New("not a SPNEGO token")
	ErrMalformed = errors.New("malformed SPNEGO token")
)

// Tags of RFC 4178 4.2 and RFC 2743 3.1.
var (
	tagGSS  = asn1.Tag(0).Constructed() | 0x40
	tagInit = asn1.Tag(0).ContextSpecific().Constructed()
	tagResp = asn1.Tag(1).ContextSpecific().Constructed()
)

func field(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// WrapInit makes the first token: a NegTokenInit in the framing of RFC 2743 3.1
// that offers mech alone and carries its first token.
func WrapInit(mech Mech, token []byte) ([]byte, error) {
	var oid encoding.ObjectIdentifier
	for _, m := range slices.Backward(mechs) {
		if m.mech == mech {
			oid = m.oid
		}
	}
	if oid == nil {
		return nil, fmt.Errorf("mechanism %q has no identifier", mech)
	}
	var b cryptobyte.Builder
	b.AddASN1(tagGSS, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSPNEGO)
		b.AddASN1(tagInit, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(field(0), func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
				})
				b.AddASN1(field(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(token) })
			})
		})
	})
	return b.Bytes()
}

// WrapResponse makes a later token: a NegTokenResp that carries the mechanism's
// next one, an NTLM type 3 for instance. The state is the server's to say.
func WrapResponse(token []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tagResp, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(field(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(token) })
		})
	})
	return b.Bytes()
}

// Read decodes a token of either kind, in the framing of RFC 2743 3.1 or
// without. Bytes that follow the token are ignored.
func Read(raw []byte) (Token, error) {
	if len(raw) > maxToken {
		return Token{}, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxToken)
	}
	in := cryptobyte.String(raw)
	if in.PeekASN1Tag(tagGSS) {
		var oid encoding.ObjectIdentifier
		var framed cryptobyte.String
		if !in.ReadASN1(&framed, tagGSS) || !framed.ReadASN1ObjectIdentifier(&oid) {
			return Token{}, fmt.Errorf("%w: its header cannot be read", ErrMalformed)
		}
		switch {
		case oid.Equal(oidKerberos):
			return Token{Bare: true, Mech: Kerberos, ResponseToken: raw}, nil
		case !oid.Equal(oidSPNEGO):
			return Token{}, fmt.Errorf("%w: a token of mechanism %s", ErrNotSPNEGO, name(oid))
		}
		in = framed
	}
	var body, fields cryptobyte.String
	switch {
	case in.PeekASN1Tag(tagInit):
		if !in.ReadASN1(&body, tagInit) || !body.ReadASN1(&fields, asn1.SEQUENCE) {
			return Token{}, fmt.Errorf("%w: NegTokenInit is cut short", ErrMalformed)
		}
		return readInit(fields)
	case in.PeekASN1Tag(tagResp):
		if !in.ReadASN1(&body, tagResp) || !body.ReadASN1(&fields, asn1.SEQUENCE) {
			return Token{}, fmt.Errorf("%w: NegTokenResp is cut short", ErrMalformed)
		}
		return readResp(fields)
	}
	return Token{}, ErrNotSPNEGO
}

// readInit reads a NegTokenInit or Microsoft's NegTokenInit2, which differ
// behind what is read here ([MS-SPNG] 2.2.1).
func readInit(in cryptobyte.String) (Token, error) {
	t := Token{Init: true}
	var list, oids, flags cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&list, &present, field(0)) || present && !list.ReadASN1(&oids, asn1.SEQUENCE) {
		return t, fmt.Errorf("%w: the list of mechanisms", ErrMalformed)
	}
	for !oids.Empty() {
		var oid encoding.ObjectIdentifier
		if !oids.ReadASN1ObjectIdentifier(&oid) {
			return t, fmt.Errorf("%w: a mechanism's identifier", ErrMalformed)
		}
		if len(t.Offered) == maxOffered {
			return t, fmt.Errorf("%w: more than %d mechanisms", ErrMalformed, maxOffered)
		}
		t.Offered = append(t.Offered, name(oid))
	}
	if len(t.Offered) > 0 {
		t.Mech = t.Offered[0]
	}
	if !in.ReadOptionalASN1(&flags, nil, field(1)) {
		return t, fmt.Errorf("%w: the flags", ErrMalformed)
	}
	var err error
	t.ResponseToken, err = octets(&in, field(2))
	return t, err
}

func readResp(in cryptobyte.String) (Token, error) {
	var t Token
	var state, mech cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&state, &present, field(0)) {
		return t, fmt.Errorf("%w: the state", ErrMalformed)
	}
	if present {
		states := []State{AcceptCompleted, AcceptIncomplete, Reject, RequestMIC}
		var n int
		if !state.ReadASN1Enum(&n) || n < 0 || n >= len(states) {
			return t, fmt.Errorf("%w: the state is none of RFC 4178", ErrMalformed)
		}
		t.State = states[n]
	}
	if !in.ReadOptionalASN1(&mech, &present, field(1)) {
		return t, fmt.Errorf("%w: the mechanism", ErrMalformed)
	}
	if present {
		var oid encoding.ObjectIdentifier
		if !mech.ReadASN1ObjectIdentifier(&oid) {
			return t, fmt.Errorf("%w: the mechanism's identifier", ErrMalformed)
		}
		t.Mech = name(oid)
	}
	var err error
	t.ResponseToken, err = octets(&in, field(2))
	return t, err
}

func octets(in *cryptobyte.String, tag asn1.Tag) ([]byte, error) {
	var value cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&value, &present, tag) {
		return nil, fmt.Errorf("%w: the token inside", ErrMalformed)
	}
	if !present {
		return nil, nil
	}
	var b cryptobyte.String
	if !value.ReadASN1(&b, asn1.OCTET_STRING) {
		return nil, fmt.Errorf("%w: the token inside is no octet string", ErrMalformed)
	}
	return b, nil
}

func name(oid encoding.ObjectIdentifier) Mech {
	for _, m := range mechs {
		if m.oid.Equal(oid) {
			return m.mech
		}
	}
	return Mech(oid.String())
}
