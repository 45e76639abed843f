package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// TestClassify has one error per line, where it happened, and the word for it.
func TestClassify(t *testing.T) {
	live := context.Background()
	stopped, stop := context.WithCancel(live)
	stop()
	givenUp, giveUp := context.WithCancelCause(live)
	giveUp(ErrGivenUp())
	late, end := context.WithDeadline(live, time.Now().Add(-time.Second))
	defer end()
	call := func(n syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", n)}
	}
	cases := []struct {
		name  string
		ctx   context.Context
		phase string
		err   error
		want  evidence.FailureCode
	}{
		{"no such name", live, "resolve", &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, evidence.DNSNotFound},
		{"name server fails", live, "resolve", &net.DNSError{Err: "server misbehaving", Name: "x", IsTemporary: true}, evidence.DNSFailed},
		{"name server is slow", live, "resolve", &net.DNSError{Err: "i/o timeout", Name: "x", IsTimeout: true}, evidence.TimedOut},
		{"refused", live, "connect", call(syscall.ECONNREFUSED), evidence.ConnectRefused},
		{"no network", live, "connect", call(syscall.ENETUNREACH), evidence.ConnectUnreachable},
		{"no host", live, "connect", call(syscall.EHOSTUNREACH), evidence.ConnectUnreachable},
		{"the system's time is up", live, "connect", call(syscall.ETIMEDOUT), evidence.TimedOut},
		{"no file handle", live, "connect", call(syscall.EMFILE), evidence.ConnectFailed},
		{"no file handle for the name server", live, "resolve", &net.DNSError{Err: "dial udp: socket: too many open files", Name: "x"}, evidence.ConnectFailed},
		{"no right to", live, "connect", call(syscall.EACCES), evidence.ConnectFailed},
		{"reset", live, "read", &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, evidence.ConnectionReset},
		{"broken pipe", live, "write", &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, evidence.ConnectionReset},
		{"aborted", live, "read", call(syscall.ECONNABORTED), evidence.ConnectionReset},
		{"refused, in Windows' number", live, "connect", call(10061), evidence.ConnectRefused},
		{"no network, in Windows' number", live, "connect", call(10051), evidence.ConnectUnreachable},
		{"no host, in Windows' number", live, "connect", call(10065), evidence.ConnectUnreachable},
		{"time is up, in Windows' number", live, "connect", call(10060), evidence.TimedOut},
		{"reset, in Windows' number", live, "read", call(10054), evidence.ConnectionReset},
		{"reset inside TLS, in Windows' number", live, "tls", call(10054), evidence.ConnectionReset},
		{"aborted, in Windows' number", live, "write", call(10053), evidence.ConnectionReset},
		{"end", live, "read", io.EOF, evidence.ConnectionClosed},
		{"early end", live, "tls", io.ErrUnexpectedEOF, evidence.ConnectionClosed},
		{"closed here", live, "read", net.ErrClosed, evidence.ConnectionClosed},
		{"deadline", live, "read", os.ErrDeadlineExceeded, evidence.TimedOut},
		{"wrapped", live, "read", fmt.Errorf("reading: %w", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}), evidence.TimedOut},
		{"context's deadline", late, "connect", context.DeadlineExceeded, evidence.TimedOut},
		{"stopped", stopped, "read", os.ErrDeadlineExceeded, evidence.Interrupted},
		{"given up", givenUp, "connect", errors.New("operation was canceled"), evidence.GivenUp},
		{"long header", live, "read", fmt.Errorf("reading: %w", errHeaderTooLarge), evidence.HeaderTooLarge},
		{"no HTTP", live, "read", errors.New("malformed HTTP response"), evidence.Malformed},
		{"alert", live, "tls", &net.OpError{Op: "remote error", Err: tls.AlertError(40)}, evidence.TLSHandshake},
		{"alert of ours", live, "tls", &net.OpError{Op: "local error", Err: tls.AlertError(10)}, evidence.TLSHandshake},
		{"alert after the handshake", live, "read", &net.OpError{Op: "remote error", Err: tls.AlertError(116)}, evidence.TLSClientCert},
		{"renegotiation", live, "read", &net.OpError{Op: "local error", Err: tls.AlertError(100)}, evidence.TLSClientCert},
		{"no TLS", live, "tls", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, evidence.TLSNotSpoken},
		{"other trouble of TLS", live, "tls", errors.New("tls: server selected unsupported protocol version 301"), evidence.TLSHandshake},
		{"other trouble", live, "connect", errors.New("whatever"), evidence.ConnectFailed},
		{"proxy's TLS", live, "proxy", &net.OpError{Op: "remote error", Err: tls.AlertError(40)}, evidence.ConnectFailed},
		{"proxy wants a certificate", live, "proxy", &net.OpError{Op: "remote error", Err: tls.AlertError(116)}, evidence.ConnectFailed},
		{"proxy without TLS", live, "proxy", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, evidence.ConnectFailed},
		{"proxy not trusted", live, "proxy", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, evidence.ConnectFailed},
		{"proxy refused", live, "proxy", call(syscall.ECONNREFUSED), evidence.ConnectRefused},
	}
	for _, c := range cases {
		got := Classify(c.ctx, c.phase, c.err)
		if got.Code != c.want || got.Phase != c.phase || got.Text == "" || strings.Contains(got.Text, "dial tcp") {
			t.Errorf("%s: %v in %s, want %s in %s", c.name, got, got.Phase, c.want, c.phase)
		}
	}
}

