//go:build !linux

package wire

import "crypto/x509"

// LoadRoots reads this machine's root certificates, where they are files, which
// takes longer than a handshake. To be called beside whatever takes a round trip
// anyway.
func LoadRoots() {
	_, _ = x509.SystemCertPool() // the pool is kept by crypto/x509; without one, verification says so
}

// systemRoots leaves it to crypto/x509.
func systemRoots([]*x509.Certificate) *x509.CertPool { return nil }

// namesakes: crypto/x509 does not say which roots the system has.
func namesakes([]*x509.Certificate) *x509.CertPool { return nil }
