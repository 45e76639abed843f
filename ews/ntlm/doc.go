// Package ntlm makes and reads the messages of NTLM over HTTP ([MS-NLMP],
// [MS-NTHT]): pure functions on bytes, no network.
//
// A sign-in is three messages on one connection. Type 1 (NEGOTIATE) says what
// the client can do and names no account. Type 2 (CHALLENGE) brings eight
// random bytes and, if type 1 asked for the target, the names of the server,
// its domain and forest, its build and its clock: this is the free look that
// ewsprobe takes. Type 3 (AUTHENTICATE) carries the account and an HMAC of the
// challenge under a key made from the password: it can be attacked offline and
// is a secret like the password.
//
// github.com/Azure/go-ntlmssp makes types 1 and 3. What it lacks is done by
// editing its input: the request-target flag in type 1, and a rebuilt type 2
// whose target info carries the channel binding (RFC 5929
// tls-server-end-point) that Extended Protection compares.
package ntlm
