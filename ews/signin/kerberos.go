package signin

import (
	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
)

// TokenMaker makes the Kerberos token that signs in, with a 16 byte channel
// binding or nil (package kerberos, Ticket.Token).
type TokenMaker func(binding []byte) ([]byte, error)

// ByTicket is the way of Kerberos: an AP-REQ inside SPNEGO under Negotiate, bound
// to the certificate of its own connection (RFC 4559).
func ByTicket(token TokenMaker) Way {
	traits := Traits{Scheme: "Negotiate", Inside: evidence.MechanismKerberos, Secret: Ticket}
	return way(func(ews.Credential) Mechanism {
		return OneMessage(traits, func(on *Channel) (m Message, err error) {
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
