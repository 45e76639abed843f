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
