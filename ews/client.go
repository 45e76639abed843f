// Package ews talks to one Exchange Web Services endpoint as Dynamics does and
// writes down what happened. It knows the steps, not their order: package probe
// plans which are sent.
//
// An EWS endpoint signs its callers in before it reads them. An anonymous POST
// learns which schemes are offered (RFC 9110 11.6.1). An empty Bearer token
// makes Exchange say what it thinks of OAuth and which tenant it trusts. An
// NTLM type 1 message, which names no account, brings the server's names, build
// and clock. Only then may a credential be spent: Basic in one request, NTLM in
// the third message of a handshake that must stay on its connection. What is
// posted with it is Dynamics' own test, FindFolder on the inbox: any EWS answer
// to it, even a fault, proves that the sign-in was passed.
//
// Everything is a POST of a valid envelope: some servers answer 405 to a GET
// and some redirect whatever is not EWS. Nothing here judges.
//
// Send (client.go) writes down a step: package wire what shows of the connection and its
// certificate, read (body.go) the facts of a body. Header fields stay as they came;
// packages challenge and front read them, and the rules.
package ews

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Credential is the one account of a check. User is DOMAIN\name, a UPN or a
// bare name, as Dynamics has it.
type Credential struct {
	User     string
	Password string
}

// Client talks to one endpoint at one address. It is made for one check and
// safe for concurrent steps.
type Client struct {
	URL        *url.URL
	Address    string // IP:port
	Dialer     *wire.Dialer
	Recorder   *Recorder
	Credential Credential
	Question   Question         // what is asked with a credential
	Parsed     *soap.ParseCache // answers that were parsed before; nil: each is parsed
	Discover   *Discover        // what is asked instead, where URL is Autodiscover's; nil: EWS
	ViaProxy   bool             // http through a proxy: absolute request form
	// ConnectLimit bounds connecting and the TLS handshake; 0: only the
	// context does.
	ConnectLimit time.Duration
	// Cookies are those of requests without a credential; nil: none are kept.
	Cookies *wire.Cookies
}

// As is the same client with another form of the account's name.
func (c *Client) As(user string) *Client {
	as := *c
	as.Credential.User = user
	c.Recorder.Secrets.AddCredential(user, c.Credential.Password)
	return &as
}

// Settle is told how a logon at a domain controller ended and answers whether it
// counts against the account's limit.
type Settle func(evidence.Result) (counted bool)

// Anonymous posts the envelope without a credential. The connection is returned
// if the server keeps it; the caller closes it.
func (c *Client) Anonymous(ctx context.Context, userAgent string, step evidence.Step) (evidence.Item, *wire.Conn) {
	sent := c.Send(ctx, nil, Request{Step: step, UserAgent: userAgent, Question: &Question{}})
	return c.Recorder.Add(sent.Item), sent.Conn
}

// EmptyBearer posts the envelope with an empty Bearer token: Exchange names its
// OAuth settings only then.
func (c *Client) EmptyBearer(ctx context.Context, userAgent string) evidence.Item {
	sent := c.Send(ctx, nil, Request{
		Step: evidence.StepEmptyBearer, UserAgent: userAgent, Authorization: "Bearer", Described: "Bearer, empty", Question: &Question{},
	})
	sent.Conn.Close()
	return c.Recorder.Add(sent.Item)
}

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
	item.Connection, item.From, item.TLS, item.Timing, item.Error = opened.ID, opened.From, opened.TLS, opened.Timing, fail
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
	var req wire.Request
	req, item.Request = c.request(l)
	item.Connection, item.From = conn.ID, conn.From
	cookies := cmp.Or(l.Cookies, c.Cookies)
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

// request is what is sent, and what the record says of it.
func (c *Client) request(l Request) (wire.Request, *evidence.Request) {
	req := wire.Request{
		URL: c.URL, UserAgent: l.UserAgent, ViaProxy: c.ViaProxy, Authorization: l.Authorization,
		Header: [][2]string{{"Content-Type", "text/xml; charset=utf-8"}, {"Accept", "text/xml"}},
	}
	d := &evidence.Request{URL: c.URL.String(), UserAgent: l.UserAgent, Authorization: l.Described}
	switch {
	case c.Discover != nil:
		c.Discover.fill(&req, l)
		if l.Question != nil {
			d.Operation, d.Mailbox = c.Discover.operation(), c.Discover.Mailbox
		}
	case l.Question != nil:
		req.Body = l.Question.envelope()
		l.Question.describe(d)
	}
	d.Method, d.Headers, d.BodyBytes = cmp.Or(req.Method, "POST"), req.Header, len(req.Body)
	return req, d
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
