package wire

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
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
// agreed on a suite that Dataverse accepts and Go lacks. It returns what was agreed on,
// nil if nothing was.
func (d *Dialer) LegacySuite(ctx context.Context, addr string) (*evidence.TLS, *evidence.Failure) {
	suite, fail, alert := d.offer(ctx, addr, []uint16{0xc024, 0xc028}, nil)
	if fail != nil || alert != nil || legacySuites[suite] == "" {
		return nil, fail
	}
	return d.agreed(suite), nil
}

func (d *Dialer) agreed(suite uint16) *evidence.TLS {
	version := "TLS 1.2"
	if suite>>8 == 0x13 {
		version = "TLS 1.3"
	}
	return &evidence.TLS{Version: version, CipherSuite: suiteName(suite), ServerName: d.Host}
}

// offer sends a ClientHello (RFC 5246 7.4.1.2) with these suites, reads the first answer and closes the connection.
// It returns the suite that the server agreed on, or the alert it refused with;
// neither where the answer is no ServerHello.
func (d *Dialer) offer(
	ctx context.Context, addr string, offered []uint16, more []byte,
) (suite uint16, fail *evidence.Failure, alert error) {
	c, fail := d.connect(ctx, addr)
	if fail != nil {
		return 0, fail, nil
	}
	defer c.Close()
	defer bound(ctx, c)()
	_, err := c.Write(clientHello(d.Host, offered, more))
	read := func(n int) []byte {
		b := make([]byte, n)
		if err == nil {
			_, err = io.ReadFull(c, b)
		}
		return b
	}
	const recordHeader, alertRecord, handshakeRecord, serverHello = 5, 21, 22, 2
	switch record := read(recordHeader); record[0] {
	case alertRecord:
		if level := read(2); err == nil { // and description (RFC 5246 7.2)
			return 0, nil, tls.AlertError(level[1])
		}
	case handshakeRecord:
		// Type, length (3), version (2), random (32), session id length and id, suite (2).
		if head := read(1 + 3 + 2 + 32 + 1); head[0] == serverHello {
			rest := read(int(head[len(head)-1]) + 2)
			suite = binary.BigEndian.Uint16(rest[len(rest)-2:])
		}
	}
	if err != nil {
		return 0, Classify(ctx, "tls", err), nil
	}
	return suite, nil, nil
}

// clientHello is a ClientHello (RFC 8446 4.1.2) with the given suites. more are
// extensions beside those that every offer of an elliptic curve needs.
func clientHello(host string, offered []uint16, more []byte) []byte {
	hello := []byte{3, 3} // TLS 1.2
	random := make([]byte, 32)
	rand.Read(random) //nolint:errcheck // never fails (crypto/rand)
	hello = append(hello, random...)
	hello = append(hello, 0) // no session
	var list []byte
	for _, suite := range offered {
		list = binary.BigEndian.AppendUint16(list, suite)
	}
	hello = append(hello, sized16(list)...)
	hello = append(hello, 1, 0) // no compression

	var ext []byte
	if host = strings.TrimSuffix(host, "."); net.ParseIP(host) == nil {
		name := append([]byte{0}, sized16([]byte(host))...)
		ext = extension(ext, 0, sized16(name)) // server_name, RFC 6066 3
	}
	ext = extension(ext, 10, sized16([]byte{0, 23, 0, 24, 0, 25, 0, 29})) // supported_groups: P-256, P-384, P-521, X25519
	ext = extension(ext, 11, []byte{1, 0})                                // ec_point_formats: uncompressed
	// signature_algorithms: PKCS #1, ECDSA and, as TLS 1.3 needs, PSS
	ext = extension(ext, 13, sized16([]byte{4, 1, 5, 1, 6, 1, 4, 3, 5, 3, 6, 3, 8, 4, 8, 5, 8, 6, 2, 1, 2, 3}))
	hello = append(hello, sized16(append(ext, more...))...)

	message := append([]byte{1, 0}, sized16(hello)...) // client_hello, 24 bit length
	return append([]byte{22, 3, 1}, sized16(message)...)
}

func sized16(b []byte) []byte {
	return slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b)
}

func extension(ext []byte, id uint16, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(ext, id), sized16(body)...)
}

// dataverseSuites are the suites that Dataverse accepts, and all of them
// (Microsoft, "Server cipher suites and TLS requirements", 2024-12-02). What
// else a server and this tool agree on is of no use to Dynamics.
var dataverseSuites = []uint16{
	tls.TLS_AES_256_GCM_SHA384, tls.TLS_AES_128_GCM_SHA256, // TLS 1.3
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	0xc024, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
	0xc028, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
}

// DataverseAccepts says whether a suite, by its name, is one that Dataverse
// accepts: a handshake that ended with it proves the server compatible.
func DataverseAccepts(suite string) bool {
	return slices.ContainsFunc(dataverseSuites, func(id uint16) bool { return suiteName(id) == suite })
}

func suiteName(id uint16) string {
	if name, legacy := legacySuites[id]; legacy {
		return name
	}
	return tls.CipherSuiteName(id)
}

// OfferDataverse offers addr exactly what Dataverse accepts: TLS 1.3 and 1.2
// with its ten suites. It returns the version and the suite that the server
// agrees on. A refusal, by an alert, is the failure TLSHandshake.
func (d *Dialer) OfferDataverse(ctx context.Context, addr string) (*evidence.TLS, *evidence.Failure) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, Classify(ctx, "tls", err)
	}
	// What TLS 1.3 wants: the versions, and a key to agree on a secret with, which is
	// thrown away (RFC 8446 4.2.1, 4.2.8).
	more := extension(nil, 43, []byte{4, 3, 4, 3, 3}) // supported_versions: 1.3, 1.2
	share := append([]byte{0, 23}, sized16(key.PublicKey().Bytes())...)
	more = extension(more, 51, sized16(share)) // key_share: P-256
	suite, fail, alert := d.offer(ctx, addr, dataverseSuites, more)
	switch {
	case fail != nil:
		return nil, fail
	case alert != nil:
		return nil, evidence.Fail(evidence.TLSHandshake, "tls", "tls-refused", alert)
	case !slices.Contains(dataverseSuites, suite):
		return nil, evidence.Fail(evidence.TLSNotSpoken, "tls", "no-suite")
	}
	return d.agreed(suite), nil
}
