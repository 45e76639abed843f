package standin

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a request's body. The longest honest one is a few kilobytes.
const maxBody = 1 << 20

// maxText bounds what is kept of a request's texts.
const maxText = 256

// ServeHTTP answers one request.
func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.server.running.Add(1) // a hijacked connection is nobody else's to wait for
	defer n.server.running.Done()

	c, _ := r.Context().Value(connectionKey{}).(*connection)
	c.requests++
	a := n.authorization(r)
	q := &Request{
		At: time.Now(), Node: n.number, Connection: c.number,
		Method: cut(r.Method), Path: cut(r.URL.Path), UserAgent: cut(r.UserAgent()),
		Scheme: a.scheme, Message: a.message, Account: cut(a.name),
	}
	if a.message == MessageType3 && a.response != nil {
		q.Binding = bindingKind(a.binding(), n.served)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var answer *response // nil means the behaviour's hazard
	switch {
	case n.behaviour.Hazard != HazardNone && !n.behaviour.HazardOnLogon:
		q.Outcome = OutcomeHazard
	case err != nil:
		q.Outcome = OutcomeMalformed
		answer = n.exchangeResponse(http.StatusRequestEntityTooLarge).with("Connection", "close")
	default:
		answer = n.answer(c, r, a, q, body)
	}
	if answer == nil {
		n.server.record(q)
		n.harm(w, r, c)
		return
	}
	if n.behaviour.Handshake == HandshakeAlternating {
		delete(answer.header, "X-FEServer")
	}
	if n.behaviour.Echo {
		answer.echo(c.echoed(a))
	}
	q.Status = answer.status
	n.server.record(q)
	answer.write(w)
}

// answer finds the answer to a request; nil means the behaviour's hazard.
func (n *node) answer(c *connection, r *http.Request, a *authorization, q *Request, body []byte) *response {
	if strings.HasPrefix(strings.ToLower(r.URL.Path), autodiscoverFolder) { // IIS minds no case
		return n.autodiscover(c, r, a, q, body)
	}
	if front := n.frontResponse(r, a); front != nil {
		q.Outcome = OutcomeFront
		return front
	}
	if !strings.EqualFold(r.URL.Path, servicePath) {
		q.Outcome = OutcomeServed
		return n.exchangeResponse(http.StatusNotFound).withBody("text/html", "404 - File or directory not found.")
	}
	who, refusal := n.signIn(c, r, a, q)
	if refusal != nil {
		return refusal
	}
	if n.behaviour.Hazard != HazardNone {
		return nil
	}
	// EWS's own policy on user agents (Set-OrganizationConfig, Set-CASMailbox) is asked for
	// somebody who is signed in.
	allowed := n.behaviour.AllowedAgents
	if n.behaviour.Disabled || len(allowed) > 0 &&
		!slices.ContainsFunc(allowed, func(begin string) bool { return strings.HasPrefix(r.UserAgent(), begin) }) {
		return n.signedIn(n.exchangeResponse(http.StatusForbidden), who, r, a)
	}
	answer := n.serviceResponse(who, r, c.echoed(a), q, body)
	answer.hangUp = n.behaviour.ForgetsSignIn
	return n.signedIn(answer, who, r, a)
}

// signedIn adds what Exchange says to those who got in: which back end ran the
// request, and that an NTLM connection stays signed in.
func (n *node) signedIn(answer *response, who *account, r *http.Request, a *authorization) *response {
	fqdn := strings.ToLower(n.name) + "." + Domain
	answer.with("Cache-Control", "private").
		with("X-CalculatedBETarget", fqdn).
		with("X-DiagInfo", n.name).
		with("X-BEServer", n.name).
		with("X-AspNet-Version", "4.0.30319")
	cookie := "X-BackEndCookie=S-1-5-21-1004336348-1177238915-682003330-" + strconv.Itoa(who.RID) + // the caller's security identifier
		"=u56Lnp2ejJqBzZ3Hz8rIzczSz8/OydLLzsqe0p3Pm8/Jzs3JgYHPytDMztDNz83J; path=/EWS"
	if r.TLS != nil {
		cookie += "; secure"
	}
	answer.with("Set-Cookie", cookie+"; HttpOnly")
	if a.message == MessageType3 {
		answer.with("Persistent-Auth", "true")
		if a.wrapped {
			answer.with("WWW-Authenticate", "Negotiate "+negTokenResp(acceptCompleted, nil))
		}
	}
	return answer
}

// echoed is the authorization that an echoing server shows: of the request, or
// of what signed the connection in.
func (c *connection) echoed(a *authorization) *authorization {
	if a.raw == "" && c.shown != nil {
		return c.shown
	}
	return a
}

// cut bounds a text that a client chose.
func cut(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
