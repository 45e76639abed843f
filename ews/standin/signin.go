package standin

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
)

// scheme is one that the stand-in verifies.
type scheme struct {
	name   string
	on     bool
	offer  string // what an anonymous request is told of it; "": nothing
	read   func(a *authorization, credentials string)
	signIn func(c *connection, r *http.Request, a *authorization, q *Request) (*account, *response)
}

// schemes are in the order in which Exchange offers them. To add one, write a file with
// what reads and what verifies it, and add its row here, its switch in Behaviour and a scenario.
func (n *node) schemes(r *http.Request) []scheme {
	b := n.behaviour
	return []scheme{
		{"Negotiate", b.Negotiate, "Negotiate", (*authorization).parseNTLM, n.signInNTLM},
		{"NTLM", b.NTLM, "NTLM", (*authorization).parseNTLM, n.signInNTLM},
		{"Basic", b.Basic, `Basic realm="` + realm(r) + `"`, (*authorization).parseBasic, n.signInBasic},
		{"Bearer", true, "", (*authorization).parseBearer, n.signInBearer},
	}
}

// signIn decides who sends a request. It gives the account, or the answer that
// refuses it, and enters the outcome in q.
func (n *node) signIn(c *connection, r *http.Request, a *authorization, q *Request) (*account, *response) {
	if a.message == MessageAnonymous {
		if c.account != nil && n.forgets(c) {
			c.signOut()
		}
		if c.account != nil {
			q.Message, q.Outcome = MessageSignedIn, OutcomeServed
			q.Account, q.Scheme = c.name, c.scheme
			return c.account, nil
		}
		q.Outcome = OutcomeChallenged
		return nil, n.challenge(r, "", "")
	}
	q.Outcome = OutcomeMalformed
	for _, s := range n.schemes(r) {
		switch {
		case s.name == a.scheme && s.on:
			return s.signIn(c, r, a, q)
		case s.name == a.scheme:
			q.Outcome = OutcomeNotOffered
		}
	}
	c.signOut()
	return nil, n.challenge(r, "", "")
}

// signInBearer verifies a token where tokens are taken.
func (n *node) signInBearer(_ *connection, r *http.Request, a *authorization, q *Request) (*account, *response) {
	if q.Outcome = OutcomeChallenged; !n.behaviour.OAuth {
		return nil, n.challenge(r, "", "")
	}
	if a.message != MessageBearer || n.behaviour.Tokens == nil {
		return nil, n.bearerChallenge(r, a.message)
	}
	q.Outcome, q.Account = OutcomeToken, HMAApplicationID
	_, token, _ := strings.Cut(a.raw, " ")
	number, reason := n.judgeToken(r, strings.TrimSpace(token))
	if number == 0 {
		q.Outcome = OutcomeAccepted
		return application, nil
	}
	return nil, n.refuseToken(r, number, reason)
}

// signInBasic verifies a password. Basic signs in a request, not a connection.
func (n *node) signInBasic(_ *connection, r *http.Request, a *authorization, q *Request) (*account, *response) {
	if a.err == nil {
		who := findAccount("", a.name)
		if n.behaviour.BasicUPNOnly && !strings.Contains(a.name, "@") {
			who = nil
		}
		right := subtle.ConstantTimeCompare([]byte(a.password), []byte(Password)) == 1
		q.Outcome = judge(who, right, true, n.behaviour.BasicRefuses || n.refusesNow())
		if q.Outcome == OutcomeAccepted {
			return who, nil
		}
	}
	return nil, n.challenge(r, "", "")
}

// signInNTLM takes a message of NTLM, as it is or inside SPNEGO.
func (n *node) signInNTLM(c *connection, r *http.Request, a *authorization, q *Request) (*account, *response) {
	switch a.message {
	case MessageType1:
		return nil, n.beginNTLM(c, r, a, q)
	case MessageType3:
		return n.finishNTLM(c, r, a, q)
	case MessageKerberos:
		q.Outcome = OutcomeKerberos
	}
	c.signOut()
	return nil, n.challenge(r, "", "")
}

