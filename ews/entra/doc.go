// Package entra gets access tokens from Microsoft Entra for an application, by
// client credentials (RFC 6749 4.4): with a client secret, or with an assertion
// that the application's certificate signs (RFC 7523 2.2).
//
// A request is one HTTPS POST on a connection of its own, asked once more, with a
// new assertion, where Entra says that it failed for a passing reason. A redirect
// is not followed, and the certificate of the other side is always verified,
// whatever --insecure says: an assertion or a secret goes to the host that the
// user named for Entra and nowhere else. What is written down are facts, never
// the assertion, the secret or the token. Nothing here judges.
package entra
