package wire

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// suites are the TLS 1.2 suites that Dataverse accepts and Go has (the two
// CBC_SHA384 ones are asked for by LegacySuites). TLS 1.3's are not
// configurable and are accepted all.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	// Not Dataverse's, but common: an endpoint that has only these can be
	// examined anyway.
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
}

// handshake verifies by hand, after the fact, so that every complaint about a
// certificate is known and not only the first.
func (d *Dialer) handshake(ctx context.Context, raw net.Conn) (*tls.Conn, *evidence.TLS, *x509.Certificate, *evidence.Failure) {
	info := &evidence.TLS{ServerName: d.Host}
	asked := false
	protocols := []string{"http/1.1"}
	if d.NotHTTP {
		protocols = nil
	}
	c := tls.Client(raw, &tls.Config{
		ServerName:         d.Host,
		NextProtos:         protocols,
		MinVersion:         tls.VersionTLS12,
		CipherSuites:       suites,
		CurvePreferences:   []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}, // as Schannel; no ML-KEM
		InsecureSkipVerify: true,                                                                   // verified below
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return &tls.Certificate{}, nil
		},
	})
	if err := c.HandshakeContext(ctx); err != nil {
		info.ClientCertAsk = asked
		fail := Classify(ctx, "tls", err)
		limit := fail.Detail.Is("certificate-unread", "tls-unread", "renegotiation") // of this program
		if asked && fail.Code == evidence.TLSHandshake && !limit {
			fail.Code = evidence.TLSClientCert
		}
		return nil, info, nil, fail
	}
	state := c.ConnectionState()
	info.Version = tls.VersionName(state.Version)
	info.CipherSuite = tls.CipherSuiteName(state.CipherSuite)
	info.ClientCertAsk = asked
	if len(state.PeerCertificates) == 0 {
		c.Close()
		return nil, info, nil, evidence.Fail(evidence.TLSHandshake, "tls", "no-certificate")
	}
	leaf := state.PeerCertificates[0]
	info.Certificate = CertificateFacts(leaf)
	d.judge(info, state.PeerCertificates)
	if !info.Trusted() && !d.Insecure {
		c.Close()
		var complaints []any
		for _, p := range info.Problems {
			complaints = append(complaints, p.Detail)
		}
		return nil, info, nil, evidence.Fail(evidence.TLSUntrusted, "tls", "untrusted", complaints...)
	}
	return c, info, leaf, nil
}

// proxyTLS verifies an https proxy: its certificate is never passed over, and
// may end in the system's roots or in --ca-file.
func (d *Dialer) proxyTLS() *tls.Config {
	name := d.Proxy.Hostname()
	return &tls.Config{
		ServerName: name, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		InsecureSkipVerify: true, // verified in VerifyConnection
		VerifyConnection: func(s tls.ConnectionState) error {
			if err := s.PeerCertificates[0].VerifyHostname(name); err != nil {
				return err
			}
			err := chainTo(s.PeerCertificates, d.Roots, time.Now())
			if err != nil && d.Extra != nil {
				err = chainTo(s.PeerCertificates, d.Extra, time.Now())
			}
			return err
		},
	}
}

// CertificateFacts describe a certificate.
func CertificateFacts(c *x509.Certificate) *evidence.Certificate {
	sum := sha256.Sum256(c.Raw)
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) > 100 {
		names = names[:100]
	}
	return &evidence.Certificate{
		SHA256: hex.EncodeToString(sum[:]), Subject: c.Subject.String(), Issuer: c.Issuer.String(),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), Names: names, Signature: c.SignatureAlgorithm.String(),
	}
}
