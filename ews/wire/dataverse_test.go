package wire

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// TestOfferDataverse: what servers agree on when they are offered what Dataverse
// accepts. Go's server takes the offer for a client's; the suites that it lacks
// are played.
func TestOfferDataverse(t *testing.T) {
	ca := newAuthority(t, "Contoso CA")
	cert := ca.issue(t, nil) // ECDSA
	with := func(c *tls.Config) func(net.Conn) {
		c.Certificates = []tls.Certificate{cert}
		return func(conn net.Conn) { tls.Server(conn, c).Handshake() }
	}
	only := func(suite uint16) func(net.Conn) {
		return with(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}})
	}
	says := func(answer string) func(net.Conn) {
		return func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, answer)
			io.Copy(io.Discard, c)
		}
	}
	cases := []struct {
		name   string
		server func(net.Conn)
		want   string // version and suite
		fail   evidence.FailureCode
	}{
		{"TLS 1.3", with(&tls.Config{MinVersion: tls.VersionTLS13}), "TLS 1.3 TLS_AES_", ""},
		{"TLS 1.3 that wants another key", with(&tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveP384}}), "TLS 1.3 TLS_AES_", ""},
		{"TLS 1.3 with X25519 alone", with(&tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519}}), "TLS 1.3 TLS_AES_", ""},
		{"GCM", only(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), "TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ""},
		{"CBC with SHA-256", only(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256), "TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", ""},
		{"CBC with SHA-384", says(serverHello(32, 0xc028)), "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", ""},
		{"CBC with SHA-1", only(tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA), "", evidence.TLSHandshake},
		{"ChaCha20", only(tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256), "", evidence.TLSHandshake},
		{"TLS 1.0", with(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}), "", evidence.TLSHandshake},
		{"a suite that was not offered", says(serverHello(0, 0xcca9)), "", evidence.TLSNotSpoken},
		{"HTTP", says("HTTP/1.1 400 Bad Request\r\n\r\n"), "", evidence.TLSNotSpoken},
		{"nothing", func(c net.Conn) { c.Read(make([]byte, 4096)) }, "", evidence.ConnectionClosed},
		{"reset", func(c net.Conn) { c.Read(make([]byte, 1)); reset(c) }, "", evidence.ConnectionReset},
		{"half an alert", func(c net.Conn) { c.Read(make([]byte, 4096)); io.WriteString(c, "\x15\x03\x03\x00\x02\x02") }, "", evidence.ConnectionClosed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			agreed, fail := (&Dialer{Host: host, TLS: true}).OfferDataverse(bounded(t), testkit.Listen(t, c.server))
			got := ""
			if agreed != nil {
				got = agreed.Version + " " + agreed.CipherSuite
				if !DataverseAccepts(agreed.CipherSuite) {
					t.Errorf("%s was agreed on and is not accepted", agreed.CipherSuite)
				}
			}
			if len(got) < len(c.want) || got[:len(c.want)] != c.want || c.want == "" && got != "" || (fail == nil) != (c.fail == "") || fail != nil && fail.Code != c.fail {
				t.Errorf("%q, %v; want %q, %q", got, fail, c.want, c.fail)
			}
		})
	}
}

// TestDataverseHello: crypto/tls reads it, and it offers the list and no more.
func TestDataverseHello(t *testing.T) {
	heard := make(chan *tls.ClientHelloInfo, 1)
	addr := testkit.Listen(t, func(c net.Conn) {
		tls.Server(c, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			heard <- h
			return nil, io.EOF
		}}).Handshake()
		close(heard)
	})
	(&Dialer{Host: host}).OfferDataverse(bounded(t), addr)
	h := <-heard
	if h == nil {
		t.Fatal("not understood")
	}
	if h.ServerName != host || len(h.CipherSuites) != 10 || len(h.SupportedVersions) != 2 {
		t.Errorf("%+v", h)
	}
	for _, id := range h.CipherSuites {
		if !DataverseAccepts(suiteName(id)) {
			t.Errorf("%s is offered", suiteName(id))
		}
	}
}

// TestDataverseAccepts: what is common and not on the list.
func TestDataverseAccepts(t *testing.T) {
	for name, want := range map[string]bool{
		"TLS_AES_128_GCM_SHA256": true, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": true, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384": true,
		"TLS_CHACHA20_POLY1305_SHA256": false, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": false, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": false,
		"TLS_RSA_WITH_AES_128_GCM_SHA256": false, "": false,
	} {
		if got := DataverseAccepts(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
