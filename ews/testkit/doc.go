// Package testkit has what only tests and measurements use: a KDC as a function of
// bytes, written with the library's own message types and not with package
// kerberos, so that what a request says is decrypted and verified; a KDC over TCP
// and a directory over LDAPS on loopback, each telling the truth or doing harm;
// listeners that end with their test, ways to be a bad peer, and distance.
package testkit
