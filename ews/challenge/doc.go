// Package challenge reads the WWW-Authenticate fields of a 401: which schemes
// a server offers, with which parameters.
//
// The answer decides a verdict ("Basic is off"), so the reader must not miss a
// scheme because of how the field was written. Servers send a line per scheme;
// proxies and client libraries join the lines with commas, with or without a
// space; Exchange Online appends its Basic to the value of its Bearer; names
// come in any case; the same comma separates challenges and the parameters
// within one. RFC 9110 section 11 is the grammar, section 11.6.1 the trap.
//
// Reading never fails: what cannot be understood is skipped up to the next
// comma and the rest is read on. Output is bounded whatever comes in.
package challenge
