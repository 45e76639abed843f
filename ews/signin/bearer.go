package signin

import (
	"context"
	"errors"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

var errNoToken = errors.New("there is no token")

// ByToken is the way of Bearer: an access token in each request (RFC 6750 2.1), the
// one that the source has at that moment.
func ByToken(source *entra.Source) Way {
	traits := Traits{Scheme: "Bearer", EachRequest: true, Secret: Token}
	renewal := func(ctx context.Context) func(context.Context) bool {
		token := source.Token(ctx)
		return func(ctx context.Context) bool { return token != nil && source.Renew(ctx, token) != nil }
	}
	return Way{Traits: traits, Renewal: renewal, Begin: func(ctx context.Context, c *ews.Client, userAgent string) *Attempt {
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

// tokenExpired is the number of x-ms-diagnostics for a token that has expired.
const tokenExpired = 2000002

// expired says whether Exchange refuses a token because it has expired.
func expired(item evidence.Item) bool {
	said := challenge.Diagnostics(item.Response.Header("x-ms-diagnostics"))
	return item.Logon != nil && item.Logon.Result == evidence.Refused && len(said) > 0 && said[0].Number == tokenExpired
}
