package wire

import (
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Request is one request to be sent.
type Request struct {
	Method        string // "" is POST
	URL           *url.URL
	Header        [][2]string // names as spelled; net/http sorts them behind Host, User-Agent and Content-Length
	UserAgent     string
	Body          []byte
	ViaProxy      bool // absolute form, for http through a proxy
	Authorization string
	Limit         int // how many bytes of the answer are read; 0: evidence.BodyRead
}

// Answer is what came back, and what it means for the connection.
type Answer struct {
	Response *evidence.Response
	Body     []byte // up to the request's limit, decoded
	Timing   evidence.Timing
	TLS      *evidence.TLS // of the handshake, for the first request on a connection
	Closed   bool          // the server ended, or announced to end, the connection
}

// interimAnswers is how many 1xx answers are skipped before the server is
// taken to be playing (RFC 9110 15.2 sets no limit).
const interimAnswers = 8

// Post sends req and reads the whole answer, bounded by ctx and by the limits
// of package evidence.
func (c *Conn) Post(ctx context.Context, req Request) (Answer, *evidence.Failure) {
	var a Answer
	if c.opening {
		a.Timing, a.TLS, c.opening = c.timing, c.TLS, false
	}
	defer bound(ctx, c.net)()
	start := time.Now()
	fail := c.exchange(ctx, req, &a, start)
	a.Timing.Total = Millis(time.Since(start))
	c.idle = time.Now()
	if fail != nil || a.Closed {
		c.unfit = "the server ended it"
	}
	return a, fail
}

func (c *Conn) exchange(ctx context.Context, req Request, a *Answer, start time.Time) *evidence.Failure {
	if c.r.Buffered() > 0 {
		// What is there was said before the question: it must not pass for the
		// answer to it.
		return evidence.Fail(evidence.Malformed, "read", "unasked")
	}
	c.meter.capture()
	h := &http.Request{
		Method: cmp.Or(req.Method, http.MethodPost), URL: req.URL, Host: req.URL.Host, Header: http.Header{"User-Agent": {req.UserAgent}},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(bytes.NewReader(req.Body)), ContentLength: int64(len(req.Body)),
	}
	for _, f := range req.Header {
		h.Header[f[0]] = append(h.Header[f[0]], f[1])
	}
	if req.Authorization != "" {
		h.Header.Set("Authorization", req.Authorization)
	}
	if len(req.Body) == 0 {
		h.Body = http.NoBody
		if h.Method == http.MethodPost {
			// Content-Length: 0 must be said: a POST without a length is 411 at IIS.
			h.TransferEncoding = []string{"identity"}
		}
	}
	limit := cmp.Or(req.Limit, evidence.BodyRead)
	write := h.Write
	if req.ViaProxy {
		write = h.WriteProxy
	}
	// One segment where possible: a request that arrives in pieces costs a
	// round trip at servers that delay acknowledgements.
	c.out.Reset()
	if err := write(&c.out); err != nil {
		return Classify(ctx, "write", err)
	}
	if _, err := c.net.Write(c.out.Bytes()); err != nil {
		// A server that refuses early may have answered before it stopped
		// listening: what it said counts more than the failed write.
		fail := c.read(ctx, h, a, start, limit)
		switch {
		case fail == nil:
			a.Closed = true
			return nil
		case fail.Code == evidence.TLSHandshake, fail.Code == evidence.TLSClientCert:
			return fail // TLS 1.3 refuses a client after its handshake, with an alert
		}
		return Classify(ctx, "write", err)
	}
	return c.read(ctx, h, a, start, limit)
}

func (c *Conn) read(ctx context.Context, h *http.Request, a *Answer, start time.Time, limit int) *evidence.Failure {
	if _, err := c.r.Peek(1); err != nil {
		return Classify(ctx, "read", err)
	}
	a.Timing.FirstByte = Millis(time.Since(start))
	var resp *http.Response
	for skipped := 0; ; skipped++ {
		var err error
		if resp, err = http.ReadResponse(c.r, h); err != nil {
			f := Classify(ctx, "read", cmp.Or(c.meter.err, err))
			if f.Code == evidence.ConnectionClosed && c.meter.raw.Len() > 0 { // it hung up, or does not speak HTTP
				f = evidence.Fail(evidence.Malformed, f.Phase, "header-ended")
			}
			return f
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
		if skipped == interimAnswers {
			return evidence.Fail(evidence.Malformed, "read", "too-many-interim")
		}
		_, end := headerEnd(c.meter.raw.Bytes())
		c.meter.raw.Next(end)
	}
	headers := c.meter.header()
	body, oversized, err := readBody(resp, limit)
	_, reason, _ := strings.Cut(resp.Status, " ")
	a.Response = &evidence.Response{
		Status: resp.StatusCode, Reason: reason, Proto: resp.Proto, Headers: headers,
		BodyBytes: len(body), Oversized: oversized,
	}
	a.Body = body
	a.Closed = resp.Close || oversized || err != nil
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		f := Classify(ctx, "read", err)
		if f.Code == evidence.TimedOut || f.Code == evidence.Interrupted || f.Code == evidence.GivenUp {
			// The status and the headers are there: they are kept, and the
			// failure says that the rest is missing.
			return f
		}
	}
	a.Response.CutShort = err != nil
	return nil
}

// usualBody is more than answers of EWS to a check are long.
const usualBody = 8 << 10

// readBody reads at most limit bytes. A body that is compressed
// although nobody asked for it is unpacked within the same limit.
func readBody(resp *http.Response, limit int) (body []byte, oversized bool, err error) {
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 { // as the server says; not more than usual is taken for granted
		b.Grow(int(min(n, usualBody)) + bytes.MinRead)
	}
	_, err = b.ReadFrom(io.LimitReader(resp.Body, int64(limit)+1))
	body = b.Bytes()
	if len(body) > limit {
		return body[:limit], true, nil
	}
	var z io.Reader
	var zerr error
	switch coding := strings.ToLower(resp.Header.Get("Content-Encoding")); {
	case err == nil && coding == "gzip":
		z, zerr = gzip.NewReader(bytes.NewReader(body))
	case err == nil && coding == "deflate": // RFC 9110 8.4.1.2: some send it without the zlib wrapper
		if z, zerr = zlib.NewReader(bytes.NewReader(body)); zerr != nil {
			z, zerr = flate.NewReader(bytes.NewReader(body)), nil
		}
	default:
		return body, false, err
	}
	if zerr != nil {
		return body, false, nil // not compressed after all: judged as it is
	}
	plain, zerr := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	if len(plain) > limit {
		return plain[:limit], true, nil
	}
	if zerr != nil {
		return body, false, nil
	}
	return plain, false, nil
}

// Fit says whether another request may be sent on c: the server neither closed
// the connection nor said something unasked. It looks until the connection has
// been idle for settle, and at least for a moment.
func (c *Conn) Fit(settle time.Duration) bool {
	if c.unfit != "" {
		return false
	}
	const moment = 200 * time.Microsecond
	c.net.SetReadDeadline(time.Now().Add(max(settle-time.Since(c.idle), moment)))
	defer c.net.SetReadDeadline(time.Time{})
	_, err := c.r.Peek(1)
	var n net.Error
	if err == nil {
		c.unfit = "the server spoke unasked"
	} else if !errors.As(err, &n) || !n.Timeout() {
		c.unfit = "the server ended it"
	}
	return c.unfit == ""
}

// Close ends the connection.
func (c *Conn) Close() {
	if c != nil {
		c.net.Close()
	}
}
