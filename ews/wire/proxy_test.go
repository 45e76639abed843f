package wire

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// tunnel answers CONNECT and joins both ends.
func tunnel(t *testing.T, c net.Conn) {
	r := bufio.NewReader(c)
	q, err := http.ReadRequest(r)
	if err != nil || q.Method != http.MethodConnect || q.Host != q.RequestURI || q.Header.Get("User-Agent") != "" || len(q.Header) > 0 {
		t.Errorf("the proxy was asked %+v, %v", q, err)
		return
	}
	to, err := net.Dial("tcp", q.Host)
	if err != nil {
		io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		return
	}
	io.WriteString(c, "HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n")
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(to, r)
		to.(*net.TCPConn).CloseWrite()
	})
	both.Go(func() {
		io.Copy(c, to)
		to.Close()
		c.Close()
	})
	both.Wait()
}

// TestTunnel reaches a server through a proxy, with and without TLS on each step.
func TestTunnel(t *testing.T) {
	ca, other := newAuthority(t, "Contoso CA"), newAuthority(t, "Other CA")
	cert := ca.issue(t, nil)
	secure, _, _ := serveTLSMany(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	plain := testkit.Listen(t, say(refusal))
	proxy := testkit.Listen(t, func(c net.Conn) { tunnel(t, c) })
	proxyCert := ca.issue(t, func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)}
	})
	overTLS := testkit.Listen(t, func(c net.Conn) { tunnelTLS(t, c, proxyCert) })
	wrongName := testkit.Listen(t, func(c net.Conn) { tunnelTLS(t, c, cert) })

	cases := []struct {
		name   string
		d      *Dialer
		scheme string
		proxy  string
		addr   string
		want   evidence.FailureCode
		phase  string
	}{
		{"http", &Dialer{}, "http", proxy, plain, "", ""},
		{"https", &Dialer{TLS: true, Roots: ca.pool()}, "http", proxy, secure, "", ""},
		{"https, not trusted", &Dialer{TLS: true, Roots: other.pool()}, "http", proxy, secure, evidence.TLSUntrusted, "tls"},
		{"https through https", &Dialer{TLS: true, Roots: ca.pool()}, "https", overTLS, secure, "", ""},
		{"https through https, roots beside --ca-file", &Dialer{TLS: true, Roots: ca.pool(), Extra: other.pool()}, "https", overTLS, secure, "", ""},
		{"https through https, --ca-file", &Dialer{TLS: true, Roots: other.pool(), Extra: ca.pool()}, "https", overTLS, secure, "", ""},
		{"proxy not trusted", &Dialer{TLS: true, Roots: other.pool(), Insecure: true}, "https", overTLS, secure, evidence.ConnectFailed, "proxy"},
		{"proxy with another name", &Dialer{TLS: true, Roots: ca.pool(), Insecure: true}, "https", wrongName, secure, evidence.ConnectFailed, "proxy"},
		{"proxy without TLS", &Dialer{TLS: true, Roots: ca.pool()}, "https", testkit.Listen(t, say("HTTP/1.1 400 Bad\r\n\r\n")), secure, "", "proxy"},
		{"server that is not there", &Dialer{}, "http", proxy, testkit.Silent(t), evidence.ProxyRefused, "proxy"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.d.Host, c.d.Proxy = host, &url.URL{Scheme: c.scheme, Host: c.proxy}
			o, fail := c.d.Open(bounded(t), c.addr)
			if c.phase != "" {
				if fail == nil || fail.Phase != c.phase || c.want != "" && fail.Code != c.want || o.Conn != nil {
					t.Errorf("%v in phase %q, want %s", fail, fail.Phase, c.want)
				}
				return
			}
			if fail != nil {
				t.Fatalf("%v in %s", fail, fail.Phase)
			}
			defer o.Conn.Close()
			if a, fail := o.Conn.Post(bounded(t), ask()); summary(a, fail) != `401 "Unauthorized" HTTP/1.1 ""` {
				t.Error(summary(a, fail))
			}
		})
	}
}

