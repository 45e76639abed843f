package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// patience is how long a test waits for what ends by itself.
const patience = 20 * time.Second

// host is the name of every server here.
const host = "mail.contoso.com"

// request reads one request to the end.
func request(r *bufio.Reader) error {
	q, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, q.Body)
	return err
}

// say answers the first request of a connection with exactly these bytes.
func say(answer string) func(net.Conn) {
	return func(c net.Conn) {
		if request(bufio.NewReader(c)) == nil {
			io.WriteString(c, answer)
		}
	}
}

// sayAndWait does the same and then waits for the client to end the connection.
func sayAndWait(answer string) func(net.Conn) {
	return func(c net.Conn) {
		say(answer)(c)
		io.Copy(io.Discard, c)
	}
}

// reset ends a connection without a word.
func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// bounded is a context for what ends by itself.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// open connects without TLS.
func open(t *testing.T, addr string) *Conn {
	t.Helper()
	o, fail := (&Dialer{Host: host}).Open(bounded(t), addr)
	if fail != nil {
		t.Fatalf("Open: %v", fail)
	}
	t.Cleanup(o.Conn.Close)
	return o.Conn
}

// ask is the request that the tests send.
func ask() Request {
	return Request{
		URL: &url.URL{Scheme: "http", Host: host, Path: "/EWS/Exchange.asmx"}, UserAgent: "tester/1",
		Header: [][2]string{{"Content-Type", "text/xml"}}, Body: []byte("<x/>"),
	}
}

// summary writes an answer in one line.
func summary(a Answer, fail *evidence.Failure) string {
	var s strings.Builder
	if r := a.Response; r != nil {
		body := fmt.Sprintf("%q", a.Body)
		if len(a.Body) > 40 {
			body = fmt.Sprintf("%d bytes", len(a.Body))
		}
		fmt.Fprintf(&s, "%d %q %s %s", r.Status, r.Reason, r.Proto, body)
		if r.Oversized {
			s.WriteString(" oversized")
		}
		if r.CutShort {
			s.WriteString(" cut short")
		}
	}
	if a.Closed {
		s.WriteString(" closed")
	}
	if fail != nil {
		fmt.Fprintf(&s, " %s in %s", fail.Code, fail.Phase)
	}
	return strings.TrimSpace(s.String())
}

// noLeak fails the test if more goroutines run at its end than now. To be called
// first, so that it looks last.
func noLeak(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if runtime.NumGoroutine() <= before {
				return
			}
		}
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
	})
}
