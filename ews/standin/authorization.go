package standin

import (
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

var errBadCredentials = errors.New("the credentials cannot be read")

// authorization is a parsed Authorization value. It lives as long as its request.
type authorization struct {
	scheme  string // as in Request.Scheme
	message string // as in Request.Message
	raw     string // as it came, for Behaviour.Echo

	name     string // the account as it was written
	password string // Basic

	token    []byte        // NTLM message
	wrapped  bool          // it came inside SPNEGO
	response *authenticate // its parsed form, if it is a type 3
	pairs    map[uint16][]byte

	err error // why it cannot be read, nil if it can
}

// authorization reads what a request carries. What it cannot read it names as well as
// it can, so that the view shows what was sent.
func (n *node) authorization(r *http.Request) *authorization {
	a := &authorization{raw: r.Header.Get("Authorization"), message: MessageAnonymous}
	if a.raw == "" {
		return a
	}
	name, credentials, _ := strings.Cut(a.raw, " ")
	a.scheme, a.message = "other", MessageOther
	for _, s := range n.schemes(r) {
		if strings.EqualFold(name, s.name) {
			a.scheme, a.message = s.name, strings.ToLower(s.name)
			s.read(a, strings.TrimSpace(credentials))
		}
	}
	return a
}

// parseBearer tells a token from none (RFC 6750 2.1).
func (a *authorization) parseBearer(token string) {
	if token == "" {
		a.message = MessageEmptyBearer
	}
}

// parseBasic reads user-id ":" password in UTF-8 (RFC 7617 section 2 and 2.1).
func (a *authorization) parseBasic(credentials string) {
	decoded, err := base64.StdEncoding.DecodeString(credentials)
	name, password, found := strings.Cut(string(decoded), ":")
	if err != nil || !utf8.Valid(decoded) || !found {
		a.err = errBadCredentials
		return
	}
	a.name, a.password = name, password
}

// parseNTLM reads an NTLM message, as it is or inside SPNEGO, and tells a
// Kerberos ticket from it.
func (a *authorization) parseNTLM(credentials string) {
	a.message = MessageOther
	token, err := base64.StdEncoding.DecodeString(credentials)
	if err != nil {
		a.err = errBadCredentials
		return
	}
	if inner, ok := unwrap(token); ok && a.scheme == "Negotiate" {
		if inner.kerberos() {
			a.message = MessageKerberos
			return
		}
		a.wrapped, token = true, inner.token
	}
	kind, err := ntlmMessageType(token)
	if err != nil {
		a.err = err
		return
	}
	a.token = token
	switch kind {
	case ntlmNegotiate:
		a.message = MessageType1
	case ntlmAuthenticate:
		a.message = MessageType3
		if a.response, a.err = parseAuthenticate(token); a.err != nil {
			return
		}
		a.name = a.response.user
		if a.response.domain != "" {
			a.name = a.response.domain + `\` + a.response.user
		}
		a.pairs, a.err = a.response.responseAV()
	default:
		a.err = errNotNTLM
	}
}

// binding is the channel binding that a type 3 carries, nil if none.
func (a *authorization) binding() []byte { return a.pairs[avChannelBindings] }

// echoes are the shapes in which a careless server might show a client its own
// Authorization value: as it came, the token alone, decoded, and in hexadecimal.
func (a *authorization) echoes() []string {
	if a.raw == "" {
		return nil
	}
	_, token, _ := strings.Cut(a.raw, " ")
	token = strings.TrimSpace(token)
	shapes := []string{a.raw, token}
	if decoded, err := base64.StdEncoding.DecodeString(token); err == nil && len(decoded) > 0 {
		shapes = append(shapes, printable(decoded), hex.EncodeToString(decoded), strings.ToUpper(hex.EncodeToString(decoded)))
	}
	if a.password != "" {
		shapes = append(shapes, printable([]byte(a.password)))
	}
	return shapes
}

// printable keeps what may stand in a header line; the rest becomes a dot.
func printable(data []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '.'
		}
		return r
	}, string(data))
}

// echo repeats what was sent in every place where an answer has text. Nothing is
// kept: the answer goes back to whoever sent the value.
func (a *response) echo(sent *authorization) {
	shapes := sent.echoes()
	if len(shapes) == 0 {
		return
	}
	text := strings.Join(shapes, " | ")
	a.with("X-Echo", shapes...)
	a.with("X-FailureContext", "FrontEnd;401;"+text+";;;;")
	a.with("X-FEServer", shapes[len(shapes)-1])
	a.with("Set-Cookie", "exchangecookie="+shapes[0]+"; path=/")
	for i, value := range a.header["WWW-Authenticate"] {
		if isScheme(value, "Basic") {
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
			a.header["WWW-Authenticate"][i] = `Basic realm="` + quoted + `"`
		}
	}
	if a.body == "" {
		a.withBody(htmlType, "<html><body>You sent "+escape(text)+"</body></html>")
	}
}

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
	var first struct {
		Mechanism asn1.ObjectIdentifier
		Init      struct {
			Mechs []asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
			Flags asn1.BitString          `asn1:"explicit,optional,tag:1"`
			Token []byte                  `asn1:"explicit,optional,tag:2"`
			MIC   []byte                  `asn1:"explicit,optional,tag:3"`
		} `asn1:"explicit,tag:0"`
	}
	if _, err := asn1.UnmarshalWithParams(raw, &first, "application,tag:0"); err == nil {
		return wrapped{first.Init.Mechs, first.Init.Token}, first.Mechanism.Equal(oidSPNEGO) && len(first.Init.Mechs) > 0
	}
	var later struct {
		State asn1.Enumerated       `asn1:"explicit,optional,tag:0,default:-1"`
		Mech  asn1.ObjectIdentifier `asn1:"explicit,optional,tag:1"`
		Token []byte                `asn1:"explicit,optional,tag:2"`
		MIC   []byte                `asn1:"explicit,optional,tag:3"`
	}
	_, err := asn1.UnmarshalWithParams(raw, &later, "explicit,tag:1")
	return wrapped{token: later.Token}, err == nil
}

// kerberos says that the token is a ticket's.
func (w wrapped) kerberos() bool {
	return len(w.mechs) > 0 && slices.ContainsFunc(oidKerberos, w.mechs[0].Equal)
}

// negTokenResp is the server's answer. A reject names no mechanism.
func negTokenResp(state asn1.Enumerated, token []byte) string {
	answer := struct {
		State asn1.Enumerated       `asn1:"explicit,tag:0"`
		Mech  asn1.ObjectIdentifier `asn1:"explicit,optional,tag:1"`
		Token []byte                `asn1:"explicit,omitempty,tag:2"`
	}{State: state, Token: token}
	if token != nil {
		answer.Mech = oidNTLM
	}
	raw, _ := asn1.MarshalWithParams(answer, "explicit,tag:1") // these types always marshal
	return base64.StdEncoding.EncodeToString(raw)
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
