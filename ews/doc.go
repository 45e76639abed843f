// Package ews talks to one Exchange Web Services endpoint as Dynamics does and
// writes down what happened. It knows the steps, not their order: package probe
// plans which are sent.
//
// An EWS endpoint signs its callers in before it reads them. An anonymous POST
// learns which schemes are offered (RFC 9110 11.6.1). An empty Bearer token
// makes Exchange say what it thinks of OAuth and which tenant it trusts. An
// NTLM type 1 message, which names no account, brings the server's names, build
// and clock. Only then may a credential be spent: Basic in one request, NTLM in
// the third message of a handshake that must stay on its connection. What is
// posted with it is Dynamics' own test, FindFolder on the inbox: any EWS answer
// to it, even a fault, proves that the sign-in was passed.
//
// Everything is a POST of a valid envelope: some servers answer 405 to a GET
// and some redirect whatever is not EWS. Nothing here judges.
//
// Send (client.go) writes down a step: package wire what shows of the connection and its
// certificate, read (body.go) the facts of a body. Header fields stay as they came;
// packages challenge and front read them, and the rules.
package ews
