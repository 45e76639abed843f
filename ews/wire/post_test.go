package wire

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

func gzipped(t *testing.T, plain []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestAnswers has what a server says, which then ends the connection, and what
// is made of it.
func TestAnswers(t *testing.T) {
	const status = "HTTP/1.1 401 Unauthorized\r\n"
	full := strings.Repeat("x", evidence.BodyRead)
	bomb := gzipped(t, make([]byte, 10<<20))
	small := gzipped(t, []byte("hello"))
	interim := func(n int) string { return strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", n) }
	cases := []struct{ name, answer, want string }{
		{"length", status + "Content-Length: 5\r\n\r\nhello", `401 "Unauthorized" HTTP/1.1 "hello"`},
		{"no body", status + "Content-Length: 0\r\n\r\n", `401 "Unauthorized" HTTP/1.1 ""`},
		{"no reason", "HTTP/1.1 401\r\nContent-Length: 0\r\n\r\n", `401 "" HTTP/1.1 ""`},
		{"empty reason", "HTTP/1.1 401 \r\nContent-Length: 0\r\n\r\n", `401 "" HTTP/1.1 ""`},
		{"long reason", "HTTP/1.1 401 Unauthorized ( Access is denied.  )\r\nContent-Length: 0\r\n\r\n", `401 "Unauthorized ( Access is denied.  )" HTTP/1.1 ""`},
		{"unknown status", "HTTP/1.1 456 Locked https://x\r\nContent-Length: 0\r\n\r\n", `456 "Locked https://x" HTTP/1.1 ""`},
		{"lines without CR", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", `200 "OK" HTTP/1.1 "ok"`},
		{"chunks", status + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", `401 "Unauthorized" HTTP/1.1 "hello"`},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", `204 "No Content" HTTP/1.1 ""`},
		{"announced end", status + "Connection: close\r\nContent-Length: 2\r\n\r\nok", `401 "Unauthorized" HTTP/1.1 "ok" closed`},
		{"until the end", status + "\r\nhello", `401 "Unauthorized" HTTP/1.1 "hello" closed`},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", `200 "OK" HTTP/1.0 "ok" closed`},
		{"HTTP/1.0 that stays", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", `200 "OK" HTTP/1.0 "ok"`},
		{"HTTP/1.0 until the end", "HTTP/1.0 200 OK\r\n\r\nok", `200 "OK" HTTP/1.0 "ok" closed`},

		{"interim answer", "HTTP/1.1 100 Continue\r\n\r\n" + status + "Content-Length: 0\r\n\r\n", `401 "Unauthorized" HTTP/1.1 ""`},
		{"eight interim answers", interim(8) + status + "Content-Length: 0\r\n\r\n", `401 "Unauthorized" HTTP/1.1 ""`},
		{"nine interim answers", interim(9) + status + "Content-Length: 0\r\n\r\n", `malformed-answer in read`},
		{"only an interim answer", interim(1), `closed connection-closed in read`},
		{"other protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", `101 "Switching Protocols" HTTP/1.1 ""`},

		{"length that lies", status + "Content-Length: 100000\r\n\r\nhello", `401 "Unauthorized" HTTP/1.1 "hello" cut short closed`},
		{"length of exabytes", status + "Content-Length: 9223372036854775807\r\n\r\nhello", `401 "Unauthorized" HTTP/1.1 "hello" cut short closed`},
		{"length below zero", status + "Content-Length: -1\r\n\r\nhello", `malformed-answer in read`},
		{"two lengths", status + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", `malformed-answer in read`},
		{"chunks that break off", status + "Transfer-Encoding: chunked\r\n\r\nff\r\nhel", `401 "Unauthorized" HTTP/1.1 "hel" cut short closed`},
		{"no chunks", status + "Transfer-Encoding: chunked\r\n\r\nhello\r\n", `401 "Unauthorized" HTTP/1.1 "" cut short closed`},
		{"chunk of exabytes", status + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", `401 "Unauthorized" HTTP/1.1 "" cut short closed`},

		{"body at the limit", status + "Content-Length: 262144\r\n\r\n" + full, `401 "Unauthorized" HTTP/1.1 262144 bytes`},
		{"body over the limit", status + "Content-Length: 1048577\r\n\r\n" + full + "x", `401 "Unauthorized" HTTP/1.1 262144 bytes oversized closed`},
		{"body far over the limit", status + "\r\n" + strings.Repeat(full, 3), `401 "Unauthorized" HTTP/1.1 262144 bytes oversized closed`},

		{"gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: GZIP\r\n\r\n" + small, `200 "OK" HTTP/1.1 "hello" closed`},
		{"gzip bomb", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb, `200 "OK" HTTP/1.1 262144 bytes oversized closed`},
		{"no gzip after all", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nhello", `200 "OK" HTTP/1.1 "hello" closed`},
		{"gzip that breaks off", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + small[:12], `200 "OK" HTTP/1.1 "\x1f\x8b\b\x00\x00\x00\x00\x00\x00\xff\xcaH" closed`},

		{"long header", status + "X: " + strings.Repeat("x", 120<<10) + "\r\nContent-Length: 2\r\n\r\nok", `401 "Unauthorized" HTTP/1.1 "ok"`},
		{"header over the limit", status + "X: " + strings.Repeat("x", 140<<10) + "\r\nContent-Length: 2\r\n\r\nok", `header-too-large in read`},
		{"header of many lines", status + strings.Repeat("X: y\r\n", 30000) + "\r\n", `header-too-large in read`},
		{"status line over the limit", "HTTP/1.1 401 " + strings.Repeat("x", 140<<10), `header-too-large in read`},
		{"one line over the limit", strings.Repeat("x", 140<<10), `header-too-large in read`},

		{"nothing", "", `closed connection-closed in read`},
		{"no HTTP", "SSH-2.0-OpenSSH_9.6\r\n", `malformed-answer in read`},
		{"no line", "hello", `malformed-answer in read`},
		{"a web page", "<html>", `malformed-answer in read`},
		{"TLS inside", "\x15\x03\x01\x00\x02\x02\x46", `malformed-answer in read`},
		{"status that is none", "HTTP/1.1 abc Unauthorized\r\n\r\n", `malformed-answer in read`},
		{"header without a colon", status + "no colon\r\n\r\n", `malformed-answer in read`},
		{"header that breaks off", status + "Content-Le", `malformed-answer in read`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, fail := open(t, testkit.Listen(t, say(c.answer))).Post(bounded(t), ask())
			got := summary(a, fail)
			if fail != nil && fail.Code == evidence.ConnectionClosed {
				got = "closed " + got // where nobody answered, the code says it
			}
			if got != c.want {
				t.Errorf("%s, want %s (%v)", got, c.want, fail)
			}
			if fail != nil && (fail.Text == "" || strings.ContainsAny(fail.Text, "\r\n")) {
				t.Errorf("the failure says %q", fail.Text)
			}
		})
	}
}

// TestHeaders: order and spelling are the server's fingerprint.
func TestHeaders(t *testing.T) {
	const answer = "HTTP/1.1 103 Early Hints\r\nLink: </never>\r\n\r\nHTTP/1.1 401 Unauthorized\r\n" +
		"request-id: 1\r\nX-FEServer:EX01\r\nWWW-Authenticate: Negotiate\r\nwww-authenticate:\tNTLM  \r\nX-powered-BY: a:b: c\r\nEmpty:\r\n" +
		"Folded: one\r\n two\r\n\t  three \r\nWWW-Authenticate: Basic realm=\"x\"\r\nLatin: B\xfcro\r\nContent-Length: 9\r\n\r\nNot: this"
	want := [][2]string{
		{"request-id", "1"},
		{"X-FEServer", "EX01"},
		{"WWW-Authenticate", "Negotiate"},
		{"www-authenticate", "NTLM"},
		{"X-powered-BY", "a:b: c"},
		{"Empty", ""},
		{"Folded", "one two three"},
		{"WWW-Authenticate", `Basic realm="x"`},
		{"Latin", "B\xfcro"},
		{"Content-Length", "9"},
	}
	a, fail := open(t, testkit.Listen(t, say(answer))).Post(bounded(t), ask())
	if fail != nil {
		t.Fatal(fail)
	}
	if diff := cmp.Diff(want, a.Response.Headers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := a.Response.Header("WWW-AUTHENTICATE"); len(got) != 3 {
		t.Errorf("%q", got)
	}
	if string(a.Body) != "Not: this" || a.Response.BodyBytes != 9 {
		t.Errorf("body %q, %d bytes", a.Body, a.Response.BodyBytes)
	}
}

// TestLongHeader: what comes first is kept, and the rest read and forgotten.
func TestLongHeader(t *testing.T) {
	answer := "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\n" + strings.Repeat("X-Padding: all work and no play\r\n", 3000) + "X-Last: 1\r\nContent-Length: 2\r\n\r\nok"
	a, fail := open(t, testkit.Listen(t, say(answer))).Post(bounded(t), ask())
	if fail != nil {
		t.Fatal(fail)
	}
	size := 0
	for _, h := range a.Response.Headers {
		size += len(h[0]) + len(h[1])
	}
	if a.Response.First("WWW-Authenticate") != "NTLM" || size > evidence.HeaderKept || len(a.Response.Headers) < 1000 || string(a.Body) != "ok" {
		t.Errorf("%d fields of %d bytes, body %q", len(a.Response.Headers), size, a.Body)
	}
}

// TestRequest: what arrives at the server, byte by byte.
func TestRequest(t *testing.T) {
	but := func(change func(*Request)) Request {
		r := ask()
		change(&r)
		return r
	}
	const start = "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: mail.contoso.com\r\nUser-Agent: tester/1\r\n"
	cases := []struct {
		name string
		req  Request
		want string
	}{
		{"usual", ask(), start + "Content-Length: 4\r\nContent-Type: text/xml\r\n\r\n<x/>"},
		{"no body", but(func(r *Request) { r.Body = nil }), start + "Content-Length: 0\r\nContent-Type: text/xml\r\n\r\n"},
		{
			"authorization", but(func(r *Request) { r.Authorization = "Bearer" }),
			start + "Content-Length: 4\r\nAuthorization: Bearer\r\nContent-Type: text/xml\r\n\r\n<x/>",
		},
		{"no user agent", but(func(r *Request) { r.UserAgent = "" }), "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: mail.contoso.com\r\nContent-Length: 4\r\nContent-Type: text/xml\r\n\r\n<x/>"},
		{
			"spelling", but(func(r *Request) { r.Header = [][2]string{{"client-request-id", "1"}} }),
			start + "Content-Length: 4\r\nclient-request-id: 1\r\n\r\n<x/>",
		},
		{
			"through a proxy", but(func(r *Request) { r.ViaProxy = true }),
			"POST http://mail.contoso.com/EWS/Exchange.asmx HTTP/1.1\r\nHost: mail.contoso.com\r\nUser-Agent: tester/1\r\nContent-Length: 4\r\nContent-Type: text/xml\r\n\r\n<x/>",
		},
		{
			"port and query", but(func(r *Request) {
				r.URL = &url.URL{Scheme: "https", Host: "mail.contoso.com:8443", Path: "/a b", RawQuery: "c=d"}
			}),
			"POST /a%20b?c=d HTTP/1.1\r\nHost: mail.contoso.com:8443\r\nUser-Agent: tester/1\r\nContent-Length: 4\r\nContent-Type: text/xml\r\n\r\n<x/>",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			came := make(chan string, 1)
			addr := testkit.Listen(t, func(conn net.Conn) {
				var copied bytes.Buffer
				request(bufio.NewReader(io.TeeReader(conn, &copied)))
				came <- copied.String()
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			})
			if a, fail := open(t, addr).Post(bounded(t), c.req); fail != nil {
				t.Fatal(summary(a, fail))
			}
			if diff := cmp.Diff(c.want, <-came); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestKeepAlive: several requests over one connection; only the first reports
// how it was opened.
func TestKeepAlive(t *testing.T) {
	connections := make(chan struct{}, 10)
	addr := testkit.Listen(t, func(c net.Conn) {
		connections <- struct{}{}
		for r := bufio.NewReader(c); request(r) == nil; {
			io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nhello")
		}
	})
	var d Dialer
	o, fail := d.Open(bounded(t), addr)
	if fail != nil {
		t.Fatal(fail)
	}
	defer o.Conn.Close()
	for i := range 4 {
		if !o.Conn.Fit(time.Millisecond) {
			t.Fatalf("not fit before request %d", i)
		}
		a, fail := o.Conn.Post(bounded(t), ask())
		if got := summary(a, fail); got != `401 "Unauthorized" HTTP/1.1 "hello"` {
			t.Fatalf("request %d: %s", i, got)
		}
		if (a.Timing.Connect != nil) != (i == 0) || a.Timing.FirstByte == nil || a.Timing.Total == nil || a.Timing.TLS != nil {
			t.Errorf("request %d: timing %+v", i, a.Timing)
		}
	}
	if n := len(connections); n != 1 || o.ID != 1 || o.Conn.ID != 1 || o.Conn.Addr != addr {
		t.Errorf("%d connections; %+v", n, o)
	}
	if second, fail := d.Open(bounded(t), addr); fail != nil || second.ID != 2 {
		t.Errorf("the second connection has number %d (%v)", second.ID, fail)
	} else {
		second.Conn.Close()
	}
}

// TestFit has what happens on a connection after its first answer, and whether
// another request may be sent.
func TestFit(t *testing.T) {
	const empty = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
	cases := []struct {
		name   string
		server func(net.Conn)
		settle time.Duration
		want   bool
		then   string // what a request is answered that is sent anyway
	}{
		{"kept", sayAndWait(empty), 20 * time.Millisecond, true, ""},
		{"closed silently", say(empty), patience, false, "connection lost"},
		{"closed with an announcement", sayAndWait("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), 0, false, ""},
		{"reset", func(c net.Conn) { say(empty)(c); reset(c) }, patience, false, "connection lost"},
		{"spoke unasked", sayAndWait(empty + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"), patience, false, "malformed-answer in read"},
		{"spoke unasked later", func(c net.Conn) {
			say(empty)(c)
			time.Sleep(20 * time.Millisecond)
			io.WriteString(c, empty)
			io.Copy(io.Discard, c)
		}, patience, false, "malformed-answer in read"},
		{"length too short", sayAndWait("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nhello"), patience, false, "malformed-answer in read"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn := open(t, testkit.Listen(t, c.server))
			if a, fail := conn.Post(bounded(t), ask()); fail != nil {
				t.Fatal(summary(a, fail))
			}
			if got := conn.Fit(c.settle); got != c.want || conn.Fit(0) != c.want {
				t.Errorf("fit: %v, want %v", got, c.want)
			}
			if c.then == "" {
				return
			}
			a, fail := conn.Post(bounded(t), ask())
			got := summary(a, fail)
			if fail != nil && (fail.Code == evidence.ConnectionClosed || fail.Code == evidence.ConnectionReset) {
				got = "connection lost"
			}
			if got != c.then || conn.Fit(0) {
				t.Errorf("another request: %s, want %s", got, c.then)
			}
		})
	}
	// A failed or cut answer ends the connection for good.
	for _, answer := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n" + strings.Repeat("x", 1<<20+1)} {
		conn := open(t, testkit.Listen(t, say(answer)))
		conn.Post(bounded(t), ask())
		if conn.Fit(0) {
			t.Errorf("fit after %.60q", answer)
		}
	}
	var none *Conn
	none.Close()
}

// TestEarlyAnswer: a server that refuses before it has read everything has said
// something anyway.
func TestEarlyAnswer(t *testing.T) {
	addr := testkit.Listen(t, func(c net.Conn) {
		q, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_ = q
		io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		c.(*net.TCPConn).CloseWrite()
		time.Sleep(50 * time.Millisecond)
	})
	big := ask()
	big.Body = make([]byte, 16<<20)
	a, fail := open(t, addr).Post(bounded(t), big)
	// The system may throw the answer away with the reset: then it is lost.
	if got := summary(a, fail); got != `413 "Too Large" HTTP/1.1 "" closed` && (fail == nil || fail.Code != evidence.ConnectionReset) {
		t.Error(got)
	}
}

// TestEnds: whatever phase a connection is in, it ends with its context, and
// says how.
func TestEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	silent := func(c net.Conn) { io.Copy(io.Discard, c) }
	type try func(ctx context.Context, t *testing.T) (Answer, *evidence.Failure)
	via := func(scheme string, server func(net.Conn)) try {
		return func(ctx context.Context, t *testing.T) (Answer, *evidence.Failure) {
			addr := testkit.Listen(t, server)
			d := &Dialer{Host: host, TLS: scheme == "tls"}
			if strings.HasPrefix(scheme, "http") {
				d.Proxy = &url.URL{Scheme: scheme, Host: addr}
			}
			o, fail := d.Open(ctx, addr)
			if fail != nil {
				return Answer{}, fail
			}
			defer o.Conn.Close()
			big := ask()
			big.Body = make([]byte, 16<<20)
			return o.Conn.Post(ctx, big)
		}
	}
	post := func(server func(net.Conn)) try {
		return func(ctx context.Context, t *testing.T) (Answer, *evidence.Failure) {
			return open(t, testkit.Listen(t, server)).Post(ctx, ask())
		}
	}
	drip := func(start string) func(net.Conn) {
		return func(c net.Conn) {
			say(start)(c)
			for {
				if _, err := io.WriteString(c, "."); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
	cases := []struct {
		name  string
		phase string
		try   try
	}{
		{"TLS", "tls", via("tls", silent)},
		{"proxy", "proxy", via("http", silent)},
		{"slow proxy", "proxy", via("http", drip("HTTP/1.1 200 OK\r\nX: "))},
		{"TLS of a proxy", "proxy", via("https", silent)},
		{"write", "write", func(ctx context.Context, t *testing.T) (Answer, *evidence.Failure) {
			return via("", func(net.Conn) { <-t.Context().Done() })(ctx, t)
		}},
		{"first byte", "read", post(silent)},
		{"header", "read", post(sayAndWait("HTTP/1.1 401 Unauth"))},
		{"slow header", "read", post(drip("HTTP/1.1 401 Unauthorized\r\nX: "))},
		{"body", "read", post(sayAndWait("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhel"))},
		{"slow body", "read", post(drip("HTTP/1.1 200 OK\r\n\r\n"))},
		{"slow chunks", "read", post(drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"))},
		{"legacy suite", "tls", func(ctx context.Context, t *testing.T) (Answer, *evidence.Failure) {
			_, fail := (&Dialer{Host: host}).LegacySuite(ctx, testkit.Listen(t, silent))
			return Answer{}, fail
		}},
	}
	ends := []struct {
		name string
		code evidence.FailureCode
		ctx  func(after time.Duration) (context.Context, context.CancelFunc)
	}{
		{"deadline", evidence.TimedOut, func(after time.Duration) (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), after)
		}},
		{"cancelled", evidence.Interrupted, func(after time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(after, cancel)
			return ctx, cancel
		}},
		{"given up", evidence.GivenUp, func(after time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(after, func() { cancel(ErrGivenUp()) })
			return ctx, func() { cancel(nil) }
		}},
	}
	for _, c := range cases {
		for _, e := range ends {
			t.Run(c.name+" "+e.name, func(t *testing.T) {
				noLeak(t)
				// A busy machine may not have come to the phase when the context
				// ends: then there is more time for it.
				for _, after := range []time.Duration{100 * time.Millisecond, time.Second, patience / 4} {
					ctx, cancel := e.ctx(after)
					start := time.Now()
					a, fail := c.try(ctx, t)
					cancel()
					if took := time.Since(start); took > patience {
						t.Fatalf("ended after %v", took)
					}
					head := (a.Response != nil) == strings.HasSuffix(c.name, "body") || c.name == "slow chunks"
					switch {
					case fail != nil && fail.Code == e.code && fail.Phase == c.phase && head:
						return
					case after == patience/4:
						t.Errorf("%s, want %s in %s; the answer's head is as it should be: %v", summary(a, fail), e.code, c.phase, head)
					}
				}
			})
		}
	}
	t.Run("before it began", func(t *testing.T) {
		noLeak(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, fail := (&Dialer{}).Open(ctx, testkit.Listen(t, silent)); fail == nil || fail.Code != evidence.Interrupted || fail.Phase != "connect" {
			t.Errorf("Open: %v", fail)
		}
		if a, fail := open(t, testkit.Listen(t, silent)).Post(ctx, ask()); fail == nil || fail.Code != evidence.Interrupted {
			t.Errorf("Post: %s", summary(a, fail))
		}
	})
	t.Run("connecting", func(t *testing.T) {
		ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
		defer cancel()
		if _, fail := (&Dialer{}).Open(ctx, testkit.Listen(t, silent)); fail == nil || fail.Code != evidence.TimedOut || fail.Phase != "connect" {
			t.Errorf("Open: %v", fail)
		}
	})
}
