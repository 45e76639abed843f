// Package cloud asks hosts outside the network what only they know: where a
// mailbox is, and which tenants are involved.
//
// Four of the six causes of KB 3212785 are decided there. Exchange Online says
// anonymously whether it has a mailbox (Autodiscover v2: an answer in JSON, or a
// redirect to where it is). Entra publishes the tenant of every verified domain
// (OpenID Connect Discovery 1.0 section 4). Dynamics names its tenant to whoever
// asks without a token (RFC 6750 section 3). Microsoft Graph, with a token that
// the user brought or that Entra gives to an application of the user's (RFC 6749
// section 4.4), knows users, their service plans and the deleted ones.
//
// Each look-up is one HTTPS GET on a connection of its own, the request for a
// token one POST. A redirect is read, never followed; nothing is tried twice; the
// certificate is always verified, whatever --insecure says; the answer is bounded
// by package wire. The token goes to the one Graph host that was named, an
// application's secret to Entra, and neither anywhere else. What is written down
// are facts, not bodies. Nothing here judges.
package cloud

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Limit is the time that look-ups may take, connecting included.
const Limit = 5 * time.Second

// Client makes look-ups for one check. It is safe for concurrent use.
type Client struct {
	Entra, ExchangeOnline, Graph *url.URL // https

	wire.Outside
	Token string // for Graph alone
	// Application gets the token where none is given; without an ID there is none.
	Application entra.Application
	Recorder    *ews.Recorder

	tokens *entra.Source
}

// New returns a client; the recorder is told the secrets before anything is sent.
func New(c Client) *Client {
	c.Recorder.Tokens.AddText(c.Token)
	c.Recorder.Tokens.AddText(c.Application.Secret)
	if c.tokens = entra.NewSource(nil); c.Token != "" {
		c.tokens = entra.Fixed(entra.Brought(c.Token))
	}
	return &c
}

// Another is the same client with a recorder of its own. The token is shared, and
// Entra is asked for it once.
func (c *Client) Another() *Client {
	other := *c
	other.Recorder = c.Recorder.Another()
	return &other
}

// question is one GET: what distinguishes one look-up from another.
type question struct {
	step    evidence.Step
	subject string
	url     *url.URL
	token   bool        // carries the token
	header  [][2]string // beside Accept
	read    func(r *evidence.Response, body []byte, facts *evidence.Cloud)
}

// ask sends a question and writes down what came back.
func (c *Client) ask(ctx context.Context, q question) evidence.Item {
	facts := &evidence.Cloud{Host: q.url.Host, Subject: q.subject}
	item := evidence.Item{Step: q.step, At: time.Now(), Cloud: facts}
	req := wire.Request{URL: q.url, Header: slices.Concat([][2]string{{"Accept", "application/json"}}, q.header)}
	described := ""
	if q.token {
		token := c.authorization(ctx)
		item.At = time.Now()
		if token == "" {
			facts.Detail = evidence.Say("no-token-here")
			return c.Recorder.Add(item)
		}
		req.Authorization, described = "Bearer "+token, "Bearer, value not kept"
	}
	answer, conn, fail := c.Get(ctx, nil, req, described, &item)
	conn.Close()
	switch r := answer.Response; {
	case r == nil || fail != nil:
	case r.Oversized:
		facts.Detail = evidence.Say("answer-too-long")
	case r.CutShort: // it cannot be trusted to be whole
		facts.Detail = evidence.Say("answer-ends-early")
	default:
		q.read(r, answer.Body, facts)
	}
	c.Recorder.Shorten(facts)
	return c.Recorder.Add(item)
}

// under is the URL of a path below a base; the segments are escaped.
func under(base *url.URL, query url.Values, segments ...string) *url.URL {
	u := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: "/"}
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	u = u.JoinPath(segments...)
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u
}
