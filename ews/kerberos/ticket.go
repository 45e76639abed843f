package kerberos

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Ticket is a ticket with its session key, which is a secret: of the KDC itself
// (TGT) or of a service.
type Ticket struct {
	Client         Principal // as the KDC spells it
	Server         Principal
	End            time.Time
	Enctype        string // of the service's own key, under which the ticket is sealed
	SessionEnctype string

	ticket messages.Ticket
	key    types.EncryptionKey
}

// TicketGranting says whether the ticket is one for a KDC.
func (t Ticket) TicketGranting() bool {
	return len(t.Server.Components) == 2 && t.Server.Components[0] == "krbtgt"
}

// Format writes what may be seen of a ticket, whatever the verb.
func (t Ticket) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "ticket of "+t.Client.String()+" for "+t.Server.String()+" until "+t.End.Format(time.RFC3339))
}

// readReply decrypts the reply of an AS or TGS exchange and checks that it
// answers this request and that its two halves agree (RFC 4120 3.1.5, 3.3.4).
// Who it is for is the caller's to compare.
func readReply(m messages.KDCRepFields, key types.EncryptionKey, usage uint32, nonce int) (*Ticket, error) {
	plain, err := open(m.EncPart, key, usage)
	if err != nil {
		return nil, err
	}
	var part messages.EncKDCRepPart
	if err := guarded(func() error { return part.Unmarshal(plain) }); err != nil {
		return nil, fmt.Errorf("%w: its encrypted part cannot be decoded", ErrUntrusted)
	}
	if part.Nonce != nonce {
		return nil, fmt.Errorf("%w: it answers another request (nonce)", ErrUntrusted)
	}
	t := &Ticket{
		Client: received(m.CName, m.CRealm), Server: received(part.SName, part.SRealm), End: reasonable(part.EndTime),
		Enctype: enctypeName(m.Ticket.EncPart.EType), SessionEnctype: enctypeName(part.Key.KeyType), ticket: m.Ticket, key: part.Key,
	}
	if outside := received(m.Ticket.SName, m.Ticket.Realm); !outside.same(t.Server) {
		return nil, fmt.Errorf("%w: the ticket is for %s, the reply says %s", ErrUntrusted, outside, t.Server)
	}
	if err := checkKey(part.Key); err != nil {
		return nil, fmt.Errorf("the session key: %w", err)
	}
	return t, nil
}

// apRequest makes an AP-REQ (RFC 4120 5.5.1) of the ticket.
func (t Ticket) apRequest(checksum types.Checksum, now time.Time) ([]byte, error) {
	now = now.UTC()
	a := types.Authenticator{
		AVNO: 5, CRealm: t.Client.Realm, CName: t.Client.wire(), Cksum: checksum, CTime: now, Cusec: now.Nanosecond() / 1000,
		SeqNumber: int64(newNonce() & 0x3fffffff), // below 2^30: old peers take the number for a signed one
	}
	var raw []byte
	err := guarded(func() error {
		m, err := messages.NewAPReq(t.ticket, t.key, a)
		if err != nil {
			return err
		}
		m.APOptions = asn1.BitString{Bytes: make([]byte, 4), BitLength: 32}
		raw, err = m.Marshal()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: no AP-REQ can be made of the %s", ErrMalformed, t)
	}
	return raw, nil
}

// ErrBinding: a channel binding has sixteen bytes.
var ErrBinding = errors.New("a channel binding is 16 bytes long")

// Flags of RFC 4121 4.1.1.1. Neither delegation nor mutual authentication: the
// server's certificate has been checked already, and an answer of its is not
// waited for. Integrity and confidentiality cost nothing and are what other
// clients of HTTP ask for.
const (
	flagConfidentiality = 0x10
	flagIntegrity       = 0x20
)

// tokenAPReq identifies the token (RFC 4121 4.1).
var tokenAPReq = []byte{1, 0}

var mechanism = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}

// Token makes the GSS token that signs in with the ticket at the time now
// (RFC 4121 4.1). binding is the 16 byte value of the channel binding, nil for
// none. The token is a secret for as long as the ticket lives.
func (t Ticket) Token(binding []byte, now time.Time) ([]byte, error) {
	sum, err := checksum(binding)
	if err != nil {
		return nil, err
	}
	request, err := t.apRequest(types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: sum}, now)
	if err != nil {
		return nil, err
	}
	oid, _ := asn1.Marshal(mechanism) // identifiers always marshal
	// The framing of RFC 2743 3.1.
	return asn1.Marshal(asn1.RawValue{
		Class: asn1.ClassApplication, IsCompound: true, Bytes: slices.Concat(oid, tokenAPReq, request),
	})
}

// checksum is the authenticator's checksum of type 0x8003 (RFC 4121 4.1.1): the
// length of the binding, the binding, the flags. No binding is sixteen zeros.
func checksum(binding []byte) ([]byte, error) {
	if len(binding) != 0 && len(binding) != 16 {
		return nil, fmt.Errorf("%w, not %d", ErrBinding, len(binding))
	}
	sum := make([]byte, 24)
	binary.LittleEndian.PutUint32(sum, 16)
	copy(sum[4:20], binding)
	binary.LittleEndian.PutUint32(sum[20:], flagConfidentiality|flagIntegrity)
	return sum, nil
}
