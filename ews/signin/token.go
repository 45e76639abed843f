package signin

import (
	"encoding/base64"
	"errors"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
)

// Negotiate leaves open what is inside: NTLM as it is, NTLM inside SPNEGO, or
// Kerberos inside SPNEGO (RFC 4559, [MS-SPNG]). A token is known by looking at
// it, whoever made it.

// tokenMessage is the message that carries a client's token.
func tokenMessage(scheme string, token []byte) Message {
	m := Message{Value: scheme + " " + base64.StdEncoding.EncodeToString(token)}
	message := token // the NTLM message in it
	if ntlm.Type(token) == 0 {
		message = nil
		if t, err := spnego.Read(token); err == nil {
			// In a NegTokenInit the token is of the mechanism offered first.
			m.wrapped, m.Inside = !t.Bare, string(t.Mech)
			if ntlm.Type(t.ResponseToken) != 0 {
				message = t.ResponseToken
				m.wrapped = true
			}
		}
	}
	if message != nil {
		m.Inside = evidence.MechanismNTLM
	}
	inside := ""
	if m.wrapped {
		inside = " inside SPNEGO"
	}
	m.Credential = ntlm.Type(message) != ntlm.TypeNegotiate // all else may hold what signs in
	switch {
	case !m.Credential:
		m.Described = scheme + ", NTLM type 1" + inside
		return m
	case message != nil:
		m.Described = scheme + ", NTLM type 3" + inside + ", value not kept"
		m.Mark, m.Secrets, m.proof = message[:12], ntlm.Proofs(message), ntlm.Type(message) == ntlm.TypeAuthenticate
		return m
	case m.Inside == evidence.MechanismKerberos:
		m.Described = scheme + ", Kerberos AP-REQ, value not kept"
	case m.Inside != "":
		m.Described = scheme + ", a token of " + m.Inside + ", value not kept"
	default:
		m.Described = scheme + ", a token, value not kept"
	}
	// Of a Kerberos token the authenticator is secret, with which it ends and
	// which can be replayed, and its beginning, lengths included. Between them
	// stand names in clear, which the server may say.
	const authenticator, beginning = 96, 64
	m.Secrets, m.Mark = [][]byte{token[max(0, len(token)-authenticator):]}, token[:min(len(token), beginning)]
	return m
}

// serverToken is the token of a 401 under the scheme, nil for none, and what it
// says if it is an NTLM challenge. The other schemes may be listed beside it, and
// the challenge need not come first: the value whose parameter is one is taken.
func serverToken(status int, fields []string, scheme string) (token []byte, n *evidence.NTLM) {
	n = &evidence.NTLM{Scheme: scheme}
	if status != 401 {
		n.Detail = evidence.Say("type-1-answered", status)
		return nil, n
	}
	n.Detail = evidence.Say("no-challenge")
	for _, offer := range challenge.Parse(fields) {
		if !offer.Is(scheme) || offer.Token == "" {
			continue
		}
		raw, err := ntlm.DecodeToken(offer.Token)
		var message []byte
		var wrapped bool
		if err == nil {
			message, wrapped, err = openToken(raw)
		}
		var c ntlm.Challenge
		if err == nil {
			c, err = ntlm.Decode(message)
		}
		if err == nil {
			return raw, describeChallenge(scheme, c, wrapped)
		}
		n.Detail = detailOf("challenge-unreadable", err)
		if token == nil {
			token = raw
		}
	}
	return token, n
}

// openToken finds the NTLM message in a token, as it is or inside SPNEGO.
func openToken(raw []byte) (message []byte, wrapped bool, err error) {
	if ntlm.Is(raw) {
		return raw, false, nil
	}
	t, err := spnego.Read(raw)
	switch {
	case errors.Is(err, spnego.ErrNotSPNEGO):
		err = tokenError{evidence.Say("challenge-unknown")}
	case err != nil:
	case t.State == spnego.Reject:
		err = tokenError{evidence.Say("spnego-rejects")}
	case t.Mech != "" && t.Mech != spnego.NTLM:
		err = tokenError{evidence.Say("spnego-wants", t.Mech)}
	case len(t.ResponseToken) == 0:
		err = tokenError{evidence.Say("spnego-empty")}
	}
	return t.ResponseToken, true, err
}

func describeChallenge(scheme string, c ntlm.Challenge, wrapped bool) *evidence.NTLM {
	n := &evidence.NTLM{
		Scheme: scheme, TargetName: c.TargetName, NetBIOSDomain: c.NbDomain, NetBIOSComputer: c.NbComputer,
		DNSDomain: c.DNSDomain, DNSComputer: c.DNSName, DNSForest: c.DNSTree, OSBuild: c.Version, StandAlone: c.StandAlone(), SPNEGO: wrapped,
	}
	if !c.Time.IsZero() {
		n.Time = &c.Time
	}
	return n
}

// measureSkew compares the server's clock with this one's, at the middle of the
// round trip.
func measureSkew(item *evidence.Item) {
	if item.NTLM.Time == nil {
		return
	}
	arrived := time.Now()
	if f := item.Timing.FirstByte; f != nil {
		arrived = arrived.Add(-time.Duration(*f/2) * time.Millisecond)
	}
	item.NTLM.ClockSkewMS = new(item.NTLM.Time.Sub(arrived).Milliseconds())
}

// tokenError is an error with a sentence of this program's own.
type tokenError struct{ *evidence.Detail }

func (e tokenError) Error() string { return e.String() }

// detailOf is why a message could not be read or made: the sentence of its
// error, or code with the words of the library.
func detailOf(code evidence.DetailCode, err error) *evidence.Detail {
	if own, ok := errors.AsType[tokenError](err); ok {
		return own.Detail
	}
	return evidence.Say(code, err)
}
