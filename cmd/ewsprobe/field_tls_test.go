package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fieldTLS is how a server speaks TLS.
type fieldTLS struct {
	Max               string   `yaml:"max"`                // 1.0 to 1.3
	ClientCertificate string   `yaml:"client_certificate"` // asked or required, in the handshake
	Renegotiates      bool     `yaml:"renegotiates"`       // wants a new handshake when a request came, as IIS does
	Alert             int      `yaml:"alert"`              // the answer to every hello is this alert
	Suites            []uint16 `yaml:"suites"`             // a hello with one of them is answered with it, any other with alert 40
	Says              string   `yaml:"says"`               // the answer to every hello is this text
	Hangs             bool     `yaml:"hangs_up"`           // the connection ends when a hello came
	HangsEvery        int      `yaml:"hangs_up_every"`     // so does every Nth
}

func (t fieldTLS) config(tb testing.TB, c fieldCertificate) *tls.Config {
	config := &tls.Config{Certificates: []tls.Certificate{c.made(tb)}, MinVersion: tls.VersionTLS10}
	config.MaxVersion = map[string]uint16{
		"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
	}[t.Max]
	switch t.ClientCertificate {
	case "asked":
		config.ClientAuth = tls.RequestClientCert
	case "required":
		config.ClientAuth = tls.RequireAnyClientCert
	}
	if t.Renegotiates {
		config.MaxVersion, config.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	}
	return config
}

// hello answers a hello without a handshake, if the server does that.
func (t fieldTLS) hello(c net.Conn, number int) bool {
	t.Hangs = t.Hangs || t.HangsEvery > 0 && number%t.HangsEvery == 0
	if t.Alert == 0 && len(t.Suites) == 0 && t.Says == "" && !t.Hangs {
		return false
	}
	header := make([]byte, 5)
	if _, err := io.ReadFull(c, header); err != nil {
		return true
	}
	hello := make([]byte, binary.BigEndian.Uint16(header[3:]))
	if _, err := io.ReadFull(c, hello); err != nil {
		return true
	}
	alert := byte(t.Alert)
	switch {
	case t.Hangs:
		return true
	case t.Says != "":
		_, _ = c.Write([]byte(strings.ReplaceAll(t.Says, "\n", "\r\n")))
		return true
	case len(t.Suites) > 0:
		alert = 40
		session := int(hello[38])
		suites := hello[39+session+2:][:binary.BigEndian.Uint16(hello[39+session:])]
		for i := 0; i+1 < len(suites); i += 2 {
			if suite := binary.BigEndian.Uint16(suites[i:]); slices.Contains(t.Suites, suite) {
				body := append([]byte{3, 3}, make([]byte, 32)...)
				body = append(body, 0, byte(suite>>8), byte(suite), 0)
				message := append([]byte{2, 0, 0, byte(len(body))}, body...)
				_, _ = c.Write(append([]byte{22, 3, 3, 0, byte(len(message))}, message...))
				_, _ = io.Copy(io.Discard, c)
				return true
			}
		}
	}
	_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, alert})
	_, _ = io.Copy(io.Discard, c)
	return true
}

// keyLog reads the master secret of a connection, so that a test can send what
// Go's server never does.
type keyLog struct{ bytes.Buffer }

// helloRequest asks the client for a new handshake. The server has written one
// record under these keys: its Finished.
func (k *keyLog) helloRequest(under *recording) error {
	fields := strings.Fields(k.String())
	if len(fields) < 3 || fields[0] != "CLIENT_RANDOM" {
		return errors.New("no key")
	}
	client, _ := hex.DecodeString(fields[1])
	master, _ := hex.DecodeString(fields[2])
	if len(under.server) != 32 {
		return errors.New("no random of the server")
	}
	seed := slices.Concat([]byte("key expansion"), under.server, client)
	block := prf(master, seed, 2*16+2*4)
	b, err := aes.NewCipher(block[16:32]) // server_write_key
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(b)
	if err != nil {
		return err
	}
	sequence := binary.BigEndian.AppendUint64(nil, 1)
	nonce := append(slices.Clone(block[36:40]), sequence...)
	plain := []byte{0, 0, 0, 0} // HelloRequest
	data := append(slices.Clone(sequence), 22, 3, 3, 0, byte(len(plain)))
	sealed := gcm.Seal(nil, nonce, plain, data)
	record := append([]byte{22, 3, 3, 0, byte(8 + len(sealed))}, sequence...)
	if _, err := under.Write(append(record, sealed...)); err != nil {
		return err
	}
	_, err = io.ReadFull(under, make([]byte, 5)) // an alert or a new hello: this is as far as it goes
	return err
}

