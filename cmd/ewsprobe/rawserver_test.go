package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// authority signs the certificates of the servers below.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

var theAuthority = sync.OnceValue(func() authority {
	key, template := newKey(), certificate("Test CA")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return authority{key: key, cert: cert, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
})

// issue makes a certificate for the host of the stand-in, in any person's name.
func (a authority) issue(commonName string) tls.Certificate {
	key, template := newKey(), certificate(commonName)
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} // for Autodiscover, which is named by it
	template.DNSNames, template.ExtKeyUsage = []string{standin.Host}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func certificate(commonName string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: commonName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
	}
}

// rawServer is a TLS server whose every byte a test decides.
type rawServer struct {
	address string

	mu   sync.Mutex
	open []net.Conn
	seen []rawRequest
}

// rawRequest is a request as it came.
type rawRequest struct {
	line          string // method and path, with a space behind each
	connection    int
	authorization string
	body          string
}

func requestLineOf(q *http.Request) string { return q.Method + " " + q.URL.RequestURI() + " " }

// is says whether the request carries a message of that scheme; for NTLM and
// Negotiate kind is the type of the message.
func (q rawRequest) is(scheme string, kind byte) bool {
	name, token, _ := strings.Cut(q.authorization, " ")
	if !strings.EqualFold(name, scheme) {
		return false
	}
	if kind == 0 {
		return true
	}
	message := decode(token)
	if _, inside, found := strings.Cut(string(message), "NTLMSSP\x00"); found {
		message = []byte("NTLMSSP\x00" + inside) // out of SPNEGO
	}
	return len(message) > 8 && message[8] == kind
}

// listen opens a server that hands every connection to serve.
func listen(tb testing.TB, config *tls.Config, serve func(net.Conn)) *rawServer {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &rawServer{address: l.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if config != nil {
				c = tls.Server(c, config)
			}
			s.mu.Lock()
			s.open = append(s.open, c)
			s.mu.Unlock()
			running.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	tb.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for _, c := range s.open {
			c.Close()
		}
		s.mu.Unlock()
		running.Wait()
	})
	return s
}

// asTold presents a certificate of the authority.
func asTold() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{theAuthority().issue(standin.Host)}}
}

// answering opens a server that answers requests with the bytes that answer
// gives; it keeps the connection if answer says so.
func answering(tb testing.TB, answer func(rawRequest) (reply []byte, keep bool)) *rawServer {
	tb.Helper()
	var s *rawServer
	count := 0
	ready := make(chan struct{})
	s = listen(tb, asTold(), func(c net.Conn) {
		<-ready
		s.mu.Lock()
		count++
		number := count
		s.mu.Unlock()
		for r := bufio.NewReader(c); ; {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			body, err := io.ReadAll(q.Body)
			if err != nil {
				return
			}
			request := rawRequest{line: requestLineOf(q), connection: number, authorization: q.Header.Get("Authorization"), body: string(body)}
			s.mu.Lock()
			s.seen = append(s.seen, request)
			s.mu.Unlock()
			reply, keep := answer(request)
			if _, err := c.Write(reply); err != nil || !keep {
				return
			}
		}
	})
	close(ready)
	return s
}

// requests are those that came so far.
func (s *rawServer) requests() []rawRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// line is the check c against s.
func (s *rawServer) line(c standin.Check) line {
	return line{standin.Line{URL: "https://" + standin.Host + "/EWS/Exchange.asmx", Endpoint: "https://" + s.address + "/autodiscover/autodiscover.xml", Addresses: []string{s.address}, CA: theAuthority().pem, Check: c}}
}

// http1 writes a response: the lines of its header, and a body with its length.
func http1(status string, body string, header ...string) []byte {
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 " + status + "\r\n")
	for _, h := range header {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("Content-Length: " + itoa(len(body)) + "\r\n\r\n" + body)
	return b.Bytes()
}

// tap is a TLS server in front of a stand-in that speaks without TLS: it sees
// what the program sends, byte for byte.
type tap struct {
	*rawServer
	behind *standin.Server

	sending sync.Mutex
	sent    []*bytes.Buffer // by connection
}

func tapped(tb testing.TB, b standin.Behaviour) *tap {
	tb.Helper()
	b.Transport = standin.TransportPlain
	t := &tap{behind: begin(tb, b, standin.Options{})}
	t.rawServer = listen(tb, asTold(), func(c net.Conn) {
		up, err := net.Dial("tcp", t.behind.Addresses()[0])
		if err != nil {
			return
		}
		defer up.Close()
		copied := &bytes.Buffer{}
		t.sending.Lock()
		t.sent = append(t.sent, copied)
		t.sending.Unlock()
		go func() {
			_, _ = io.Copy(up, io.TeeReader(c, &locked{&t.sending, copied}))
			up.Close()
		}()
		_, _ = io.Copy(c, up)
	})
	return t
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// requests are what the program sent. It is asked for after the program ended.
func (t *tap) requests() []rawRequest {
	t.sending.Lock()
	defer t.sending.Unlock()
	var list []rawRequest
	for i, stream := range t.sent {
		for r := bufio.NewReader(bytes.NewReader(stream.Bytes())); ; {
			q, err := http.ReadRequest(r)
			if err != nil {
				break
			}
			body, _ := io.ReadAll(q.Body)
			list = append(list, rawRequest{line: requestLineOf(q), connection: i + 1, authorization: q.Header.Get("Authorization"), body: string(body)})
		}
	}
	return list
}