// TestRefused: a port at which nobody listens.
func TestRefused(t *testing.T) {
	addr := testkit.Silent(t)
	if o, fail := (&Dialer{Host: host, TLS: true}).Open(bounded(t), addr); fail == nil || fail.Code != evidence.ConnectRefused || fail.Phase != "connect" || o.ID != 1 || o.TLS != nil || o.Timing.Connect == nil {
		t.Errorf("Open: %v, %+v", fail, o)
	}
	if fail := Reach(bounded(t), addr); fail == nil || fail.Code != evidence.ConnectRefused {
		t.Errorf("Reach: %v", fail)
	}
	if _, fail := (&Dialer{Host: host}).LegacySuite(bounded(t), addr); fail == nil || fail.Code != evidence.ConnectRefused {
		t.Errorf("LegacySuite: %v", fail)
	}
	if _, fail := (&Dialer{Host: host, Proxy: &url.URL{Scheme: "http", Host: addr}}).Open(bounded(t), "10.0.0.1:443"); fail == nil || fail.Code != evidence.ConnectRefused || fail.Phase != "proxy" {
		t.Errorf("Open through a proxy: %v", fail)
	}
	if fail := Reach(bounded(t), testkit.Listen(t, func(net.Conn) {})); fail != nil {
		t.Errorf("Reach of a listener: %v", fail)
	}
}

// TestResolve asks only for what needs no name server.
func TestResolve(t *testing.T) {
	for name, want := range map[string]string{"127.0.0.1": "127.0.0.1", "::1": "::1"} {
		ips, fail := Resolve(bounded(t), name)
		if fail != nil || len(ips) != 1 || ips[0].String() != want {
			t.Errorf("%s: %v, %v", name, ips, fail)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, fail := Resolve(ctx, "mail.contoso.invalid"); fail == nil || fail.Code != evidence.Interrupted || fail.Phase != "resolve" {
		t.Errorf("stopped: %v", fail)
	}
	if !HasRoute("127.0.0.1:443") || HasRoute("no address") {
		t.Error("HasRoute")
	}
}

// TestBroken has how a connection ends instead of an answer.
func TestBroken(t *testing.T) {
	cases := []struct {
		name   string
		server func(net.Conn)
		want   evidence.FailureCode
	}{
		{"closed after the request", func(c net.Conn) { request(bufio.NewReader(c)) }, evidence.ConnectionClosed},
		{"reset after the request", func(c net.Conn) { request(bufio.NewReader(c)); reset(c) }, evidence.ConnectionReset},
		{"reset inside the header", func(c net.Conn) {
			say("HTTP/1.1 401 Unauthor")(c)
			time.Sleep(20 * time.Millisecond)
			reset(c)
		}, evidence.ConnectionReset},
		{"closed inside the header", say("HTTP/1.1 401 Unauthorized\r\nX: y\r\n"), evidence.Malformed},
	}
	for _, c := range cases {
		a, fail := open(t, testkit.Listen(t, c.server)).Post(bounded(t), ask())
		if fail == nil || fail.Code != c.want || fail.Phase != "read" || a.Response != nil {
			t.Errorf("%s: %s, want %s", c.name, summary(a, fail), c.want)
		}
	}
	// A reset inside the body leaves status and header.
	a, fail := open(t, testkit.Listen(t, func(c net.Conn) {
		say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhel")(c)
		time.Sleep(50 * time.Millisecond)
		reset(c)
	})).Post(bounded(t), ask())
	if got := summary(a, fail); got != `200 "OK" HTTP/1.1 "hel" cut short closed` {
		t.Errorf("reset inside the body: %s", got)
	}
}
