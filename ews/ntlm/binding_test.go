package ntlm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"
)

// TestChannelBinding compares with values that were computed elsewhere.
func TestChannelBinding(t *testing.T) {
	ofHash := func(hash string) string {
		b, err := hex.DecodeString(hash)
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(ChannelBinding(append([]byte("tls-server-end-point:"), b...)))
	}
	ofEmpty := func(a x509.SignatureAlgorithm) string {
		endPoint, err := EndPoint(&x509.Certificate{SignatureAlgorithm: a})
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(ChannelBinding(endPoint))
	}
	cases := []struct{ name, got, want string }{
		{"a hash", ofHash("E3CA49271E5089CC48CE82109F1324F41DBEDDC29A777410C738F7868C4FF405"), "6ea19df066da4622051f9c4f92c6df74"},
		{"SHA-256 of nothing", ofEmpty(x509.SHA256WithRSA), "cf763932e9d2616ab952b63b584204e3"},
		{"SHA-384 of nothing", ofEmpty(x509.ECDSAWithSHA384), "9652853f8119219ea66ad645dd736225"},
		{"SHA-512 of nothing", ofEmpty(x509.SHA512WithRSAPSS), "f9090f98f49d1dd944b645a361e02fba"},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
	if foreign := hex.EncodeToString(ForeignBinding()); len(foreign) != 32 || foreign == "00000000000000000000000000000000" {
		t.Errorf("the foreign binding is %s", foreign)
	}
}

// TestEndPoint has one way to sign a certificate per line and the hash that
// RFC 5929 4.1 asks for, 0 for none.
func TestEndPoint(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(a x509.SignatureAlgorithm, key crypto.Signer) *x509.Certificate {
		t.Helper()
		template := &x509.Certificate{SerialNumber: big.NewInt(1), SignatureAlgorithm: a}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatalf("%v: %v", a, err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatalf("%v: %v", a, err)
		}
		return cert
	}
	// What Go no longer signs.
	old := func(a x509.SignatureAlgorithm) *x509.Certificate {
		return &x509.Certificate{SignatureAlgorithm: a, Raw: []byte("DER")}
	}
	cases := []struct {
		cert *x509.Certificate
		want crypto.Hash
	}{
		{old(x509.MD5WithRSA), crypto.SHA256},
		{old(x509.SHA1WithRSA), crypto.SHA256},
		{old(x509.ECDSAWithSHA1), crypto.SHA256},
		{signed(x509.SHA256WithRSA, rsaKey), crypto.SHA256},
		{signed(x509.SHA384WithRSA, rsaKey), crypto.SHA384},
		{signed(x509.SHA512WithRSA, rsaKey), crypto.SHA512},
		{signed(x509.SHA256WithRSAPSS, rsaKey), crypto.SHA256},
		{signed(x509.SHA384WithRSAPSS, rsaKey), crypto.SHA384},
		{signed(x509.SHA512WithRSAPSS, rsaKey), crypto.SHA512},
		{signed(x509.ECDSAWithSHA256, ecKey), crypto.SHA256},
		{signed(x509.ECDSAWithSHA384, ecKey), crypto.SHA384},
		{signed(x509.ECDSAWithSHA512, ecKey), crypto.SHA512},
		{signed(x509.PureEd25519, edKey), 0},
		{old(x509.MD2WithRSA), 0},
		{old(x509.UnknownSignatureAlgorithm), 0},
	}
	for _, c := range cases {
		got, err := EndPoint(c.cert)
		if c.want == 0 {
			if !errors.Is(err, ErrNoBindingHash) {
				t.Errorf("%v: %x, %v; want %v", c.cert.SignatureAlgorithm, got, err, ErrNoBindingHash)
			}
			continue
		}
		digest := c.want.New()
		digest.Write(c.cert.Raw)
		if want := "tls-server-end-point:" + string(digest.Sum(nil)); err != nil || string(got) != want {
			t.Errorf("%v: %q, %v; want %q", c.cert.SignatureAlgorithm, got, err, want)
		}
	}
}
