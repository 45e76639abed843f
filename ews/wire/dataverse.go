package wire

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

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
	hello, err := dataverseHello(d.Host)
	if err != nil {
		return nil, Classify(ctx, "tls", err)
	}
	suite, fail, alert := d.offer(ctx, addr, hello)
	switch {
	case fail != nil:
		return nil, fail
	case alert != nil:
		return nil, evidence.Fail(evidence.TLSHandshake, "tls", evidence.WhyTLSRefused, alert)
	case !slices.Contains(dataverseSuites, suite):
		return nil, evidence.Fail(evidence.TLSNotSpoken, "tls", evidence.WhyNoSuite)
	}
	agreed := &evidence.TLS{Version: "TLS 1.2", CipherSuite: suiteName(suite), ServerName: d.Host}
	if suite>>8 == 0x13 {
		agreed.Version = "TLS 1.3"
	}
	return agreed, nil
}

// dataverseHello adds to a ClientHello what TLS 1.3 wants: the versions, and a
// key to agree on a secret with, which is thrown away (RFC 8446 4.2.1, 4.2.8).
func dataverseHello(host string) ([]byte, error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	ext := extension(nil, 43, []byte{4, 3, 4, 3, 3}) // supported_versions: 1.3, 1.2
	share := append([]byte{0, 23}, sized16(key.PublicKey().Bytes())...)
	ext = extension(ext, 51, sized16(share)) // key_share: P-256
	return clientHello(host, dataverseSuites, ext), nil
}
