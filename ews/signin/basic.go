package signin

import (
	"context"
	"errors"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// basic carries the password in each request (RFC 7617 2).
type basic ews.Credential

// Basic signs in with name and password in one request.
func Basic(c ews.Credential) Mechanism { return basic(c) }

// ByBasic is the way of Basic.
func ByBasic() Way { return way(Basic) }

// Traits implements Mechanism.
func (basic) Traits() Traits { return Traits{Scheme: "Basic", EachRequest: true, Secret: Password} }

// Start implements Mechanism.
func (b basic) Start(context.Context, *Channel) (Message, error) {
	return Message{Value: wire.BasicCredential(b.User, b.Password), Described: "Basic, value not kept", Credential: true}, nil
}

// Next implements Mechanism.
func (basic) Next(context.Context, []byte) (Message, error) {
	return Message{}, errors.New("Basic has one message")
}

// Done implements Mechanism.
func (basic) Done() bool { return true }

// Close implements Mechanism.
func (basic) Close() {}