// prf is the pseudo-random function of TLS 1.2 (RFC 5246 5) with SHA-256.
func prf(secret, seed []byte, length int) []byte {
	mac := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	var out []byte
	for a := mac(seed); len(out) < length; a = mac(a) {
		out = append(out, mac(a, seed)...)
	}
	return out[:length]
}

// recording keeps the random of the server's first hello.
type recording struct {
	net.Conn
	server []byte
}

func (r *recording) Write(p []byte) (int, error) {
	if r.server == nil && len(p) > 43 && p[0] == 22 && p[5] == 2 {
		r.server = slices.Clone(p[11:43])
	}
	return r.Conn.Write(p)
}

// fieldCertificate is what a server presents.
type fieldCertificate struct {
	Names    []string `yaml:"names"`     // alternative names; - is none at all
	CN       string   `yaml:"cn"`        // the common name
	Issuer   string   `yaml:"issuer"`    // what is written as the issuer's name
	By       string   `yaml:"by"`        // root (trusted), intermediate (of that root), unknown, itself
	Alone    bool     `yaml:"alone"`     // the intermediate is not sent
	Above    int      `yaml:"above"`     // days from now to the end of the intermediate
	Days     int      `yaml:"days"`      // from now to its end; negative is expired
	From     int      `yaml:"from"`      // days from now to its beginning
	Serial   string   `yaml:"serial"`    // negative
	RSA      int      `yaml:"rsa"`       // bits of an RSA key, instead of ECDSA
	Usage    string   `yaml:"usage"`     // client: not for servers
	Organise string   `yaml:"organised"` // the organisation of the issuer
	SHA1     bool     `yaml:"sha1"`      // signed with SHA-1
	Critical bool     `yaml:"critical"`  // has a critical extension that nobody knows
	Garbled  bool     `yaml:"garbled"`   // the first alternative name has a byte that is not ASCII
}

var authorities sync.Map

const constrained = "Contoso CA for contoso.local"

// authorityNamed is an authority that nobody trusts, or one below the trusted.
// Only an authority for contoso.local has a name constraint.
func authorityNamed(tb testing.TB, name, organisation string, below bool, days int) (*x509.Certificate, *ecdsa.PrivateKey) {
	type pair struct {
		cert *x509.Certificate
		key  *ecdsa.PrivateKey
	}
	make := func() pair {
		key, template := newKey(), certificate(name)
		if organisation != "" {
			template.Subject.Organization = []string{organisation}
		}
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		template.SubjectKeyId = []byte(name)
		if name == constrained {
			template.PermittedDNSDomains, template.PermittedDNSDomainsCritical = []string{"contoso.local"}, true
		}
		if days != 0 {
			template.NotAfter = time.Now().Add(time.Duration(days) * 24 * time.Hour)
			template.NotBefore = template.NotAfter.Add(-1000 * 24 * time.Hour)
		}
		parent, signer := template, key
		if below {
			parent, signer = theAuthority().cert, theAuthority().key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			tb.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			tb.Fatal(err)
		}
		return pair{cert, key}
	}
	once, _ := authorities.LoadOrStore(fmt.Sprint(name, days), sync.OnceValue(make))
	p := once.(func() pair)()
	return p.cert, p.key
}

