package challenge

import "strings"

// The limits on what is kept. They bound one Parse, not one line.
const (
	MaxChallenges = 32
	MaxParams     = 32      // of each challenge
	MaxValue      = 4 << 10 // bytes of a parameter's value; the rest is cut
	// MaxToken bounds a token68, in bytes of base64. A longer one is dropped
	// as a whole, since no part of it can be decoded; an NTLM or Kerberos
	// message stays below.
	MaxToken = 64 << 10
	MaxName  = 64        // bytes of the name of a scheme or parameter; a longer one is not read
	MaxLine  = 128 << 10 // bytes of a field value; the rest is not read
)

// Challenge is one offer to authenticate (RFC 9110 section 11.3).
type Challenge struct {
	// Scheme is the name as sent; compare with Is.
	Scheme string
	// Token is the token68, for example a base64 NTLM message; "" if none.
	Token string
	// Params are the parameters in order. A name may occur twice.
	Params []Param
}

// Param is one parameter of a challenge: the name as sent, the value without
// its quotes.
type Param struct{ Name, Value string }

// Is says whether the challenge is of that scheme, in any case.
func (c Challenge) Is(scheme string) bool { return strings.EqualFold(c.Scheme, scheme) }

// Param returns the value of the first parameter of that name, in any case,
// and whether there is one; the value of `Realm=""` is "" and true.
func (c Challenge) Param(name string) (string, bool) {
	for _, p := range c.Params {
		if strings.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return "", false
}

// Find returns the first challenge of that scheme, in any case, and whether
// there is one.
func Find(cs []Challenge, scheme string) (Challenge, bool) {
	for _, c := range cs {
		if c.Is(scheme) {
			return c, true
		}
	}
	return Challenge{}, false
}
