package ews

import (
	"context"
	"net/url"
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