// tunnelTLS is tunnel inside TLS.
func tunnelTLS(t *testing.T, c net.Conn, cert tls.Certificate) {
	s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
	if s.Handshake() == nil {
		if _, err := s.Read(nil); err == nil {
			peeked := bufio.NewReader(s)
			if _, err := peeked.Peek(1); err == nil { // a client that does not trust it says nothing
				tunnel(t, &joinedConn{Conn: s, r: peeked})
			}
		}
	}
}

// joinedConn reads what was read ahead first.
type joinedConn struct {
	net.Conn
	r io.Reader
}

func (c *joinedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// TestProxyAnswers has what a proxy says to CONNECT.
func TestProxyAnswers(t *testing.T) {
	answers := func(answer string) func(net.Conn) {
		return func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.WriteString(c, answer)
			}
		}
	}
	cases := []struct {
		name, answer string
		want         evidence.FailureCode
		text         string
	}{
		{"logon", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n", evidence.ProxyAuth, "the proxy answered 407 Proxy Authentication Required"},
		{"bad gateway", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno!", evidence.ProxyRefused, "502 Bad Gateway"},
		{"forbidden", "HTTP/1.0 403 Forbidden\r\n\r\n", evidence.ProxyRefused, "403 Forbidden"},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n", evidence.ProxyRefused, "302 Found"},
		{"garbage", "\x05\x00garbage\r\n\r\n", evidence.ConnectFailed, ""},
		{"nothing", "", evidence.ConnectionClosed, ""},
		{"half", "HTTP/1.1 200 Connec", evidence.ConnectionClosed, ""},
		{"long header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 200<<10) + "\r\n\r\n", evidence.HeaderTooLarge, ""},
		{"long line", strings.Repeat("x", 200<<10), evidence.HeaderTooLarge, ""},
	}
	for _, c := range cases {
		d := &Dialer{Host: host, TLS: true, Proxy: &url.URL{Scheme: "http", Host: testkit.Listen(t, answers(c.answer))}}
		o, fail := d.Open(bounded(t), "192.0.2.1:443")
		if fail == nil || fail.Code != c.want || fail.Phase != "proxy" || !strings.Contains(fail.Text, c.text) || o.Conn != nil || o.TLS != nil {
			t.Errorf("%s: %v, want %s with %q", c.name, fail, c.want, c.text)
		}
	}
	// What the server says in the same breath as the proxy is not lost.
	d := &Dialer{Host: host, Proxy: &url.URL{Scheme: "http", Host: testkit.Listen(t, func(c net.Conn) {
		answers("HTTP/1.1 200 OK\r\n\r\nearly")(c)
		io.Copy(io.Discard, c)
	})}}
	o, fail := d.Open(bounded(t), "192.0.2.1:80")
	if fail != nil {
		t.Fatal(fail)
	}
	defer o.Conn.Close()
	early := make([]byte, 5)
	if _, err := io.ReadFull(o.Conn.net, early[:2]); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(o.Conn.net, early[2:]); err != nil || string(early) != "early" {
		t.Errorf("%q, %v", early, err)
	}
}

// TestProxyAddress: the ports that are meant where none is said.
func TestProxyAddress(t *testing.T) {
	cases := []struct{ url, want string }{
		{"http://proxy.contoso.com", "proxy.contoso.com:80"},
		{"http://proxy.contoso.com:3128", "proxy.contoso.com:3128"},
		{"https://proxy.contoso.com", "proxy.contoso.com:443"},
		{"http://[::1]:3128", "[::1]:3128"},
		{"http://[::1]", "[::1]:80"},
	}
	for _, c := range cases {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := ProxyAddress(u); got != c.want {
			t.Errorf("%s: %s, want %s", c.url, got, c.want)
		}
	}
}

// TestBasicCredential: RFC 7617, in UTF-8.
func TestBasicCredential(t *testing.T) {
	cases := []struct{ user, password, want string }{
		{"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"test", "123£", "Basic dGVzdDoxMjPCow=="},
		{`CONTOSO\svc`, "a:b", "Basic Q09OVE9TT1xzdmM6YTpi"},
	}
	for _, c := range cases {
		if got := BasicCredential(c.user, c.password); got != c.want {
			t.Errorf("%s: %s, want %s", c.user, got, c.want)
		}
	}
}
