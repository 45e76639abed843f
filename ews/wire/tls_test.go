package wire

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

const day = 24 * time.Hour

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key}
	a.cert = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-800 * day), NotAfter: time.Now().Add(800 * day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, key.Public())
	return a
}

func (a *authority) sign(t *testing.T, template *x509.Certificate, public any) *x509.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	parent := a.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue makes a certificate in good order, then changed.
func (a *authority) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-day), NotAfter: time.Now().Add(90 * day),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	leaf := a.sign(t, template, key.Public())
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// renamed is an authority with the same key and another name.
func (a *authority) renamed(t *testing.T, name ...pkix.RelativeDistinguishedNameSET) *authority {
	t.Helper()
	template := *a.cert
	var err error
	if template.RawSubject, err = asn1.Marshal(pkix.RDNSequence(name)); err != nil {
		t.Fatal(err)
	}
	b := &authority{key: a.key}
	b.cert = b.sign(t, &template, a.key.Public())
	return b
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// heard is what servers were told inside TLS.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

const refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"

// serveTLS answers each request over TLS with a 401 and keeps what it heard.
func serveTLS(t *testing.T, config *tls.Config) (addr string, h *heard, done func()) {
	t.Helper()
	h = &heard{}
	var all sync.WaitGroup
	all.Add(1)
	addr = testkit.Listen(t, func(c net.Conn) {
		defer all.Done()
		s := tls.Server(c, config)
		r := bufio.NewReader(io.TeeReader(s, h))
		for request(r) == nil {
			io.WriteString(s, refusal)
		}
	})
	return addr, h, all.Wait
}

// TestCertificates has one certificate per line and every complaint about it.
func TestCertificates(t *testing.T) {
	ca, other := newAuthority(t, "Contoso CA"), newAuthority(t, "Other CA")
	expired := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-90*day), time.Now().Add(-30*day)
	}
	early := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(30*day), time.Now().Add(90*day)
	}
	foreign := func(c *x509.Certificate) { c.DNSNames = []string{"owa.fabrikam.example", "*.fabrikam.example"} }
	nameless := func(c *x509.Certificate) { c.DNSNames = nil }
	client := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	wildcard := func(c *x509.Certificate) { c.DNSNames = []string{"*.contoso.com"} }
	both := func(changes ...func(*x509.Certificate)) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			for _, change := range changes {
				change(c)
			}
		}
	}
	address := func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }
	self := newAuthority(t, host)
	selfSigned := tls.Certificate{Certificate: [][]byte{self.cert.Raw}, PrivateKey: self.key}

	cases := []struct {
		name  string
		cert  tls.Certificate
		host  string
		codes string
		text  string // is in the failure's
	}{
		{"in order", ca.issue(t, nil), host, "", ""},
		{"other case and dot", ca.issue(t, nil), "MAIL.contoso.com.", "", ""},
		{"wildcard", ca.issue(t, wildcard), host, "", ""},
		{"an address", ca.issue(t, address), "127.0.0.1", "", ""},
		{"expired", ca.issue(t, expired), host, "expired", "the certificate expired on "},
		{"not yet valid", ca.issue(t, early), host, "not-yet-valid", "valid only from"},
		{"wrong name", ca.issue(t, foreign), host, "wrong-name", "is for owa.fabrikam.example, *.fabrikam.example, not for mail.contoso.com"},
		{"wildcard two deep", ca.issue(t, wildcard), "mail.eu.contoso.com", "wrong-name", "is for *.contoso.com, not for mail.eu.contoso.com"},
		{"no name", ca.issue(t, nameless), host, "wrong-name", "no subject alternative names, only the common name"},
		{"a name for an address", ca.issue(t, nil), "127.0.0.1", "wrong-name", "not for 127.0.0.1"},
		{"unknown issuer", other.issue(t, nil), host, "unknown-issuer", "issued by CN=Other CA, and the server sent no other"},
		{"self-signed", selfSigned, host, "wrong-name unknown-issuer", ""},
		{"not for servers", ca.issue(t, client), host, "unusable", "not for server authentication"},
		{"expired and wrong name", ca.issue(t, both(expired, foreign)), host, "expired wrong-name", "; the certificate is for "},
		{"everything", other.issue(t, both(expired, foreign)), host, "expired wrong-name unknown-issuer", "; the certificate was issued by"},
	}
	for _, c := range cases {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(c.name+" "+tls.VersionName(version), func(t *testing.T) {
				config := &tls.Config{Certificates: []tls.Certificate{c.cert}, MinVersion: version, MaxVersion: version}
				addr, heard, wait := serveTLS(t, config)
				o, fail := (&Dialer{Host: c.host, TLS: true, Roots: ca.pool()}).Open(bounded(t), addr)
				var codes []string
				for _, p := range o.TLS.Problems {
					codes = append(codes, p.Code)
				}
				if got := strings.Join(codes, " "); got != c.codes {
					t.Errorf("complaints %q, want %q: %+v", got, c.codes, o.TLS.Problems)
				}
				sum := sha256.Sum256(c.cert.Certificate[0])
				if o.TLS.Version != tls.VersionName(version) || o.TLS.CipherSuite == "" || o.TLS.ServerName != c.host || o.TLS.Certificate.SHA256 != hex.EncodeToString(sum[:]) {
					t.Errorf("%+v", o.TLS)
				}
				if c.codes == "" {
					if fail != nil {
						t.Fatal(fail)
					}
					if o.Conn.Leaf == nil || o.Conn.TLS != o.TLS || o.Timing.TLS == nil || o.Timing.Connect == nil {
						t.Errorf("%+v", o)
					}
					if a, fail := o.Conn.Post(bounded(t), ask()); fail != nil || a.Response.Status != 401 || a.Timing.TLS == nil {
						t.Errorf("%s", summary(a, fail))
					}
					o.Conn.Close()
					return
				}
				if fail == nil || fail.Code != evidence.TLSUntrusted || fail.Phase != "tls" || !strings.Contains(fail.Text, c.text) || o.Conn != nil {
					t.Fatalf("%v, want %s with %q", fail, evidence.TLSUntrusted, c.text)
				}
				wait()
				if said := heard.String(); said != "" {
					t.Errorf("beyond the handshake was sent: %q", said)
				}

				addr, heard, wait = serveTLS(t, config)
				o, fail = (&Dialer{Host: c.host, TLS: true, Roots: ca.pool(), Insecure: true}).Open(bounded(t), addr)
				if fail != nil || o.TLS.Trusted() || len(o.TLS.Problems) != len(codes) {
					t.Fatalf("insecure: %v, %+v", fail, o.TLS)
				}
				if a, fail := o.Conn.Post(bounded(t), ask()); fail != nil || a.Response.Status != 401 {
					t.Errorf("insecure: %s", summary(a, fail))
				}
				o.Conn.Close()
				wait()
				if heard.String() == "" {
					t.Error("insecure: nothing was sent")
				}
			})
		}
	}
}

