// Package kerberos makes and reads the messages of Kerberos 5 (RFC 4120,
// RFC 4121, [MS-KILE]): pure functions on bytes, no network, no clock of its own.
//
// A sign-in is three exchanges. AS: the client names itself to the KDC of its
// realm; the first request carries no proof, costs the account nothing and
// brings the KDC's clock, the enctypes and the salt. The second carries the time
// encrypted under the key made from the password, and is counted when wrong. It
// brings a ticket for the KDC itself (TGT). TGS: with that, a ticket for the
// service HTTP/host. AP: the ticket and an authenticator go to the web server in
// the GSS framing of RFC 4121, with the channel binding in the checksum.
//
// github.com/jcmturner/gokrb5 encodes, decodes and encrypts. Its client is not
// used: it dials and retries by itself, and a wrong password retried is a locked
// account. Each message is made and read here, one at a time, and the caller
// sends it. AES only: RC4 and DES are reported, never used.
//
// Every reply is an attacker's until it is decrypted under our key and answers
// what was asked. Keys, tickets and decrypted parts are secrets: no error and no
// formatting of a value shows them.
package kerberos