// beginNTLM answers a type 1 with a challenge. It names no account, so nothing is
// counted, whatever becomes of it.
func (n *node) beginNTLM(c *connection, r *http.Request, a *authorization, q *Request) *response {
	c.signOut()
	q.Outcome = OutcomeChallenged
	switch {
	case n.behaviour.Handshake == HandshakeNoChallenge:
		return n.challenge(r, "", "")
	case !n.takes(a) && a.wrapped && n.behaviour.Inside != InsideRaw: // rejected in SPNEGO where it is spoken at all
		return n.challenge(r, "Negotiate", negTokenResp(reject, nil))
	case !n.takes(a):
		return n.challenge(r, "", "")
	}
	answer := n.sendChallenge(c, r, a, a.token, q)
	answer.hangUp = n.behaviour.Handshake == HandshakeDropped
	return answer
}

// sendChallenge begins a handshake on the connection.
func (n *node) sendChallenge(c *connection, r *http.Request, a *authorization, type1 []byte, q *Request) *response {
	name := n.name
	if n.behaviour.Handshake == HandshakeAlternating && c.requests%2 == 0 { // the other node answers
		name = "EX09"
	}
	h, err := newHandshake(a.scheme, name, type1, n.now())
	if err != nil {
		q.Outcome = OutcomeMalformed
		return n.challenge(r, "", "")
	}
	h.wrapped = a.wrapped
	c.pending = h
	q.Outcome = OutcomeType2
	blob := base64.StdEncoding.EncodeToString(h.type2)
	if a.wrapped {
		blob = negTokenResp(acceptIncomplete, h.type2)
	}
	return n.challenge(r, a.scheme, blob)
}

// finishNTLM verifies a type 3 against the challenge that this connection was
// sent. A refusal is a 401 with no body and the bare list, whatever the reason.
func (n *node) finishNTLM(c *connection, r *http.Request, a *authorization, q *Request) (*account, *response) {
	h := c.pending
	c.signOut()
	switch {
	case h == nil || h.scheme != a.scheme || h.wrapped != a.wrapped:
		q.Outcome = OutcomeUnfinished
	case n.behaviour.Handshake == HandshakeOtherNode:
		answer := n.sendChallenge(c, r, a, h.type1, q)
		q.Outcome = OutcomeUnfinished
		return nil, answer
	case n.behaviour.Handshake == HandshakeAlternating:
		q.Outcome = OutcomeStranger
	case a.err != nil:
		q.Outcome = OutcomeMalformed
	default:
		who := findAccount(a.response.domain, a.response.user)
		right := h.verify(a.response, a.pairs, a.token, Password)
		expected := n.served
		if n.behaviour.Bridged {
			expected = n.behind
		}
		bound := bindingAccepted(n.behaviour.ExtendedProtection, a.binding(), expected)
		q.Outcome = judge(who, right, bound, n.behaviour.NTLMRefuses || n.refusesNow())
		if q.Outcome == OutcomeAccepted {
			c.account, c.name, c.scheme = who, a.name, a.scheme
			if n.behaviour.Echo {
				c.shown = a
			}
			return who, nil
		}
	}
	return nil, n.challenge(r, "", "")
}

// judge decides a logon in the order of a domain member: the domain controller
// looks at the account and then at the password, and only what it lets pass meets
// Extended Protection and the server's own rules.
func judge(who *account, rightPassword, bound, refused bool) string {
	switch {
	case who == nil:
		return OutcomeUnknownUser
	case who.Locked:
		return OutcomeLocked
	case !rightPassword:
		return OutcomeWrongPassword
	case !bound:
		return OutcomeBinding
	case refused:
		return OutcomeConfiguration
	default:
		return OutcomeAccepted
	}
}

// bearerChallenge answers a Bearer with or without a token. Exchange offers
// OAuth only to those who ask for it in this way.
func (n *node) bearerChallenge(r *http.Request, message string) *response {
	answer := n.say("bearer", map[string]any{"AuthorizationURI": n.behaviour.AuthorizationURI, "Message": message, "Realm": realm(r)})
	return n.authenticateLines(answer, append(answer.header["WWW-Authenticate"], n.offered(r)...))
}