// TestNamesake: a root that is known has the name of the issuer, and is not found by it.
func TestNamesake(t *testing.T) {
	ca := newAuthority(t, "Contoso CA")
	part := func(tag int, last int, text string) pkix.RelativeDistinguishedNameSET {
		return pkix.RelativeDistinguishedNameSET{{
			Type: asn1.ObjectIdentifier{2, 5, 4, last}, Value: asn1.RawValue{Tag: tag, Bytes: []byte(text)},
		}}
	}
	mail := pkix.RelativeDistinguishedNameSET{{
		Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("pki@contoso.com")},
	}}
	long := func(tag int) *authority { // as OpenSSL asks for it
		return ca.renamed(t, part(asn1.TagPrintableString, 6, "DE"), part(tag, 10, "Contoso"), part(tag, 3, "Contoso CA"), mail)
	}
	for _, c := range []struct {
		name         string
		trusted, by  *authority
		code, detail string
	}{
		{"another key", ca, newAuthority(t, "Contoso CA"), "unknown-issuer", "issuer-other-key"},
		{"another string type", ca, ca.renamed(t, part(asn1.TagUTF8String, 3, "Contoso CA")), "issuer-encoding", "issuer-encoding"},
		{"a long name in another", long(asn1.TagPrintableString), long(asn1.TagUTF8String), "issuer-encoding", "issuer-encoding"},
		{"another order", long(asn1.TagUTF8String), ca.renamed(t, part(asn1.TagUTF8String, 3, "Contoso CA"), part(asn1.TagUTF8String, 6, "DE")), "unknown-issuer", "certificate-alone"},
		{"another name", ca, newAuthority(t, "Other CA"), "unknown-issuer", "certificate-alone"},
	} {
		info := &evidence.TLS{Certificate: &evidence.Certificate{}}
		(&Dialer{Host: host, Roots: c.trusted.pool()}).judge(info, []*x509.Certificate{c.by.issue(t, nil).Leaf})
		if len(info.Problems) != 1 || info.Problems[0].Code != c.code || !info.Problems[0].Detail.Is(evidence.DetailCode(c.detail)) {
			t.Errorf("%s: %+v", c.name, info.Problems)
		}
	}
}

