package wire

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// FuzzAnswer: whatever a server answers, and wherever it stops, there is an
// answer or a failure, within the limits and before the time is up; and the
// fields that are kept are those that net/http reads.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"", "garbage", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", "HTTP/1.0 200 OK\n\nuntil the end",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /owa\r\n folded\r\n\tmore\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 30\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xcaH\xcd\xc9\xc9\x07\x04\x00\x00\xff\xff\x86\xa6\x106\x05\x00\x00\x00",
		"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nx", "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\nConnection: close\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n",
		strings.Repeat("HTTP/1.1 102 Processing\r\nA: b\r\n\r\n", 10),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		client, server := net.Pipe()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer server.Close()
			if request(bufio.NewReader(server)) == nil {
				server.Write(answer)
			}
		}()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		m := &headerCapture{conn: client}
		c := &Conn{net: client, meter: m, r: bufio.NewReader(m)}
		a, fail := c.Post(ctx, ask())
		fit := c.Fit(0)
		again, failAgain := c.Post(ctx, ask())
		c.Close()
		<-ended

		r := a.Response
		switch {
		case r == nil && fail == nil:
			t.Fatal("neither an answer nor a failure")
		case fail != nil && (fail.Code == evidence.TimedOut || fail.Code == evidence.ConnectFailed || fail.Text == ""):
			t.Fatalf("a failure of another kind: %v in %s", fail, fail.Phase)
		case (fail != nil || a.Closed) && fit:
			t.Fatal("the connection is not fit")
		case again.Response != nil || failAgain == nil:
			t.Fatalf("an answer to a request that nobody read: %s", summary(again, failAgain))
		case r == nil:
			return
		}
		if len(a.Body) > evidence.BodyRead || r.BodyBytes != len(a.Body) || r.Status < 0 || r.Status > 999 || r.Status < 200 && r.Status != 101 {
			t.Fatalf("out of bounds: %s", summary(a, fail))
		}
		size := 0
		for _, h := range r.Headers {
			size += len(h[0]) + len(h[1])
			if h[0] == "" || strings.ContainsAny(h[0]+h[1], "\r\n") {
				t.Fatalf("header %q", h)
			}
		}
		if size > evidence.HeaderRead+4096 {
			t.Fatalf("a header of %d bytes", size)
		}
		if len(answer) < evidence.HeaderKept {
			compare(t, answer, r)
		}
	})
}

// compare looks for each header field that net/http reads.
func compare(t *testing.T, answer []byte, r *evidence.Response) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(answer))
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: http.MethodPost})
		if err != nil {
			t.Fatalf("net/http does not read it: %v", err)
		}
		if resp.StatusCode < 200 && resp.StatusCode != 101 {
			continue
		}
		if resp.StatusCode != r.Status || resp.Proto != r.Proto {
			t.Fatalf("status %d, want %d", r.Status, resp.StatusCode)
		}
		for name, values := range resp.Header {
			switch name {
			case "Transfer-Encoding", "Content-Length", "Trailer", "Cache-Control":
				continue // these net/http itself changes
			}
			got := r.Header(name)
			if len(got) != len(values) {
				t.Fatalf("%s: %q, want %q", name, got, values)
			}
			for i := range got {
				if strings.Join(strings.Fields(got[i]), " ") != strings.Join(strings.Fields(values[i]), " ") {
					t.Fatalf("%s: %q, want %q", name, got[i], values[i])
				}
			}
		}
		io.Copy(io.Discard, resp.Body)
		return
	}
}

// TestEndlessAnswers are too long to be seeds.
func TestEndlessAnswers(t *testing.T) {
	endless := func(start, more string) func(net.Conn) {
		return func(c net.Conn) {
			say(start)(c)
			for {
				if _, err := io.WriteString(c, strings.Repeat(more, 1000)); err != nil {
					return
				}
			}
		}
	}
	cases := []struct {
		name   string
		server func(net.Conn)
		want   string
	}{
		{"header", endless("HTTP/1.1 401 Unauthorized\r\n", "X: y\r\n"), "header-too-large in read"},
		{"header line", endless("HTTP/1.1 401 Unauthorized\r\nX: ", "x"), "header-too-large in read"},
		{"folded header", endless("HTTP/1.1 401 Unauthorized\r\nX: ", "x\r\n "), "header-too-large in read"},
		{"status line", endless("HTTP/1.1 401 ", "x"), "header-too-large in read"},
		{"interim answers", endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"), "malformed-answer in read"},
		{"body", endless("HTTP/1.1 200 OK\r\n\r\n", "x"), `200 "OK" HTTP/1.1 262144 bytes oversized closed`},
		{"chunks", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nxxxx\r\n"), `200 "OK" HTTP/1.1 262144 bytes oversized closed`},
		{"chunks of little", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;a=bcdefghijklmnopqrstuvwxyz\r\nx\r\n"), "cut short"},
		{"chunk's head", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"), `200 "OK" HTTP/1.1 "" cut short closed`},
		{"trailer", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"), `200 "OK" HTTP/1.1 "" cut short closed`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			noLeak(t)
			conn := open(t, testkit.Listen(t, c.server))
			start := time.Now()
			a, fail := conn.Post(bounded(t), ask())
			conn.Close()
			if got := summary(a, fail); got != c.want && (c.want != "cut short" || !a.Response.CutShort) {
				t.Errorf("%s, want %s (%v)", got, c.want, time.Since(start))
			}
		})
	}
}
