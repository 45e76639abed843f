// Package lockout keeps accounts from being locked out. It alone says whether a
// credential may be sent: to the check, to a batch with one account or many, to
// whatever stays and checks on a schedule. All that runs on a machine under the
// same state folder spends one budget per account.
//
// A logon is written down before it is sent and struck out when it is accepted.
// So a logon that was refused counts, and one that got no answer, and one whose
// process was killed. Until a logon of a run was accepted the run holds a lock in
// the state folder from before it sends a credential until it knows the answer:
// of one account no two unproved logons are in flight.
//
// What is kept gives no password back: a salted scrypt value cut to 16 bits lets
// one guess in 65,536 pass by chance, so that a stolen file confirms no guess.
package lockout
