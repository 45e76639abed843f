package signin

import (
	"context"
	"errors"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/entra"
)

var errNoToken = errors.New("there is no token")

// ByToken is the way of Bearer: an access token in each request (RFC 6750 2.1), the
// one that the source has at that moment.
func ByToken(source *entra.Source) Way {
	traits := Traits{Scheme: "Bearer", EachRequest: true, Secret: Token}
	return Way{Traits: traits, Begin: func(ctx context.Context, c *ews.Client, userAgent string) *Attempt {
		return New(c, userAgent, OneMessage(traits, func(*Channel) (Message, error) {
			token := source.Token(ctx)
			if token == nil {
				return Message{}, errNoToken
			}
			c.Recorder.HideText(token.Value())
			return Message{Value: "Bearer " + token.Value(), Described: "Bearer, value not kept", Credential: true}, nil
		}))
	}}
}
