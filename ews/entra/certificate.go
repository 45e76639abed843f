package entra

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Certificate is what an application proves itself with: its certificate, and the
// private key to it, which never leaves this package.
type Certificate struct {
	leaf *x509.Certificate
	key  func() *rsa.PrivateKey // a function: no format verb prints what it returns
}

// Why a certificate cannot be used. The texts go on after the name of the file.
var (
	ErrPassword    = errors.New("is PKCS#12 and its password is wrong or missing")
	ErrNoKey       = errors.New("contains no private key; export the certificate with its key")
	ErrEncrypted   = errors.New("contains an encrypted private key; decrypt it with `openssl pkey -in FILE -out key.pem`, or use PKCS#12")
	ErrNoCert      = errors.New("contains a private key but no certificate; put both in one file")
	ErrOtherKey    = errors.New("contains a private key that does not belong to the certificate")
	ErrNotRSA      = errors.New("contains a key that is not RSA; Entra accepts only RSA keys for applications")
	ErrUnreadable  = errors.New("is neither PEM nor PKCS#12 with a certificate and its private key")
	errNoAssertion = errors.New("the assertion could not be signed")
)

// ReadCertificate reads PEM, or PKCS#12 in DER or, as a Key Vault gives a secret,
// in base64. The key must belong to the certificate.
func ReadCertificate(raw []byte, password string) (*Certificate, error) {
	var certificates []*x509.Certificate
	var key any
	var err error
	if bytes.Contains(raw, []byte("-----BEGIN ")) {
		certificates, key, err = readPEM(raw)
	} else {
		certificates, key, err = readPKCS12(raw, password)
	}
	if err != nil {
		return nil, err
	}
	if _, other := key.(*ecdsa.PrivateKey); other {
		return nil, ErrNotRSA
	}
	private, ok := key.(*rsa.PrivateKey)
	switch {
	case key == nil:
		return nil, ErrNoKey
	case !ok:
		return nil, ErrNotRSA
	case len(certificates) == 0:
		return nil, ErrNoCert
	}
	for _, c := range certificates { // a chain may be in any order
		if private.PublicKey.Equal(c.PublicKey) {
			return &Certificate{c, func() *rsa.PrivateKey { return private }}, nil
		}
	}
	return nil, ErrOtherKey
}

func readPEM(raw []byte) (certificates []*x509.Certificate, key any, err error) {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		parsed := error(nil)
		switch {
		case block.Type == "CERTIFICATE":
			var c *x509.Certificate
			if c, parsed = x509.ParseCertificate(block.Bytes); parsed == nil {
				certificates = append(certificates, c)
			}
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return nil, nil, ErrEncrypted
		case block.Type == "PRIVATE KEY":
			key, parsed = x509.ParsePKCS8PrivateKey(block.Bytes)
		case block.Type == "RSA PRIVATE KEY":
			key, parsed = x509.ParsePKCS1PrivateKey(block.Bytes)
		case block.Type == "EC PRIVATE KEY":
			key, parsed = x509.ParseECPrivateKey(block.Bytes)
		}
		if parsed != nil { // its words may hold pieces of the file
			return nil, nil, ErrUnreadable
		}
	}
	return certificates, key, nil
}

func readPKCS12(raw []byte, password string) ([]*x509.Certificate, any, error) {
	if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(raw)), "")); err == nil {
		raw = decoded
	}
	key, leaf, others, err := pkcs12.DecodeChain(raw, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, nil, ErrPassword
	case err != nil:
		return nil, nil, ErrUnreadable
	}
	return append([]*x509.Certificate{leaf}, others...), key, nil
}

// Ends is when the certificate does.
func (c *Certificate) Ends() time.Time { return c.leaf.NotAfter }

// Facts describe the certificate.
func (c *Certificate) Facts() *evidence.Certificate { return wire.CertificateFacts(c.leaf) }

// Assertion lives so long; Entra wants five to ten minutes.
const assertionLife = 10 * time.Minute

// assertion says to the audience, a token endpoint, who the application is
// (https://learn.microsoft.com/entra/identity-platform/certificate-credentials).
func (c *Certificate) assertion(application, audience string, now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodPS256, jwt.MapClaims{
		"aud": audience, "iss": application, "sub": application, "jti": uuid.NewString(),
		"nbf": now.Unix(), "iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	sum := sha256.Sum256(c.leaf.Raw)
	t.Header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(sum[:])
	signed, err := t.SignedString(c.key())
	if err != nil {
		return "", errNoAssertion
	}
	return signed, nil
}
