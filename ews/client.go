package ews

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
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
// safe for concurrent legs.
type Client struct {
	URL        *url.URL
	Address    string // IP:port
	Dialer     *wire.Dialer
	Recorder   *Recorder
	Credential Credential
	Call       soap.Call   // what is asked with a credential
	question   *Question   // what is asked instead; nil: Call
	alike      *soap.Alike // answers that were parsed before; nil: each is parsed
	session    *Session    // a sign-in that was accepted, for further calls
	Discover   *Discover   // what is asked instead, where URL is Autodiscover's; nil: EWS
	ViaProxy   bool        // http through a proxy: absolute request form
	// ConnectLimit bounds connecting and the TLS handshake; 0: only the
	// context does.
	ConnectLimit time.Duration
}

// As is the same client with another form of the account's name.
func (c *Client) As(user string) *Client {
	as := *c
	as.Credential.User = user
	c.Recorder.vault.AddCredential(user, c.Credential.Password)
	return &as
}

// Settle is told how a logon ended and answers whether it counts against the
// account's limit.
type Settle func(evidence.Result) (counted bool)

// leg is what distinguishes one request from another.
type leg struct {
	step          evidence.Step
	userAgent     string
	authorization string // the value sent
	described     string // what the record says of it
	call          *soap.Call
	question      *Question // a further call, in place of call
	get           bool      // a GET, which asks nothing
	credential    bool      // the answer comes from somebody who has seen the secret
	id            string    // and at: of the item, where its place was taken before the sending
	at            time.Time
}

// body is the envelope of a leg, nil for none.
func (l leg) body() []byte {
	switch {
	case l.question != nil:
		return l.question.envelope()
	case l.call != nil:
		return soap.FindFolder(*l.call)
	}
	return nil
}

// Anonymous posts the envelope without a credential. The connection is returned
// if the server keeps it; the caller closes it.
func (c *Client) Anonymous(ctx context.Context, userAgent string, step evidence.Step) (evidence.Item, *wire.Conn) {
	item, conn := c.send(ctx, nil, leg{step: step, userAgent: userAgent, call: &soap.Call{}})
	return c.Recorder.Add(item), conn
}

// EmptyBearer posts the envelope with an empty Bearer token: Exchange names its
// OAuth settings only then.
func (c *Client) EmptyBearer(ctx context.Context, userAgent string) evidence.Item {
	item, conn := c.send(ctx, nil, leg{step: evidence.StepEmptyBearer, userAgent: userAgent, authorization: "Bearer", described: "Bearer, empty", call: &soap.Call{}})
	conn.Close()
	return c.Recorder.Add(item)
}

// Basic spends the credential in one request, on conn if it is still fit, else
// on a new connection. note is completed and becomes the item's logon.
func (c *Client) Basic(ctx context.Context, conn *wire.Conn, userAgent string, note evidence.Logon, settle Settle) evidence.Item {
	note.Scheme = "Basic"
	c.Recorder.Expose()
	l := c.basicLeg(userAgent)
	l.call = &c.Call
	item, used := c.send(ctx, conn, l)
	c.settle(&item, note, settle)
	item = c.Recorder.Add(item)
	c.keep(item, used)
	return item
}

// basicLeg is a request with the password, without what it asks.
func (c *Client) basicLeg(userAgent string) leg {
	return leg{
		step: evidence.StepLogon, userAgent: userAgent, credential: true,
		authorization: wire.BasicCredential(c.Credential.User, c.Credential.Password), described: "Basic, value not kept",
	}
}

