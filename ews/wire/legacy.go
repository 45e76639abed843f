package wire

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// The two suites that Dataverse accepts and crypto/tls does not have.
var legacySuites = map[uint16]string{
	0xc024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
	0xc028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
}

// LegacySuite asks addr, after Go's own handshake failed, whether it would have
// agreed on a suite that Dataverse accepts and Go lacks. A ClientHello (RFC
// 5246 7.4.1.2) that offers only these is sent, the first answer read, and the
// connection closed. It returns the suite's name, or "".
func (d *Dialer) LegacySuite(ctx context.Context, addr string) (string, *evidence.Failure) {
	c, fail := d.connect(ctx, addr)
	if fail != nil {
		return "", fail
	}
	defer c.Close()
	defer bound(ctx, c)()
	if _, err := c.Write(legacyHello(d.Host)); err != nil {
		return "", Classify(ctx, "tls", err)
	}
	// Record header (5), then ServerHello: type, length (3), version (2),
	// random (32), session id length and id, suite (2).
	const recordHeader, handshakeRecord, serverHello = 5, 22, 2
	head := make([]byte, recordHeader+4+2+32+1)
	if _, err := io.ReadFull(c, head[:recordHeader]); err != nil {
		return "", Classify(ctx, "tls", err)
	}
	if head[0] != handshakeRecord {
		return "", nil // an alert, which is shorter than what is read below
	}
	if _, err := io.ReadFull(c, head[recordHeader:]); err != nil {
		return "", Classify(ctx, "tls", err)
	}
	if head[recordHeader] != serverHello {
		return "", nil
	}
	rest := make([]byte, int(head[len(head)-1])+2)
	if _, err := io.ReadFull(c, rest); err != nil {
		return "", Classify(ctx, "tls", err)
	}
	return legacySuites[binary.BigEndian.Uint16(rest[len(rest)-2:])], nil
}

func legacyHello(host string) []byte {
	hello := []byte{3, 3} // TLS 1.2
	random := make([]byte, 32)
	rand.Read(random) //nolint:errcheck // never fails (crypto/rand)
	hello = append(hello, random...)
	hello = append(hello, 0) // no session
	hello = append(hello, sized16([]byte{0xc0, 0x24, 0xc0, 0x28})...)
	hello = append(hello, 1, 0) // no compression

	var ext []byte
	if host = strings.TrimSuffix(host, "."); net.ParseIP(host) == nil {
		name := append([]byte{0}, sized16([]byte(host))...)
		ext = extension(ext, 0, sized16(name)) // server_name, RFC 6066 3
	}
	ext = extension(ext, 10, sized16([]byte{0, 23, 0, 24, 0, 25}))                            // supported_groups: P-256, P-384, P-521
	ext = extension(ext, 11, []byte{1, 0})                                                    // ec_point_formats: uncompressed
	ext = extension(ext, 13, sized16([]byte{4, 1, 5, 1, 6, 1, 4, 3, 5, 3, 6, 3, 2, 1, 2, 3})) // signature_algorithms
	hello = append(hello, sized16(ext)...)

	message := append([]byte{1, 0}, sized16(hello)...) // client_hello, 24 bit length
	return append([]byte{22, 3, 1}, sized16(message)...)
}

func sized16(b []byte) []byte {
	return slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b)
}

func extension(ext []byte, id uint16, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(ext, id), sized16(body)...)
}