// TestTrust: what the roots, --ca-file and the public roots say.
func TestTrust(t *testing.T) {
	ca, other := newAuthority(t, "Contoso CA"), newAuthority(t, "Other CA")
	cert := ca.issue(t, nil)
	addr, _, _ := serveTLSMany(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	yes, no := true, false
	cases := []struct {
		name      string
		dialer    *Dialer
		problems  int
		extraOnly bool
		public    *bool
	}{
		{"root", &Dialer{Roots: ca.pool()}, 0, false, nil},
		{"extra", &Dialer{Roots: other.pool(), Extra: ca.pool()}, 0, true, nil},
		{"both", &Dialer{Roots: ca.pool(), Extra: ca.pool()}, 0, false, nil},
		{"neither", &Dialer{Roots: other.pool(), Extra: other.pool()}, 1, false, nil},
		{"system", &Dialer{}, 1, false, nil},
		{"public", &Dialer{Roots: ca.pool(), Public: ca.pool()}, 0, false, &yes},
		{"private", &Dialer{Roots: ca.pool(), Public: other.pool()}, 0, false, &no},
	}
	for _, c := range cases {
		c.dialer.Host, c.dialer.TLS, c.dialer.Insecure = host, true, true
		o, fail := c.dialer.Open(bounded(t), addr)
		if fail != nil {
			t.Errorf("%s: %v", c.name, fail)
			continue
		}
		o.Conn.Close()
		if len(o.TLS.Problems) != c.problems || o.TLS.SelfRootsOnly != c.extraOnly || (o.TLS.PublicRoot == nil) != (c.public == nil) || c.public != nil && *c.public != *o.TLS.PublicRoot {
			t.Errorf("%s: %+v", c.name, o.TLS)
		}
	}
	expired := ca.issue(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(-90*day), time.Now().Add(-day) }).Leaf
	info := &evidence.TLS{Certificate: CertificateFacts(expired)}
	(&Dialer{Host: host, Roots: ca.pool(), Public: ca.pool()}).judge(info, []*x509.Certificate{expired})
	if len(info.Problems) != 1 || info.Problems[0].Code != "expired" || !*info.PublicRoot {
		t.Errorf("%+v", info)
	}
}

// serveTLSMany is serveTLS for more than one connection.
func serveTLSMany(t *testing.T, config *tls.Config) (addr string, h *heard, certificate *x509.Certificate) {
	t.Helper()
	h = &heard{}
	addr = testkit.Listen(t, func(c net.Conn) {
		s := tls.Server(c, config)
		for r := bufio.NewReader(io.TeeReader(s, h)); request(r) == nil; {
			io.WriteString(s, refusal)
		}
	})
	return addr, h, config.Certificates[0].Leaf
}

// TestDescription: the leaf as it is recorded.
func TestDescription(t *testing.T) {
	ca := newAuthority(t, "Contoso CA")
	var many []string
	for i := range 200 {
		many = append(many, strings.Repeat("x", i%20+1)+".contoso.com")
	}
	got := CertificateFacts(ca.issue(t, func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = many, []net.IP{net.IPv4(10, 0, 0, 1)}
	}).Leaf)
	if len(got.Names) != 100 || got.Subject != "CN="+host || got.Issuer != "CN=Contoso CA" || got.Signature != "ECDSA-SHA256" || got.NotAfter.Location() != time.UTC {
		t.Errorf("%+v", got)
	}
	got = CertificateFacts(ca.issue(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1), net.IPv6loopback} }).Leaf)
	if !slices.Equal(got.Names, []string{host, "10.0.0.1", "::1"}) {
		t.Errorf("%q", got.Names)
	}
}

// TestClientCertificate: a server that demands one refuses in TLS 1.2 inside
// the handshake, in TLS 1.3 after it.
func TestClientCertificate(t *testing.T) {
	ca := newAuthority(t, "Contoso CA")
	cert := ca.issue(t, nil)
	cases := []struct {
		name    string
		version uint16
		demand  tls.ClientAuthType
		want    evidence.FailureCode
	}{
		{"TLS 1.2, demanded", tls.VersionTLS12, tls.RequireAnyClientCert, evidence.TLSClientCert},
		{"TLS 1.3, demanded", tls.VersionTLS13, tls.RequireAnyClientCert, evidence.TLSClientCert},
		{"TLS 1.2, asked for", tls.VersionTLS12, tls.RequestClientCert, ""},
		{"TLS 1.3, asked for", tls.VersionTLS13, tls.RequestClientCert, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			addr, _, _ := serveTLSMany(t, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: c.demand, MinVersion: c.version, MaxVersion: c.version})
			o, fail := (&Dialer{Host: host, TLS: true, Roots: ca.pool()}).Open(bounded(t), addr)
			if !o.TLS.ClientCertAsk {
				t.Error("that a certificate was asked for is not recorded")
			}
			if fail == nil {
				_, fail = o.Conn.Post(bounded(t), ask())
				o.Conn.Close()
			}
			if c.want == "" && fail != nil || c.want != "" && (fail == nil || fail.Code != c.want) {
				t.Errorf("%v, want %q", fail, c.want)
			}
		})
	}
}