// send posts one leg and reads its answer. A nil conn opens a new one. The
// connection is returned only if another request may follow on it.
func (c *Client) send(ctx context.Context, conn *wire.Conn, l leg) (evidence.Item, *wire.Conn) {
	if l.id == "" {
		l.id, l.at = c.Recorder.Begin(), time.Now()
	}
	item := evidence.Item{ID: l.id, Step: c.step(l.step), Address: c.Address, At: l.at}
	req := wire.Request{
		URL: c.URL, UserAgent: l.userAgent, ViaProxy: c.ViaProxy, Authorization: l.authorization,
		Header: [][2]string{{"Content-Type", "text/xml; charset=utf-8"}, {"Accept", "text/xml"}},
	}
	if c.Discover != nil {
		c.Discover.fill(&req, l)
	} else {
		req.Body = l.body()
	}
	item.Request = c.describeRequest(req, l)
	if conn == nil {
		opened, fail := c.open(ctx)
		item.Connection, item.TLS, item.Timing = opened.ID, opened.TLS, opened.Timing
		if fail != nil {
			item.Error = fail
			item.Request = nil // nothing was sent
			if c.Discover != nil {
				item.Discovery = &evidence.Discovery{Endpoint: c.URL.String()}
			}
			return item, nil
		}
		conn = opened.Conn
	}
	item.Connection = conn.ID
	answer, fail := conn.Post(ctx, req)
	if conn.TLS != nil && conn.TLS.ClientCertAsk && fail != nil && answer.Response == nil &&
		slices.Contains([]evidence.FailureCode{evidence.TLSHandshake, evidence.ConnectionReset, evidence.ConnectionClosed}, fail.Code) {
		// In TLS 1.3 the client believes the handshake done before the server
		// has missed the certificate it asked for.
		fail.Code = evidence.TLSClientCert
	}
	item.Timing, item.Error = answer.Timing, fail
	if answer.Response != nil {
		item.Response = answer.Response
		c.read(&item, answer.Body, l.credential)
	}
	if answer.Closed || fail != nil && (fail.Code == evidence.ConnectionClosed || fail.Code == evidence.ConnectionReset) {
		item.ClosedBy = "server"
	}
	if fail != nil || answer.Closed {
		conn.Close()
		return item, nil
	}
	return item, conn
}

func (c *Client) open(ctx context.Context) (wire.Opened, *evidence.Failure) {
	if c.ConnectLimit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.ConnectLimit)
		defer cancel()
	}
	return c.Dialer.Open(ctx, c.Address)
}

func (c *Client) describeRequest(r wire.Request, l leg) *evidence.Request {
	d := &evidence.Request{
		Method: cmp.Or(r.Method, "POST"), URL: r.URL.String(), UserAgent: r.UserAgent, Authorization: l.described, Headers: r.Header, BodyBytes: len(r.Body),
	}
	switch {
	case c.Discover != nil && l.call != nil:
		d.Operation, d.Mailbox = c.Discover.operation(), c.Discover.Mailbox
	case l.question != nil:
		d.Operation, d.Mailbox, d.Impersonate, d.Purpose = l.question.operation(), l.question.Call.Mailbox, l.question.Call.Impersonate, l.question.Purpose
	case l.call != nil:
		d.Operation, d.Mailbox, d.Impersonate = "FindFolder", l.call.Mailbox, l.call.Impersonate
	}
	return d
}

// read turns a body into facts. Of an answer to a credential only the facts
// are kept: whatever else such a server says may be the secret in a spelling
// nobody thought of.
func (c *Client) read(item *evidence.Item, body []byte, credential bool) {
	r := item.Response
	html := isHTML(r.First("Content-Type"), body)
	switch {
	case html:
		r.Page = readPage(body)
	case c.Discover != nil:
		item.Discovery = readDiscovery(r, body)
	case r.Oversized:
		item.EWS = &evidence.EWS{Detail: evidence.Say(evidence.WhyAnswerTooLong)}
	case len(bytes.TrimSpace(body)) > 0:
		item.EWS = c.readEWS(body)
	}
	if credential {
		if len(body) > 0 {
			r.Withheld = evidence.Say(evidence.WhyBodyNotKept).String()
		}
		return
	}
	kept := body[:min(len(body), evidence.BodyKept)]
	r.Body = strings.ToValidUTF8(string(kept), "\uFFFD")
}

func (c *Client) readEWS(body []byte) *evidence.EWS {
	a, err := c.alike.Parse(body)
	if err != nil {
		return &evidence.EWS{Detail: evidence.Say(evidence.WhyNotEWS, err), Unreadable: unreadable(err)}
	}
	return &evidence.EWS{
		Kind: a.Kind, Operation: a.Operation, Class: a.Class, Code: a.Code, InnerCode: a.InnerCode,
		Message: a.Message, Version: a.Version, BackOffMS: a.BackOffMS,
		Folder: c.Recorder.folder(a.Folder), Resolved: resolved(a),
	}
}

