package signin

import (
	"context"
	"crypto/x509"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
)

// Mechanism makes the messages of one way to sign in, for one sign-in on one
// connection. It neither sends nor judges: an Attempt does.
//
// To add one: the mechanism in a file here, with its case of ByPassword where a
// password signs in; its row in Config.logons (probe/plan.go), which prints it and
// carries it out; in probe/finding/text what a code says of it; a scenario, for which
// the stand-in verifies it (a row of its schemes, ews/standin/signin.go).
type Mechanism struct {
	// Next answers the server's token, as it came in a 401 under the scheme; nil: it
	// makes the first message. It is given the connection that this will travel on.
	Next func(ctx context.Context, on *Channel, token []byte) (Message, error)
	// Close lets go of what the mechanism holds; nil: of nothing.
	Close func()
}

// Way is one mechanism, to be used any number of times.
type Way struct {
	Traits Traits
	// Begin begins an attempt with the client's account. It may send what carries
	// no credential.
	Begin func(ctx context.Context, c *ews.Client, userAgent string) *Attempt
	// Renewal takes down what signs in now, and returns what makes another of it
	// once that was refused as expired; nil: nothing here can.
	Renewal func(ctx context.Context) (renew func(context.Context) bool)
}

// way makes a Way of what makes a mechanism.
func way(traits Traits, with func(ews.Credential) Mechanism) Way {
	return Way{Traits: traits, Begin: func(_ context.Context, c *ews.Client, userAgent string) *Attempt {
		return New(c, userAgent, traits, with(c.Credential))
	}}
}

// Traits are what an Attempt and a Session know of a mechanism.
type Traits struct {
	Scheme string // in the header fields (RFC 9110 11.1)
	Inside string // the mechanism inside Negotiate, where it is known before; else ""
	// FreeStart: the first message names nobody (NTLM type 1).
	FreeStart bool
	// EachRequest carries the credential: Basic, Bearer. Else it signs in a
	// connection ([MS-NTHT] 3.2).
	EachRequest bool
	Secret      Secret
}

// OneMessage is a mechanism of one message: Basic, a ticket, a token.
func OneMessage(message func(*Channel) (Message, error)) Mechanism {
	return Mechanism{Next: func(_ context.Context, on *Channel, _ []byte) (Message, error) {
		m, err := message(on)
		m.last = true
		return m, err
	}}
}

// Secret is what signs in.
type Secret string

// What signs in, as it is called.
const (
	Password     Secret = "password"
	Ticket       Secret = "Kerberos ticket"
	LoggedOnUser Secret = "logged-on user"
	Token        Secret = "token"
)

// Message is what one request carries.
type Message struct {
	Value     string // of the Authorization field; "" nothing is left to be said
	Described string // what the record says of it
	// Credential: it may hold what signs in. It is counted, and of the answer
	// only facts are kept.
	Credential bool
	Inside     string // which mechanism it is, where that shows
	Binding    string // the channel binding that it carries (evidence.BindingRight …)
	Secrets    [][]byte
	Mark       []byte // the beginning, by which it is known again

	wrapped bool // inside SPNEGO
	last    bool // nothing follows it: a 401 is a refusal
	proof   bool // an NTLM type 3, which a server that lost the connection answers with a challenge
}

// Channel is a connection, as far as messages depend on it.
type Channel struct {
	Wanted string // the channel binding (evidence.BindingRight …)
	leaf   *x509.Certificate
}

// EndPoint is the tls-server-end-point data (RFC 5929 4.1) that is wanted, nil for
// none: over http, or with a certificate for which no hash is defined.
func (c *Channel) EndPoint() []byte {
	if c.Wanted != evidence.BindingRight || c.leaf == nil {
		return nil
	}
	endPoint, err := ntlm.EndPoint(c.leaf)
	if err != nil {
		return nil
	}
	return endPoint
}

// Binding is the 16 byte value to send, and which binding it really is: over
// http, or with a certificate for which RFC 5929 defines no hash, there is none.
func (c *Channel) Binding() (value []byte, binding string, err error) {
	switch c.Wanted {
	case evidence.BindingRight:
		if c.leaf == nil {
			return nil, evidence.BindingNone, nil
		}
		endPoint, err := ntlm.EndPoint(c.leaf)
		if err != nil {
			return nil, evidence.BindingNone, err
		}
		return ntlm.ChannelBinding(endPoint), c.Wanted, nil
	case evidence.BindingForeign:
		return ntlm.ForeignBinding(), c.Wanted, nil
	case evidence.BindingZero:
		return ntlm.ZeroBinding(), c.Wanted, nil
	}
	return nil, c.Wanted, nil
}

// Budget says whether a credential may be sent, and counts it.
type Budget interface {
	// Begin is called before a credential is sent. A reason keeps it back.
	Begin() (why *evidence.Detail)
	// End is told how it ended, once after each Begin, and says whether it
	// counts against the account's limit.
	End(evidence.Result) (counted bool)
}

// budgetOf is a Budget of two functions.
type budgetOf struct {
	begin func() *evidence.Detail
	end   func(evidence.Result) bool
}

func (b budgetOf) Begin() *evidence.Detail    { return b.begin() }
func (b budgetOf) End(r evidence.Result) bool { return b.end(r) }
