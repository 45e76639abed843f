// Package wire opens one connection at a time and writes down what happens on
// it.
//
// net/http's Transport hides what a diagnosis needs: which connection carried a
// request, whether the server kept it, the order and spelling of its headers.
// So a Conn here is dialled once, to one address, speaks HTTP/1.1 only (NTLM
// cannot live on HTTP/2, RFC 7540 8.1.2.3 and IIS's HTTP_1_1_REQUIRED), never
// follows, never retries, and reads no more than it is told to. Requests are
// written and answers framed by net/http's own Request.Write and ReadResponse.
//
// An untrusted certificate ends the conversation after the handshake: nothing
// is sent, not even anonymously, unless the caller said so (Dialer.Insecure).
package wire

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Dialer opens connections to one endpoint. It is safe for concurrent use.
type Dialer struct {
	Host     string         // the name for TLS (SNI, certificate) and CONNECT
	TLS      bool           // https
	Roots    *x509.CertPool // nil: the system's
	Extra    *x509.CertPool // beside them: --ca-file
	Public   *x509.CertPool // the roots public clients know; nil: not looked at
	Insecure bool           // go on past an untrusted certificate
	NotHTTP  bool           // another protocol speaks inside TLS: HTTP is not offered to the server (ALPN)
	Proxy    *url.URL       // http or https proxy to CONNECT through; nil: direct

	opened atomic.Int32
	first  *Dialer // whose connections this one's are counted with; nil: its own
}

// Conn is one connection to one address.
type Conn struct {
	ID   int
	Addr string
	From string            // the address of this machine
	Leaf *x509.Certificate // nil over http
	TLS  *evidence.TLS

	net     net.Conn
	meter   *headerCapture
	r       *bufio.Reader
	out     bytes.Buffer // the request, kept for the next
	unfit   string       // why no further request may be sent; "" fit
	timing  evidence.Timing
	idle    time.Time // since when
	opening bool      // the first request reports the handshake
}

// Opened is a connection, or how far it came: TLS is set when a certificate was
// seen although the connection was not used.
type Opened struct {
	Conn   *Conn
	TLS    *evidence.TLS
	Timing evidence.Timing
	ID     int
	From   string // the address of this machine
}

// Open connects to addr ("IP:port") and shakes hands. On failure Opened still
// tells what was seen.
func (d *Dialer) Open(ctx context.Context, addr string) (Opened, *evidence.Failure) {
	o := Opened{ID: int(cmp.Or(d.first, d).opened.Add(1))}
	start := time.Now()
	raw, fail := d.connect(ctx, addr)
	o.Timing.Connect = Millis(time.Since(start))
	if fail != nil {
		return o, fail
	}
	o.From, _, _ = net.SplitHostPort(raw.LocalAddr().String())
	c := &Conn{ID: o.ID, Addr: addr, From: o.From, net: raw, opening: true}
	if d.TLS {
		start = time.Now()
		secured, info, leaf, fail := d.handshake(ctx, raw)
		o.Timing.TLS = Millis(time.Since(start))
		o.TLS = info
		if fail != nil {
			raw.Close()
			return o, fail
		}
		c.net, c.TLS, c.Leaf = secured, info, leaf
	}
	c.timing = o.Timing
	c.meter = &headerCapture{conn: c.net}
	c.r = bufio.NewReader(c.meter)
	o.Conn = c
	return o, nil
}

// ForHost is a dialer for another endpoint of the same check: it trusts the
// same roots and numbers its connections on. It never goes past an untrusted
// certificate: Insecure is for the endpoint that the user named it for.
func (d *Dialer) ForHost(host string, secure bool) *Dialer {
	first := cmp.Or(d.first, d)
	return &Dialer{Host: host, TLS: secure, Roots: d.Roots, Extra: d.Extra, Public: d.Public, first: first}
}

// Verifying is the same dialer for what never goes past an untrusted certificate.
func (d *Dialer) Verifying() *Dialer {
	v := d.ForHost(d.Host, d.TLS)
	v.Proxy = d.Proxy
	return v
}

// Reach makes a TCP connection and closes it: does addr answer at all.
func Reach(ctx context.Context, addr string) *evidence.Failure {
	c, fail := dial(ctx, "connect", addr)
	if fail == nil {
		c.Close()
	}
	return fail
}

// dial connects over TCP. phase is where a failure of it happened.
func dial(ctx context.Context, phase, addr string) (net.Conn, *evidence.Failure) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, Classify(ctx, phase, err)
	}
	return c, nil
}

// HasRoute says whether this machine would know where to send a packet for
// addr. Nothing is sent: a UDP socket is connected and closed.
func HasRoute(addr string) bool {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func (d *Dialer) connect(ctx context.Context, addr string) (net.Conn, *evidence.Failure) {
	if d.Proxy == nil {
		return dial(ctx, "connect", addr)
	}
	c, fail := dial(ctx, "proxy", ProxyAddress(d.Proxy))
	if fail != nil {
		return nil, fail
	}
	if d.Proxy.Scheme == "https" {
		t := tls.Client(c, d.proxyTLS())
		if err := t.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, Classify(ctx, "proxy", err)
		}
		c = t
	}
	tunnel, fail := connectThrough(ctx, c, addr)
	if fail != nil {
		c.Close()
		return nil, fail
	}
	return tunnel, nil
}

// ProxyAddress is the host and port of a proxy's URL.
func ProxyAddress(u *url.URL) string { return net.JoinHostPort(u.Hostname(), Port(u)) }

// connectThrough asks a proxy for a tunnel (RFC 9110 9.3.6).
func connectThrough(ctx context.Context, c net.Conn, addr string) (net.Conn, *evidence.Failure) {
	defer bound(ctx, c)()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{"User-Agent": {""}}}
	if err := req.Write(c); err != nil {
		return nil, Classify(ctx, "proxy", err)
	}
	m := &headerCapture{conn: c}
	m.capture()
	r := bufio.NewReader(m)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, Classify(ctx, "proxy", err)
	}
	switch {
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return nil, proxyAnswered(evidence.ProxyAuth, resp)
	case resp.StatusCode/100 != 2:
		return nil, proxyAnswered(evidence.ProxyRefused, resp)
	case r.Buffered() > 0:
		rest, _ := r.Peek(r.Buffered())
		return &replayed{c, io.MultiReader(bytes.NewReader(bytes.Clone(rest)), c)}, nil
	}
	return c, nil
}

func proxyAnswered(code evidence.FailureCode, resp *http.Response) *evidence.Failure {
	status, reason, _ := strings.Cut(resp.Status, " ")
	return evidence.Fail(code, "proxy", "proxy-answered", status, reason)
}

// replayed gives back what was read too far.
type replayed struct {
	net.Conn
	all io.Reader
}

func (r *replayed) Read(p []byte) (int, error) { return r.all.Read(p) }

// bound ends what c is doing when ctx ends. The returned function lifts it.
func bound(ctx context.Context, c net.Conn) func() {
	deadline, _ := ctx.Deadline() // the zero time means none
	c.SetDeadline(deadline)       //nolint:errcheck // a closed connection says so at the next use
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	return func() {
		stop()
		c.SetDeadline(time.Time{})
	}
}

// Millis is a duration as a record has it.
func Millis(d time.Duration) *float64 { return new(float64(d.Microseconds()) / 1000) }

// BasicCredential is the value of a Basic Authorization header, the user name
// and password in UTF-8 (RFC 7617 2.1).
func BasicCredential(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
