package testkit

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// Authority is a certification authority that lives as long as a test.
type Authority struct{ *standin.Authority }

// NewAuthority makes one.
func NewAuthority(t testing.TB) Authority {
	t.Helper()
	a, err := standin.NewAuthority(time.Now())
	good(t, err)
	return Authority{a}
}

// Issue makes a certificate for a name or an IP address that ends in left, which
// may be less than nothing.
func (a Authority) Issue(t testing.TB, name string, left time.Duration) tls.Certificate {
	t.Helper()
	until := time.Now().Add(left)
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	c, err := a.Authority.Issue(template)
	good(t, err)
	return c
}

// Request is a simple bind (RFC 4511 4.2).
type Request = standin.Bind

// Directory listens for LDAP inside TLS.
type Directory struct {
	Address string
	binds   list[Request]
}

// StartLDAPS is a directory that does whatever answer does after a bind.
func StartLDAPS(t testing.TB, certificate tls.Certificate, answer func(c net.Conn, q Request)) *Directory {
	t.Helper()
	d := &Directory{}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	d.Address = Listen(t, func(near net.Conn) {
		c := tls.Server(near, config)
		q, err := standin.ReadBind(c)
		if err != nil {
			return // the client did not like the certificate
		}
		d.binds.add(q)
		answer(c, q)
	})
	return d
}

// Binds are the binds so far.
func (d *Directory) Binds() []Request { return d.binds.all() }

// Says answers a bind with a result code and a diagnostic message (RFC 4511
// 4.2.2), and waits.
func Says(code int64, message string) func(net.Conn, Request) {
	return func(c net.Conn, q Request) {
		_, _ = c.Write(Answer(q.ID, code, message))
		Wait(c)
	}
}

// Answer is a BindResponse.
func Answer(id, code int64, text string) []byte { return standin.LDAPResult(id, 1, code, text) }

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

	asked list[string]
}

// Asked are the searches so far, base and attributes of each.
func (f *Forest) Asked() []string { return f.asked.all() }

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
		f.asked.add(base + ": " + strings.Join(attributes, " "))
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
	return standin.LDAPMessage(id, r)
}

// Done is a SearchResultDone.
func Done(id, code int64) []byte { return standin.LDAPResult(id, 5, code, "") }