func (c fieldCertificate) made(tb testing.TB) tls.Certificate {
	template := certificate(c.CN)
	switch {
	case len(c.Names) == 1 && c.Names[0] == "-":
	case len(c.Names) > 0:
		for _, name := range c.Names {
			if ip := net.ParseIP(name); ip != nil {
				template.IPAddresses = append(template.IPAddresses, ip)
			} else {
				template.DNSNames = append(template.DNSNames, name)
			}
		}
	default:
		template.DNSNames = []string{"mail.contoso.com"}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 2), net.IPv4(127, 0, 0, 3)}
	}
	if c.CN == "" {
		template.Subject = pkix.Name{CommonName: "mail.contoso.com"}
	}
	if c.Days != 0 {
		template.NotAfter = time.Now().Add(time.Duration(c.Days) * 24 * time.Hour)
	}
	if c.Days < 0 {
		template.NotBefore = template.NotAfter.Add(-365 * 24 * time.Hour)
	}
	if c.From != 0 {
		template.NotBefore = time.Now().Add(time.Duration(c.From) * 24 * time.Hour)
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if c.Usage == "client" {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	own := newKey()
	var private any = own
	var public any = &own.PublicKey
	if c.RSA > 0 {
		key, err := rsa.GenerateKey(rand.Reader, c.RSA)
		if err != nil {
			tb.Fatal(err)
		}
		private, public = key, &key.PublicKey
	}
	parent, signer := theAuthority().cert, theAuthority().key
	var chain [][]byte
	switch c.By {
	case "", "root":
	case "intermediate":
		parent, signer = authorityNamed(tb, "Contoso Issuing CA 2", "", true, c.Above)
		if !c.Alone {
			chain = [][]byte{parent.Raw}
		}
	case "unknown":
		parent, signer = authorityNamed(tb, c.Issuer, c.Organise, false, 0)
		if !c.Alone {
			chain = [][]byte{parent.Raw}
		}
	case "itself":
		parent, signer = template, own
	case "renewed":
		parent, signer = authorityNamed(tb, theAuthority().cert.Subject.CommonName, "", false, 0)
	case "recoded":
		other := *parent
		other.RawSubject = recoded(tb, parent.RawSubject)
		parent = &other
	case "constrained":
		parent, signer = authorityNamed(tb, constrained, "", true, 0)
		chain = [][]byte{parent.Raw}
	default:
		tb.Fatalf("a certificate cannot be issued by %q", c.By)
	}
	if c.Critical {
		template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}}}
	}
	if c.SHA1 {
		template.SignatureAlgorithm = x509.ECDSAWithSHA1
	}
	if c.Serial == "negative" {
		template.SerialNumber = new(big.Int).SetBytes([]byte{0x7f, 1, 2, 3, 4, 5, 6, 7})
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		tb.Fatal(err)
	}
	if c.Serial == "negative" {
		der = resigned(tb, der, []byte{0x7f, 1, 2, 3, 4, 5, 6, 7}, []byte{0xff, 1, 2, 3, 4, 5, 6, 7}, signer)
	}
	if c.Garbled {
		name := []byte(template.DNSNames[0])
		der = resigned(tb, der, append([]byte{0x82, byte(len(name))}, name...), append([]byte{0x82, byte(len(name)), 0xe4}, name[1:]...), signer)
	}
	return tls.Certificate{Certificate: append([][]byte{der}, chain...), PrivateKey: private}
}

// recoded is a name whose strings are written as UTF8String in place of
// PrintableString, which RFC 5280 7.1 wants to be compared as equal.
func recoded(tb testing.TB, name []byte) []byte {
	changed := bytes.ReplaceAll(name, []byte{0x55, 4, 3, asn1.TagPrintableString}, []byte{0x55, 4, 3, asn1.TagUTF8String})
	if bytes.Equal(changed, name) {
		tb.Fatalf("no PrintableString in %x", name)
	}
	return changed
}

// resigned is a certificate with some of its bytes replaced, and a signature that
// is right.
func resigned(tb testing.TB, der, from, to []byte, signer *ecdsa.PrivateKey) []byte {
	var outer struct {
		TBS       asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		tb.Fatal(err)
	}
	tbs := bytes.Replace(outer.TBS.FullBytes, from, to, 1)
	sum := sha256.Sum256(tbs)
	signature, err := ecdsa.SignASN1(rand.Reader, signer, sum[:])
	if err != nil {
		tb.Fatal(err)
	}
	outer.TBS = asn1.RawValue{FullBytes: tbs}
	outer.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	changed, err := asn1.Marshal(outer)
	if err != nil {
		tb.Fatal(err)
	}
	return changed
}
