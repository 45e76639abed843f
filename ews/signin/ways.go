package signin

import (
	"context"
	"errors"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// PasswordSchemes are those by which a password signs in, first what asks the least
// of what is on the way.
func PasswordSchemes() []string { return []string{"Basic", "NTLM", "Negotiate"} }

// ByPassword is the way of one of the PasswordSchemes.
func ByPassword(scheme string) Way {
	if scheme == "Basic" {
		return ByBasic()
	}
	return ByNTLM(scheme)
}

// ByBasic is the way of Basic: name and password in each request (RFC 7617 2).
func ByBasic() Way {
	return way(Traits{Scheme: "Basic", EachRequest: true, Secret: Password}, func(c ews.Credential) Mechanism {
		return OneMessage(func(*Channel) (Message, error) {
			return Message{Value: wire.BasicCredential(c.User, c.Password), Described: "Basic, value not kept", Credential: true}, nil
		})
	})
}

// ntlmByPassword proves the password in its third message, which must travel on
// the connection of the first two ([MS-NTHT] 3.2).
//
// It travels under scheme, NTLM or Negotiate, and inside SPNEGO if it is wrapped or
// the server's answer is.
func ntlmByPassword(scheme string, account ews.Credential, wrapped bool) Mechanism {
	return Mechanism{Next: func(_ context.Context, on *Channel, token []byte) (Message, error) {
		if token == nil {
			first, err := ntlm.NegotiateMessage()
			if err == nil && wrapped {
				first, err = spnego.WrapInit(spnego.NTLM, first)
			}
			return tokenMessage(scheme, first), err
		}
		type2, answered, err := openToken(token)
		if err != nil {
			return Message{}, err
		}
		value, binding, err := on.Binding()
		if err != nil {
			value = nil // no hash is defined for this certificate: sent without
		}
		answer, err := ntlm.AuthenticateMessage(type2, account.User, account.Password, value)
		if err == nil && (wrapped || answered) {
			answer, err = spnego.WrapResponse(answer)
		}
		if err != nil {
			return Message{}, err
		}
		m := tokenMessage(scheme, answer)
		m.Binding, m.last = binding, true
		return m, nil
	}}
}

func ntlmTraits(scheme string) Traits {
	t := Traits{Scheme: scheme, FreeStart: true, Secret: Password}
	if scheme == "Negotiate" {
		t.Inside = evidence.MechanismNTLM
	}
	return t
}

// ByNTLM is the way of NTLM by password, under scheme. It opens a connection and
// sends type 1, which carries no credential and counts nothing.
func ByNTLM(scheme string) Way {
	traits := ntlmTraits(scheme)
	w := way(traits, func(account ews.Credential) Mechanism { return ntlmByPassword(scheme, account, false) })
	w.Begin = func(ctx context.Context, c *ews.Client, userAgent string) *Attempt {
		attempt := func(wrapped bool) *Attempt {
			return New(c, userAgent, traits, ntlmByPassword(scheme, c.Credential, wrapped)).Begin(ctx)
		}
		raw := attempt(false)
		if r := raw.Item.Response; scheme != "Negotiate" || raw.challenged || r == nil || r.Status != 401 {
			return raw
		}
		// Some servers take NTLM in Negotiate only as SPNEGO has it.
		wrapped := attempt(true)
		if l := wrapped.Lost; !wrapped.challenged && l != nil && raw.Lost.String() != l.String() {
			wrapped.Lost = evidence.Say("also-in-spnego", raw.Lost, l)
		}
		raw.Close()
		return wrapped
	}
	return w
}

// KeepTest sends two type 1 messages on one connection, inside SPNEGO or as they
// are: the second is answered only if the connection is kept, and by the same
// server. It costs no logon.
func KeepTest(ctx context.Context, c *ews.Client, scheme, userAgent string, wrapped bool) {
	a := New(c, userAgent, ntlmTraits(scheme), ntlmByPassword(scheme, c.Credential, wrapped))
	a.step = evidence.StepKeepTest
	defer a.Close()
	if a.Begin(ctx); a.conn == nil {
		return
	}
	if m, err := a.mechanism.Next(ctx, &a.channel, nil); err == nil {
		a.free(ctx, m)
	}
}

// TokenMaker makes the Kerberos token that signs in, with a 16 byte channel
// binding or nil (package kerberos, Ticket.Token).
type TokenMaker func(binding []byte) ([]byte, error)

// ByTicket is the way of Kerberos: an AP-REQ inside SPNEGO under Negotiate, bound
// to the certificate of its own connection (RFC 4559).
func ByTicket(token TokenMaker) Way {
	traits := Traits{Scheme: "Negotiate", Inside: evidence.MechanismKerberos, Secret: Ticket}
	return way(traits, func(ews.Credential) Mechanism {
		return OneMessage(func(on *Channel) (m Message, err error) {
			value, binding, err := on.Binding()
			if err != nil {
				return m, err
			}
			request, err := token(value)
			if err == nil {
				request, err = spnego.WrapInit(spnego.Kerberos, request)
			}
			if err != nil {
				return m, err
			}
			m = tokenMessage("Negotiate", request)
			m.Binding = binding
			return m, nil
		})
	})
}

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
		return New(c, userAgent, traits, OneMessage(func(*Channel) (Message, error) {
			token := source.Token(ctx)
			if token == nil {
				return Message{}, errNoToken
			}
			c.Recorder.Secrets.AddText(token.Value())
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
