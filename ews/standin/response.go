package standin

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
)

// build is the front end's version: Exchange Server 2019 CU14.
const build = "15.2.1544.11"

// response is an answer before it is written. Its header names are written as
// they are here, since IIS and Exchange do not use Go's canonical case.
type response struct {
	status int
	header map[string][]string // not http.Header, which wants canonical names
	body   string
	hangUp bool // close the connection after the answer, without announcing it
	drop   bool // close it in place of the answer
}

func newResponse(status int) *response {
	return &response{status: status, header: make(map[string][]string)}
}

// with sets a header line and returns the response.
func (a *response) with(name string, values ...string) *response {
	a.header[name] = values
	return a
}

// withBody sets the body and its type and returns the response.
func (a *response) withBody(contentType, body string) *response {
	a.body = body
	return a.with("Content-Type", contentType)
}

// exchangeResponse is an answer of the Exchange front end of this node.
func (n *node) exchangeResponse(status int) *response {
	return newResponse(status).
		with("Server", "Microsoft-IIS/10.0").
		with("request-id", uuid.NewString()).
		with("X-OWA-Version", n.build()).
		with("X-Powered-By", "ASP.NET").
		with("X-FEServer", n.name).
		with("Date", n.now().UTC().Format(http.TimeFormat))
}

func (n *node) build() string {
	if t := n.behaviour.Tokens; t != nil && t.Build2013 {
		return "15.0.1497.48"
	}
	return build
}

// now is the time on this node's clock.
func (n *node) now() time.Time { return time.Now().Add(n.behaviour.ClockSkew) }

// challenge is the 401 that lists the schemes offered (RFC 9110 11.6.1). blob,
// if not empty, is an NTLM challenge that goes with the scheme named first; the
// other schemes follow bare.
func (n *node) challenge(r *http.Request, scheme, blob string) *response {
	values := n.offered(r)
	if blob != "" {
		values = slices.DeleteFunc(values, func(offered string) bool { return isScheme(offered, scheme) })
		values = slices.Insert(values, 0, scheme+" "+blob)
	}
	return n.authenticateLines(n.exchangeResponse(http.StatusUnauthorized), values)
}

// offered lists the challenges without a blob.
func (n *node) offered(r *http.Request) (values []string) {
	for _, s := range n.schemes(r) {
		if s.on && s.offer != "" {
			values = append(values, s.offer)
		}
	}
	return values
}

// authenticateLines writes challenges in the shape the behaviour wants.
func (n *node) authenticateLines(a *response, values []string) *response {
	if len(values) == 0 {
		return a
	}
	delete(a.header, "WWW-Authenticate")
	switch n.behaviour.Headers {
	case HeadersJoined:
		return a.with("WWW-Authenticate", strings.Join(values, ","))
	case HeadersOddCase:
		for i, value := range values {
			name, rest, found := strings.Cut(value, " ")
			values[i] = swapCase(name)
			if found {
				values[i] += " " + rest
			}
		}
		return a.with("wWw-aUTHENTICATE", values...)
	default:
		return a.with("WWW-Authenticate", values...)
	}
}

// isScheme says whether a challenge is one of the given scheme.
func isScheme(challenge, scheme string) bool {
	name, _, _ := strings.Cut(challenge, " ")
	return strings.EqualFold(name, scheme)
}

// swapCase turns NTLM into ntlm and Basic into bASIC.
func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLower(r) {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

// realm is the request's host, or the server's address where it has none: so
// Exchange tells its internal addresses to whoever leaves Host empty.
func realm(r *http.Request) string {
	host := r.Host
	if host == "" {
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = local.String()
		}
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, host)
}

// write sends a response.
func (a *response) write(w http.ResponseWriter) {
	if a.drop {
		hangUp(w)
		return
	}
	header := w.Header()
	for name, values := range a.header {
		header[name] = values
	}
	header["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	if _, typed := header["Content-Type"]; !typed {
		header["Content-Type"] = nil // no guessing
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body)) // a client that is gone needs no answer
	if a.hangUp {
		_ = http.NewResponseController(w).Flush()
		hangUp(w)
	}
}

// hangUp closes the connection under an answer.
func hangUp(w http.ResponseWriter) {
	conn := hijack(w)
	if conn == nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.Close()
}

const htmlType = "text/html; charset=utf-8"

// frontResponse is the answer of whatever stands in front, nil if Exchange is to
// answer. None of these looks at credentials.
func (n *node) frontResponse(r *http.Request, a *authorization) *response {
	front := n.behaviour.Front
	if front == "" {
		return nil
	}
	answer := n.say(string(front), map[string]any{"Agent": r.UserAgent(), "Anonymous": a.message == MessageAnonymous})
	if front == FrontGateway {
		return n.authenticateLines(answer, append(n.offered(r), "Kerberos"))
	}
	return answer
}
