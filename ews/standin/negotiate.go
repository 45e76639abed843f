package standin

import (
	"encoding/asn1"
	"encoding/base64"
	"net/http"
	"slices"
)

// SPNEGO, as far as a server needs it that speaks NTLM alone (RFC 4178 4.2,
// [MS-SPNG]).

var (
	oidSPNEGO   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2}
	oidNTLM     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 10}
	oidKerberos = []asn1.ObjectIdentifier{{1, 2, 840, 113554, 1, 2, 2}, {1, 2, 840, 48018, 1, 2, 2}}
)

// Values of negState.
const (
	acceptCompleted  = 0
	acceptIncomplete = 1
	reject           = 2
)

// wrapped is a token of a client's: the mechanisms it offers (in its first token
// only) and the token of the first of them.
type wrapped struct {
	mechs []asn1.ObjectIdentifier
	token []byte
}

// unwrap reads NegTokenInit in the framing of RFC 2743 3.1, or NegTokenResp.
func unwrap(raw []byte) (w wrapped, ok bool) {
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(raw, &outer); err != nil {
		return w, false
	}
	if outer.Class == asn1.ClassApplication && outer.Tag == 0 {
		var oid asn1.ObjectIdentifier
		rest, err := asn1.Unmarshal(outer.Bytes, &oid)
		if err != nil || !oid.Equal(oidSPNEGO) {
			return w, false
		}
		if _, err := asn1.Unmarshal(rest, &outer); err != nil {
			return w, false
		}
	}
	if outer.Class != asn1.ClassContextSpecific || outer.Tag > 1 {
		return w, false
	}
	if outer.Tag == 0 {
		var init struct {
			Mechs []asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
			Flags asn1.BitString          `asn1:"explicit,optional,tag:1"`
			Token []byte                  `asn1:"explicit,optional,tag:2"`
			MIC   []byte                  `asn1:"explicit,optional,tag:3"`
		}
		_, err := asn1.Unmarshal(outer.Bytes, &init)
		return wrapped{init.Mechs, init.Token}, err == nil && len(init.Mechs) > 0
	}
	var resp struct {
		State asn1.Enumerated       `asn1:"explicit,optional,tag:0,default:-1"`
		Mech  asn1.ObjectIdentifier `asn1:"explicit,optional,tag:1"`
		Token []byte                `asn1:"explicit,optional,tag:2"`
		MIC   []byte                `asn1:"explicit,optional,tag:3"`
	}
	_, err := asn1.Unmarshal(outer.Bytes, &resp)
	return wrapped{token: resp.Token}, err == nil
}

// kerberos says that the token is a ticket's.
func (w wrapped) kerberos() bool {
	return len(w.mechs) > 0 && slices.ContainsFunc(oidKerberos, w.mechs[0].Equal)
}

// negTokenResp is the server's answer. A reject names no mechanism.
func negTokenResp(state asn1.Enumerated, token []byte) string {
	type named struct {
		State asn1.Enumerated       `asn1:"explicit,tag:0"`
		Mech  asn1.ObjectIdentifier `asn1:"explicit,tag:1"`
		Token []byte                `asn1:"explicit,tag:2"`
	}
	var body any = struct {
		State asn1.Enumerated `asn1:"explicit,tag:0"`
	}{state}
	if token != nil {
		body = named{state, oidNTLM, token}
	}
	inner, err := asn1.Marshal(body)
	if err == nil {
		inner, err = asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: inner})
	}
	if err != nil { // only if these types changed
		return ""
	}
	return base64.StdEncoding.EncodeToString(inner)
}

// takes says whether an NTLM message in this form is understood inside
// Negotiate. Under NTLM only the bare one is.
func (n *node) takes(a *authorization) bool {
	if a.scheme != "Negotiate" {
		return !a.wrapped
	}
	inside := n.behaviour.Inside
	return inside == InsideBoth || inside != InsideKerberos && a.wrapped == (inside == InsideSPNEGO)
}

// refuseMechanism answers a message that is not understood inside Negotiate:
// one in SPNEGO is rejected in it where SPNEGO is spoken at all.
func (n *node) refuseMechanism(r *http.Request, a *authorization) *response {
	if a.wrapped && n.behaviour.Inside != InsideRaw {
		return n.challenge(r, "Negotiate", negTokenResp(reject, nil))
	}
	return n.challenge(r, "", "")
}
