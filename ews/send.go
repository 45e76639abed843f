package ews

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Request is what distinguishes one request from another.
type Request struct {
	Step          evidence.Step
	UserAgent     string
	Authorization string    // the value sent
	Described     string    // what the record says of it
	Question      *Question // nil: nothing is asked
	Credential    bool      // the answer comes from somebody who has seen the secret
	ID            string    // and At: of the item, where its place was taken before the sending
	At            time.Time

	// Cookies go with the step, and take what its answer sets; nil: the client's.
	Cookies *wire.Cookies

	get bool // a GET, which asks nothing
}

// Sent is a step and its answer.
type Sent struct {
	Item evidence.Item // to be recorded by whoever sent it
	Conn *wire.Conn    // nil where no other request may follow on it
	// Challenges are the WWW-Authenticate fields as they came: of an answer to a
	// credential the item keeps less.
	Challenges []string
}

// begin is the item of a step that starts now.
func (c *Client) begin(l Request) evidence.Item {
	if l.ID == "" {
		l.ID, l.At = c.Recorder.Begin(), time.Now()
	}
	return evidence.Item{ID: l.ID, Step: c.Step(l.Step), Address: c.Address, At: l.At}
}

// Connect opens a connection. Where there is none to be had, the item says why:
// the step it would have carried was not sent.
func (c *Client) Connect(ctx context.Context, l Request) (*wire.Conn, *evidence.Item) {
	item := c.begin(l)
	if c.ConnectLimit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.ConnectLimit)
		defer cancel()
	}
	opened, fail := c.Dialer.Open(ctx, c.Address)
	if fail == nil {
		return opened.Conn, nil
	}
	item.Connection, item.TLS, item.Timing, item.Error = opened.ID, opened.TLS, opened.Timing, fail
	if c.Discover != nil {
		item.Discovery = &evidence.Discovery{Endpoint: c.URL.String()}
	}
	return nil, &item
}

// Send posts one step and reads its answer. A nil conn opens a new one.
func (c *Client) Send(ctx context.Context, conn *wire.Conn, l Request) Sent {
	item := c.begin(l)
	if conn == nil {
		l.ID, l.At = item.ID, item.At
		opened, failed := c.Connect(ctx, l)
		if failed != nil {
			return Sent{Item: *failed}
		}
		conn = opened
	}
	req := c.request(l)
	item.Request, item.Connection = c.describe(req, l), conn.ID
	cookies := l.Cookies
	if cookies == nil {
		cookies = c.Cookies
	}
	if value, described := cookies.Field(c.URL); value != "" {
		item.Request.Headers = append(slices.Clone(req.Header), [2]string{"Cookie", described})
		req.Header = append(req.Header, [2]string{"Cookie", value})
	}
	answer, fail := conn.Post(ctx, req)
	if conn.TLS != nil && conn.TLS.ClientCertAsk && fail != nil && answer.Response == nil &&
		slices.Contains([]evidence.FailureCode{evidence.TLSHandshake, evidence.ConnectionReset, evidence.ConnectionClosed}, fail.Code) {
		// In TLS 1.3 the client believes the handshake done before the server
		// has missed the certificate it asked for.
		fail.Code = evidence.TLSClientCert
	}
	item.Timing, item.TLS, item.Error = answer.Timing, answer.TLS, fail
	sent := Sent{Conn: conn}
	if answer.Response != nil {
		item.Response = answer.Response
		cookies.Set(c.URL, answer.Response.Header("Set-Cookie"))
		sent.Challenges = answer.Response.Header("WWW-Authenticate")
		c.read(&item, answer.Body, l.Credential)
	}
	if answer.Closed || fail != nil && (fail.Code == evidence.ConnectionClosed || fail.Code == evidence.ConnectionReset) {
		item.ClosedBy = "server"
	}
	if fail != nil || answer.Closed {
		conn.Close()
		sent.Conn = nil
	}
	sent.Item = item
	return sent
}

func (c *Client) request(l Request) wire.Request {
	req := wire.Request{
		URL: c.URL, UserAgent: l.UserAgent, ViaProxy: c.ViaProxy, Authorization: l.Authorization,
		Header: [][2]string{{"Content-Type", "text/xml; charset=utf-8"}, {"Accept", "text/xml"}},
	}
	switch {
	case c.Discover != nil:
		c.Discover.fill(&req, l)
	case l.Question != nil:
		req.Body = l.Question.envelope()
	}
	return req
}

func (c *Client) describe(r wire.Request, l Request) *evidence.Request {
	d := &evidence.Request{
		Method: cmp.Or(r.Method, "POST"), URL: r.URL.String(), UserAgent: r.UserAgent, Authorization: l.Described,
		Headers: r.Header, BodyBytes: len(r.Body),
	}
	switch {
	case l.Question == nil:
	case c.Discover != nil:
		d.Operation, d.Mailbox = c.Discover.operation(), c.Discover.Mailbox
	default:
		l.Question.describe(d)
	}
	return d
}

// Unsent describes the request of a question that was not sent.
func (c *Client) Unsent(q Question, userAgent string) *evidence.Request {
	d := &evidence.Request{Method: "POST", URL: c.URL.String(), UserAgent: userAgent}
	q.describe(d)
	return d
}

// Lost says whether the connection ended before the call was answered.
func Lost(item evidence.Item) bool {
	f := item.Error
	return item.Response == nil && f != nil && (f.Code == evidence.ConnectionClosed || f.Code == evidence.ConnectionReset)
}