// resolved are the addresses that an answer gives: entries of the address book,
// or the one that a refusal of an alias says to use instead.
func resolved(a soap.Answer) []evidence.Resolved {
	var list []evidence.Resolved
	for _, r := range a.Resolved {
		list = append(list, evidence.Resolved{Address: r.Address, Type: r.Type})
	}
	if primary := a.Values["Primary"]; a.Code == "ErrorNonPrimarySmtpAddress" && soap.IsAddress(primary) {
		list = append(list, evidence.Resolved{Address: primary})
	}
	return list
}

// unreadable says whether a body meant to be XML could not be read safely, as
// opposed to being something else.
func unreadable(err error) bool {
	return errors.Is(err, soap.ErrDoctype) || errors.Is(err, soap.ErrTooLarge) || errors.Is(err, soap.ErrTooDeep)
}

var (
	htmlStart    = regexp.MustCompile(`(?i)^\s*(<!--[^>]*-->\s*)*<(!doctype\s+html|html|head|body)\b`)
	passwordType = regexp.MustCompile(`(?i)\btype\s*=\s*["']?password\b`)
)

func isHTML(contentType string, body []byte) bool {
	start := bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	start = start[:min(len(start), 4096)]
	named := strings.Contains(strings.ToLower(contentType), "html")
	if !named && bytes.HasPrefix(start, []byte("<?xml")) {
		return false // as nearly all answers begin
	}
	return htmlStart.Match(start) || named && !bytes.Contains(start, []byte("Envelope"))
}

// readPage looks at each tag once: a page of a megabyte that is one beginning of
// a tag after the other takes no longer than any.
func readPage(body []byte) *evidence.Page {
	const longest = 500 // what is looked at of a tag's attributes, or of a title
	p := &evidence.Page{}
	for _, rest, found := bytes.Cut(body, []byte("<")); found; {
		var tag []byte
		tag, rest, found = bytes.Cut(rest, []byte("<"))
		if attributes, ok := afterName(tag, "input"); ok && !p.PasswordField {
			attributes, _, _ = bytes.Cut(attributes[:min(len(attributes), longest)], []byte(">"))
			p.PasswordField = passwordType.Match(attributes)
		}
		if attributes, ok := afterName(tag, "title"); ok && p.Title == "" {
			_, text, _ := bytes.Cut(attributes, []byte(">"))
			p.Title = strings.Join(strings.Fields(strings.ToValidUTF8(string(text[:min(len(text), longest)]), "\uFFFD")), " ")
		}
	}
	return p
}

// afterName returns what follows the name of a tag, if it has that name.
func afterName(tag []byte, name string) ([]byte, bool) {
	n := len(name)
	if len(tag) < n || !strings.EqualFold(string(tag[:n]), name) || len(tag) > n && bytes.IndexByte([]byte(" \t\r\n\f/>"), tag[n]) < 0 {
		return nil, false
	}
	return tag[n:], true
}

// settle writes down how a logon ended.
func (c *Client) settle(item *evidence.Item, note evidence.Logon, settle Settle) {
	c.settleAs(item, note, note.NewChallenge, settle)
}

// settleAs is settle for a 401 that may be undecided: it asks for another
// message rather than refusing.
func (c *Client) settleAs(item *evidence.Item, note evidence.Logon, undecided bool, settle Settle) {
	if note.Account == "" {
		note.Account = c.Credential.User
	}
	note.Result = evidence.Unfinished
	if r := item.Response; r != nil {
		note.Status = r.Status
		switch {
		case undecided:
		case r.Status == 401: // whatever its body says
			note.Result = evidence.Refused
		case item.EWS.Answered(), item.Discovery.Answered():
			note.Result = evidence.Accepted
		}
	}
	if item.Request == nil {
		note.Result, note.Detail = evidence.Skipped, evidence.Say(evidence.WhyNothingSent)
	}
	note.Counted = settle(note.Result)
	item.Logon = &note
}

// skip writes down a logon whose message could not be made: nothing was sent.
func (c *Client) skip(err error, note evidence.Logon, settle Settle) evidence.Item {
	if note.Account == "" {
		note.Account = c.Credential.User
	}
	note.Result, note.Detail = evidence.Skipped, detailOf(evidence.WhyMessageNotMade, err)
	note.Counted = settle(note.Result)
	return c.Recorder.Add(evidence.Item{Step: c.step(evidence.StepSkipped), Address: c.Address, At: time.Now(), Logon: &note})
}
