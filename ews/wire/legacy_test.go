package wire

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// serverHello is a ServerHello that agrees on a suite, with a session identifier.
func serverHello(session int, suite uint16) string {
	body := "\x03\x03" + strings.Repeat("r", 32) + string([]byte{byte(session)}) + strings.Repeat("s", session) + string(binary.BigEndian.AppendUint16(nil, suite)) + "\x00"
	message := "\x02\x00\x00" + string([]byte{byte(len(body))}) + body
	return "\x16\x03\x03\x00" + string([]byte{byte(len(message))}) + message
}

// TestLegacySuite has what servers say to a ClientHello of the two suites only.
func TestLegacySuite(t *testing.T) {
	ca := newAuthority(t, "Contoso CA")
	cert := ca.issue(t, nil)
	says := func(answer string) func(net.Conn) {
		return func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, answer)
			io.Copy(io.Discard, c) // an alert need not be followed by an end
		}
	}
	closes := func(answer string) func(net.Conn) {
		return func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, answer)
		}
	}
	cases := []struct {
		name   string
		server func(net.Conn)
		want   string
		fail   evidence.FailureCode
	}{
		{"RSA", says(serverHello(0, 0xc028)), "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", ""},
		{"ECDSA, with a session", says(serverHello(32, 0xc024)), "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", ""},
		{"a suite that was not offered", says(serverHello(0, 0xc030)), "", ""},
		{"alert", says("\x15\x03\x03\x00\x02\x02\x28"), "", ""},
		{"alert and end", closes("\x15\x03\x03\x00\x02\x02\x28"), "", ""},
		{"another handshake message", says("\x16\x03\x03\x00\x40\x0b" + strings.Repeat("x", 100)), "", ""},
		{"HTTP", closes("HTTP/1.1 400 Bad Request\r\n\r\n"), "", ""},
		{"nothing", closes(""), "", evidence.ConnectionClosed},
		{"half", closes(serverHello(32, 0xc028)[:60]), "", evidence.ConnectionClosed},
		{"reset", func(c net.Conn) { c.Read(make([]byte, 1)); reset(c) }, "", evidence.ConnectionReset},
		{"a server of Go's", func(c net.Conn) { tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake() }, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, fail := (&Dialer{Host: host, TLS: true}).LegacySuite(bounded(t), testkit.Listen(t, c.server))
			if (got == nil) != (c.want == "") || got != nil && got.CipherSuite != c.want || (fail == nil) != (c.fail == "") || fail != nil && fail.Code != c.fail {
				t.Errorf("%v, %v; want %q, %q", got, fail, c.want, c.fail)
			}
		})
	}
}

// TestLegacyHello: crypto/tls can read the ClientHello, and finds the name in it.
func TestLegacyHello(t *testing.T) {
	for name, want := range map[string]string{host: host, host + ".": host, "192.0.2.1": "", "2001:db8::1": ""} {
		heard := make(chan *tls.ClientHelloInfo, 1)
		addr := testkit.Listen(t, func(c net.Conn) {
			tls.Server(c, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
				heard <- h
				return nil, io.EOF
			}}).Handshake()
			close(heard)
		})
		(&Dialer{Host: name}).LegacySuite(bounded(t), addr)
		h := <-heard
		if h == nil {
			t.Errorf("%s: not understood", name)
			continue
		}
		if h.ServerName != want || len(h.CipherSuites) != 2 || h.CipherSuites[0] != 0xc024 || h.CipherSuites[1] != 0xc028 || len(h.SupportedVersions) == 0 || h.SupportedVersions[0] != tls.VersionTLS12 {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

var accepting = regexp.MustCompile(`ACCEPT .*:(\d+)`)

// TestLegacySuiteOpenSSL asks a server of another make that has the suites.
func TestLegacySuiteOpenSSL(t *testing.T) {
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not here: the two suites that Go lacks are tried against made-up answers only")
	}
	ca := newAuthority(t, "Contoso CA")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaLeaf := ca.sign(t, &x509.Certificate{DNSNames: []string{host}, NotBefore: time.Now().Add(-day), NotAfter: time.Now().Add(day)}, rsaKey.Public())
	ecdsa := ca.issue(t, nil)
	files := func(name string, der []byte, key any) (string, string) {
		t.Helper()
		pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		certFile, keyFile := filepath.Join(t.TempDir(), name+".pem"), filepath.Join(t.TempDir(), name+".key")
		for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
			if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return certFile, keyFile
	}
	rsaCert, rsaKeyFile := files("rsa", rsaLeaf.Raw, rsaKey)
	ecdsaCert, ecdsaKeyFile := files("ecdsa", ecdsa.Certificate[0], ecdsa.PrivateKey)
	cases := []struct{ name, cert, key, cipher, want string }{
		{"RSA", rsaCert, rsaKeyFile, "ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"},
		{"ECDSA", ecdsaCert, ecdsaKeyFile, "ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"},
		{"none of them", rsaCert, rsaKeyFile, "AES256-SHA", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			server := exec.CommandContext(ctx, program, "s_server", "-accept", "127.0.0.1:0", "-cert", c.cert, "-key", c.key, "-cipher", c.cipher, "-tls1_2", "-www")
			out, err := server.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			defer server.Wait() //nolint:errcheck // it is killed
			defer cancel()
			port := ""
			for lines := bufio.NewScanner(out); port == "" && lines.Scan(); {
				if m := accepting.FindStringSubmatch(lines.Text()); m != nil {
					port = m[1]
				}
			}
			if port == "" {
				t.Skip("this openssl does not say where it listens")
			}
			addr := net.JoinHostPort("127.0.0.1", port)
			d := &Dialer{Host: host, TLS: true, Roots: ca.pool()}
			if o, fail := d.Open(ctx, addr); fail == nil {
				o.Conn.Close()
				if c.want != "" {
					t.Errorf("Go has the suite %s now", o.TLS.CipherSuite)
				}
			}
			if got, fail := d.LegacySuite(ctx, addr); (got == nil) != (c.want == "") || got != nil && got.CipherSuite != c.want || fail != nil {
				t.Errorf("%v, %v; want %q", got, fail, c.want)
			}
		})
	}
}
