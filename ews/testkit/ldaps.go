package testkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// Authority is a certification authority that lives as long as a test.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes one.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{key: newKey(t)}
	now := time.Now()
	a.certificate, _ = a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Contoso test CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, a.key)
	return a
}

// Pool trusts the authority.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Issue makes a certificate for a name or an IP address that ends in left, which
// may be less than nothing.
func (a *Authority) Issue(t testing.TB, name string, left time.Duration) tls.Certificate {
	t.Helper()
	until := time.Now().Add(left)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	key := newKey(t)
	leaf, der := a.sign(t, template, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *Authority) sign(t testing.TB, template *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, []byte) {
	t.Helper()
	parent := a.certificate
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	good(t, err)
	c, err := x509.ParseCertificate(der)
	good(t, err)
	return c, der
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	good(t, err)
	return key
}

// Request is a simple bind (RFC 4511 4.2).
type Request struct {
	ID             int64
	Name, Password string
}

// Directory listens for LDAP inside TLS.
type Directory struct {
	Address string

	mu    sync.Mutex
	binds []Request
}

// StartLDAPS is a directory that does whatever answer does after a bind.
func StartLDAPS(t testing.TB, certificate tls.Certificate, answer func(c net.Conn, q Request)) *Directory {
	t.Helper()
	d := &Directory{}
	d.Address = ListenTLS(t, certificate, func(c net.Conn) {
		q, err := readBind(c)
		if err != nil {
			return // the client did not like the certificate
		}
		d.mu.Lock()
		d.binds = append(d.binds, q)
		d.mu.Unlock()
		answer(c, q)
	})
	return d
}

// Binds are the binds so far.
func (d *Directory) Binds() []Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.binds)
}

func readBind(c net.Conn) (Request, error) {
	p, err := ber.ReadPacket(c)
	if err != nil {
		return Request{}, err
	}
	if len(p.Children) < 2 || len(p.Children[1].Children) != 3 {
		return Request{}, fmt.Errorf("no bind: %d parts", len(p.Children))
	}
	bind := p.Children[1].Children
	id, _ := p.Children[0].Value.(int64)
	name, _ := bind[1].Value.(string)
	return Request{ID: id, Name: name, Password: bind[2].Data.String()}, nil
}

// Says answers a bind with a result code and a diagnostic message (RFC 4511
// 4.2.2), and waits.
func Says(code int64, message string) func(net.Conn, Request) {
	return func(c net.Conn, q Request) {
		_, _ = c.Write(Answer(q.ID, code, message))
		Wait(c)
	}
}

// Answer is a BindResponse.
func Answer(id, code int64, text string) []byte { return message(id, result(1, code, text)) }

func message(id int64, operation *ber.Packet) []byte {
	p := ber.NewSequence("LDAPMessage")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	p.AppendChild(operation)
	return p.Bytes()
}

// result is an LDAPResult (RFC 4511 4.1.9) under the tag of its operation.
func result(tag ber.Tag, code int64, text string) *ber.Packet {
	r := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "LDAPResult")
	r.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	r.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
	r.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, ""))
	return r
}

// Refusal is the message in which Active Directory hides its reason.
func Refusal(data string) string {
	return "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data " + data + ", v4563\x00"
}

// Entry is an entry of the directory: attributes and their values.
type Entry map[string][]string

// Names of the forest that Forest stands for.
const (
	Configuration = "CN=Configuration,DC=contoso,DC=com"
	Site          = "Berlin"
)

// The keywords of a service connection point of Autodiscover.
const (
	KeywordURL     = "77378F46-2C66-4aa9-A6A6-3E7A48B19596"
	KeywordPointer = "67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68"
)

// Point is a service connection point of Autodiscover with a URL and further
// keywords.
func Point(url string, keywords ...string) Entry {
	return Entry{"serviceBindingInformation": {url}, "keywords": append([]string{KeywordURL}, keywords...)}
}

// Forest takes every bind and answers searches: the root with the configuration
// naming context and the controller's own site, everything else with the entries.
// It keeps what it was asked.
type Forest struct {
	Root    Entry // nil is the usual one
	Entries []Entry
	Code    int64 // of the last search

	mu    sync.Mutex
	asked []string
}

// Asked are the searches so far, base and attributes of each.
func (f *Forest) Asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.asked...)
}

// Answer is an answer for StartLDAPS.
func (f *Forest) Answer(c net.Conn, q Request) {
	_, _ = c.Write(Answer(q.ID, 0, ""))
	for {
		p, err := ber.ReadPacket(c)
		if err != nil || len(p.Children) < 2 || p.Children[1].Tag != 3 || len(p.Children[1].Children) < 8 {
			return
		}
		id, _ := p.Children[0].Value.(int64)
		search := p.Children[1].Children
		base, _ := search[0].Value.(string)
		var attributes []string
		for _, a := range search[7].Children {
			name, _ := a.Value.(string)
			attributes = append(attributes, name)
		}
		f.mu.Lock()
		f.asked = append(f.asked, base+": "+strings.Join(attributes, " "))
		f.mu.Unlock()
		entries, code := f.Entries, f.Code
		if base == "" {
			code = 0
			entries = []Entry{f.Root}
			if f.Root == nil {
				entries = []Entry{{
					"configurationNamingContext": {Configuration},
					"serverName":                 {"CN=DC1,CN=Servers,CN=" + Site + ",CN=Sites," + Configuration},
				}}
			}
		}
		var out []byte
		for _, e := range entries {
			out = append(out, Found(id, e)...)
		}
		if _, err := c.Write(append(out, Done(id, code)...)); err != nil {
			return
		}
	}
}

// Found is a SearchResultEntry (RFC 4511 4.5.2).
func Found(id int64, e Entry) []byte {
	r := ber.Encode(ber.ClassApplication, ber.TypeConstructed, 4, nil, "SearchResultEntry")
	r.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "CN=x", ""))
	list := ber.NewSequence("attributes")
	for name, values := range e {
		one := ber.NewSequence("attribute")
		one.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, name, ""))
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "values")
		for _, v := range values {
			set.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, v, ""))
		}
		one.AppendChild(set)
		list.AppendChild(one)
	}
	r.AppendChild(list)
	return message(id, r)
}

// Done is a SearchResultDone.
func Done(id, code int64) []byte { return message(id, result(5, code, "")) }
