package standin

import (
	"slices"
	"time"
)

// View is what the server saw.
type View struct {
	// GoodLogons and BadLogons are what a domain controller would count: every
	// Basic request, every NTLM response and every bind is one logon. A wrong password is a bad
	// one. Not bad are: an anonymous request, an NTLM type 1, a refusal of a locked
	// or unknown account, and a right password that is refused for another reason.
	GoodLogons, BadLogons int

	// Connections is the number of TCP connections, also those without a request.
	Connections int

	// Requests are the newest requests, oldest first, at most keptRequests.
	Requests []Request
}

// keptRequests bounds the memory of a server that runs for a long time.
const keptRequests = 10000

// Request is one request and what became of it. It never holds a password, a
// response, a token or any other part of an Authorization value but the scheme's
// name and the account's.
type Request struct {
	At               time.Time
	Node, Connection int // both count from 1

	Method, Path, UserAgent string

	Scheme  string // Basic, NTLM, Negotiate, Bearer, LDAPS, "other", or "" for none
	Message string // one of the Message constants
	Account string // the account as it was written, "" if none
	Binding string // one of the Binding constants, "" if there was no NTLM response
	Outcome string // one of the Outcome constants
	Status  int    // HTTP status of the answer, 0 if it was none

	Operation    string // the EWS operation, "" if it was not reached
	Mailbox      string // the mailbox named, impersonated or in a folder identifier
	Impersonated bool
}

// What kind of message a request carried.
const (
	MessageAnonymous   = "anonymous"    // no Authorization
	MessageSignedIn    = "signed-in"    // none, on a connection that NTLM has signed in
	MessageBasic       = "basic"        // a name and a password
	MessageType1       = "type1"        // NTLM NEGOTIATE_MESSAGE
	MessageType3       = "type3"        // NTLM AUTHENTICATE_MESSAGE
	MessageEmptyBearer = "empty-bearer" // Bearer without a token
	MessageBearer      = "bearer"       // Bearer with a token
	MessageKerberos    = "kerberos"     // a Kerberos ticket inside SPNEGO
	MessageBind        = "bind"         // a name and a password, to the domain controller
	MessageOther       = "other"        // anything else
)

// What became of a request.
const (
	OutcomeServed        = "served"         // answered for somebody who is signed in
	OutcomeChallenged    = "challenged"     // answered with the list of schemes
	OutcomeType2         = "type2"          // answered with an NTLM challenge
	OutcomeAccepted      = "accepted"       // the logon is good
	OutcomeWrongPassword = "wrong-password" // a bad logon
	OutcomeLocked        = "locked"         // refused, the account is locked
	OutcomeUnknownUser   = "unknown-user"   // refused, there is no such account
	OutcomeBinding       = "binding"        // right password, refused by Extended Protection
	OutcomeConfiguration = "configuration"  // right password, refused by configuration
	OutcomeNotOffered    = "not-offered"    // sent by a scheme that is not offered
	OutcomeStranger      = "stranger"       // a response that met another node, which refuses it
	OutcomeKerberos      = "kerberos"       // a ticket, refused: nobody here can verify it
	OutcomeUnfinished    = "unfinished"     // a response that belongs to no challenge here
	OutcomeMalformed     = "malformed"      // cannot be read
	OutcomeToken         = "token"          // a token, refused
	OutcomeFront         = "front"          // answered in Exchange's place
	OutcomeHazard        = "hazard"         // answered with a hazard
)

// View returns a copy of what the server saw so far.
func (s *Server) View() View {
	s.mu.Lock()
	defer s.mu.Unlock()
	view := s.view
	view.Requests = slices.Clone(s.view.Requests)
	return view
}

// record enters a request in the view. It is called before the answer is
// written, so that a client which has its answer finds its request counted.
func (s *Server) record(q *Request) {
	s.mu.Lock()
	switch q.Outcome {
	case OutcomeAccepted:
		s.view.GoodLogons++
	case OutcomeWrongPassword:
		s.view.BadLogons++
	}
	if len(s.view.Requests) >= keptRequests {
		s.view.Requests = slices.Delete(s.view.Requests, 0, keptRequests/10)
	}
	s.view.Requests = append(s.view.Requests, *q)
	s.mu.Unlock()
	if s.onRequest != nil {
		s.onRequest(*q)
	}
}
