package config

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"strings"
)

// AddCertificates reads the certificates of a file into a pool: PEM, DER as the Windows
// certificate export offers first, or PKCS #7 as Windows and its certification
// authorities give a chain. The error is the rest of a sentence.
func AddCertificates(ctx context.Context, pool *x509.CertPool, name string) error {
	raw, err := Read(ctx, name, maxCertificates)
	switch {
	case err != nil:
		return fmt.Errorf("%s %w", name, err)
	case len(raw) == 0:
		return fmt.Errorf("%s is empty", name)
	}
	var list []*x509.Certificate
	if !bytes.HasPrefix(raw, []byte{0x30}) { // else DER
		if text, err := Decode(raw); err == nil {
			raw = []byte(text) // without a byte order mark
		}
		for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
			// OpenSSL writes CERTIFICATE, X509 CERTIFICATE or TRUSTED CERTIFICATE.
			if !strings.HasSuffix(block.Type, "CERTIFICATE") && block.Type != "PKCS7" && block.Type != "CMS" {
				continue
			}
			found := certificates(block.Bytes)
			if len(found) == 0 {
				return fmt.Errorf("%s contains a certificate that cannot be read; export it again as X.509", name)
			}
			list = append(list, found...)
		}
	} else {
		list = certificates(raw)
	}
	if len(list) == 0 {
		return fmt.Errorf("%s contains no certificate; export it as X.509, Base-64 encoded (PEM) or DER", name)
	}
	for _, cert := range list {
		pool.AddCert(cert)
	}
	return nil
}

// certificates reads one certificate, behind which OpenSSL writes what it is trusted for
// (TRUSTED CERTIFICATE), or those of a PKCS #7 bundle.
func certificates(der []byte) []*x509.Certificate {
	var first asn1.RawValue
	if _, err := asn1.Unmarshal(der, &first); err != nil {
		return nil
	}
	if cert, err := x509.ParseCertificate(first.FullBytes); err == nil {
		return []*x509.Certificate{cert}
	}
	var bundle struct { // RFC 2315 7, 9.1
		Type    asn1.ObjectIdentifier
		Content struct {
			Version      int
			Digests      asn1.RawValue
			Content      asn1.RawValue
			Certificates asn1.RawValue `asn1:"optional,tag:0"`
			Lists        asn1.RawValue `asn1:"optional,tag:1"`
			Signers      asn1.RawValue
		} `asn1:"explicit,tag:0"`
	}
	if _, err := asn1.Unmarshal(first.FullBytes, &bundle); err != nil {
		return nil
	}
	list, _ := x509.ParseCertificates(bundle.Content.Certificates.Bytes)
	return list
}
