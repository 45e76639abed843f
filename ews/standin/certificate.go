package standin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

const day = 24 * time.Hour

// Authority is a certification authority that lives as long as the server. Its
// key never leaves memory, so trusting it does no lasting harm.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes one.
func NewAuthority(now time.Time) (a *Authority, err error) {
	a = &Authority{certificate: &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Contoso"}, CommonName: "Contoso throw-away CA"},
		NotBefore:             now.Add(-800 * day),
		NotAfter:              now.Add(800 * day),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}}
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err == nil {
		a.certificate, err = a.sign(a.certificate, a.key)
	}
	return a, err
}

// sign makes a certificate for key.
func (a *Authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	template.SerialNumber = serialNumber()
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("making the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// pem gives the authority's certificate in the form that trust stores take.
func (a *Authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// Pool trusts the authority.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Issue makes a server certificate of a template, which has its names and times.
func (a *Authority) Issue(template *x509.Certificate) (tls.Certificate, error) {
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the server's key: %w", err)
	}
	leaf, err := a.sign(template, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// issue makes the server's certificate with the given fault; more names may be in it.
func (a *Authority) issue(fault CertificateFault, now time.Time, more ...string) (tls.Certificate, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{Organization: []string{"Contoso"}, CommonName: Host},
		DNSNames:    append([]string{Host, "localhost", elsewhereHost}, more...),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   now.Add(-day),
		NotAfter:    now.Add(365 * day),
	}
	switch fault {
	case CertificateGood:
	case CertificateExpired:
		template.NotBefore, template.NotAfter = now.Add(-395*day), now.Add(-30*day)
	case CertificateExpiring:
		template.NotBefore, template.NotAfter = now.Add(-355*day), now.Add(10*day)
	case CertificateWrongName:
		template.Subject.CommonName = "owa.fabrikam.example"
		template.DNSNames, template.IPAddresses = []string{"owa.fabrikam.example"}, nil
	default:
		return tls.Certificate{}, fmt.Errorf("unknown certificate fault %q", fault)
	}
	return a.Issue(template)
}

// serialNumber is a positive random number of at most 20 octets (RFC 5280 4.1.2.2).
func serialNumber() *big.Int {
	octets := make([]byte, 16)
	_, _ = rand.Read(octets) // never fails, it ends the program instead
	return new(big.Int).SetBytes(octets)
}

// tlsConfig is the TLS side of the given transport, nil where there is none.
func tlsConfig(t Transport, certificate tls.Certificate) (*tls.Config, error) {
	config := &tls.Config{
		Certificates: []tls.Certificate{certificate},
		MinVersion:   tls.VersionTLS12,
		// HTTP/1.1 alone: NTLM signs a connection in, and HTTP/2 shares
		// connections between requests that have nothing to do with each other.
		NextProtos: []string{"http/1.1", "http/1.0"},
	}
	switch t {
	case TransportTLS:
	case TransportPlain:
		return nil, nil
	case TransportNoSuite:
		// The key is ECDSA and the only suites wanted are for RSA keys, so no
		// client can please this server (RFC 5246 7.4.1.3).
		config.MaxVersion = tls.VersionTLS12
		config.CipherSuites = []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
	case TransportOutdated:
		config.MaxVersion = tls.VersionTLS12
		config.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}
	case TransportOldVersion:
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	case TransportClientCertificate:
		config.ClientAuth = tls.RequireAnyClientCert
	default:
		return nil, fmt.Errorf("unknown transport %q", t)
	}
	return config, nil
}
