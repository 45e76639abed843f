package signin

import (
	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// ByBasic is the way of Basic: name and password in each request (RFC 7617 2).
func ByBasic() Way {
	return way(func(c ews.Credential) Mechanism {
		return OneMessage(Traits{Scheme: "Basic", EachRequest: true, Secret: Password}, func(*Channel) (Message, error) {
			return Message{Value: wire.BasicCredential(c.User, c.Password), Described: "Basic, value not kept", Credential: true}, nil
		})
	})
}
