package standin

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
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
