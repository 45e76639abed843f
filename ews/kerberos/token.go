package kerberos

import (
	encoding "encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

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
const tokenAPReq = 0x0100

var (
	mechanism = encoding.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}
	tagGSS    = asn1.Tag(0).Constructed() | 0x40 // RFC 2743 3.1
)

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
	var b cryptobyte.Builder
	b.AddASN1(tagGSS, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(mechanism)
		b.AddUint16(tokenAPReq)
		b.AddBytes(request)
	})
	return b.Bytes()
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