// TestBrokenHandshakes has what a server says to a ClientHello.
func TestBrokenHandshakes(t *testing.T) {
	ca := newAuthority(t, "Contoso CA")
	cert := ca.issue(t, nil)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaLeaf := ca.sign(t, &x509.Certificate{DNSNames: []string{host}, NotBefore: time.Now().Add(-day), NotAfter: time.Now().Add(day)}, rsaKey.Public())
	rsaCert := tls.Certificate{Certificate: [][]byte{rsaLeaf.Raw}, PrivateKey: rsaKey}
	says := func(answer string) func(net.Conn) {
		return func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, answer)
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
		}
	}
	alert := func(n byte) func(net.Conn) { return says("\x15\x03\x03\x00\x02\x02" + string([]byte{n})) }
	with := func(config *tls.Config) func(net.Conn) {
		return func(c net.Conn) { tls.Server(c, config).Handshake() }
	}
	cases := []struct {
		name   string
		server func(net.Conn)
		want   evidence.FailureCode
		text   string
	}{
		{"handshake failure", alert(40), evidence.TLSHandshake, "handshake failure"},
		{"protocol version", alert(70), evidence.TLSHandshake, "protocol version"},
		{"internal error", alert(80), evidence.TLSHandshake, "internal error"},
		{"unknown name", alert(112), evidence.TLSHandshake, "unrecognized name"},
		{"alert that does not exist", alert(200), evidence.TLSHandshake, "200"},
		{"old version", with(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), evidence.TLSHandshake, "version"},
		{"no suite", with(&tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}), evidence.TLSHandshake, "handshake failure"},
		{"static RSA only", with(&tls.Config{Certificates: []tls.Certificate{rsaCert}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}), evidence.TLSHandshake, "handshake failure"},
		{"HTTP", says("HTTP/1.1 400 Bad Request\r\n\r\n"), evidence.TLSNotSpoken, "answered in HTTP without TLS"},
		{"SSH", says("SSH-2.0-OpenSSH_9.6\r\n"), evidence.TLSNotSpoken, `uses SSH: its answer begins with "SSH-2"`},
		{"a text with an escape", says("220\x1b[2J mail\r\n"), evidence.TLSNotSpoken, "no TLS record"},
		{"closed", func(c net.Conn) { c.Read(make([]byte, 4096)) }, evidence.ConnectionClosed, ""},
		{"closed inside a record", says("\x16\x03\x03"), evidence.ConnectionClosed, ""},
		{"reset", func(c net.Conn) { c.Read(make([]byte, 1)); reset(c) }, evidence.ConnectionReset, "reset by peer"},
		{"record too long", says("\x16\x03\x03\xff\xff"), "", ""},
		{"handshake without sense", says("\x16\x03\x03\x00\x04\x02\x00\x00\x00"), evidence.TLSHandshake, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o, fail := (&Dialer{Host: host, TLS: true, Roots: ca.pool()}).Open(bounded(t), testkit.Listen(t, c.server))
			if o.Conn != nil || fail == nil || fail.Phase != "tls" || c.want != "" && fail.Code != c.want || !strings.Contains(fail.Text, c.text) {
				t.Errorf("%v, want %s with %q", fail, c.want, c.text)
			}
			if o.TLS == nil || o.TLS.ServerName != host || o.TLS.Certificate != nil {
				t.Errorf("%+v", o.TLS)
			}
		})
	}
}

// TestSuites: of the suites that Dataverse accepts, those that Go has.
func TestSuites(t *testing.T) {
	ca := newAuthority(t, "Contoso CA")
	cert := ca.issue(t, nil)
	for _, suite := range []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
	} {
		addr, _, _ := serveTLSMany(t, &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}})
		o, fail := (&Dialer{Host: host, TLS: true, Roots: ca.pool()}).Open(bounded(t), addr)
		if fail != nil || o.TLS.CipherSuite != tls.CipherSuiteName(suite) {
			t.Errorf("%s: %v, %+v", tls.CipherSuiteName(suite), fail, o.TLS)
			continue
		}
		o.Conn.Close()
	}
	// HTTP/2 is not offered: NTLM cannot live on it.
	offered := make(chan []string, 1)
	addr, _, _ := serveTLSMany(t, &tls.Config{Certificates: []tls.Certificate{cert}, GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		offered <- h.SupportedProtos
		return nil, nil
	}})
	if o, fail := (&Dialer{Host: host, TLS: true, Roots: ca.pool()}).Open(bounded(t), addr); fail == nil {
		o.Conn.Close()
	}
	if got := <-offered; !slices.Equal(got, []string{"http/1.1"}) {
		t.Errorf("offered %q", got)
	}
}
