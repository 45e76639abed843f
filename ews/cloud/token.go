package cloud

import (
	"context"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Authorize makes sure that there is a token for Graph: the user's own, or one
// that Entra gives to the application. It asks once, whoever calls it, and again
// only when that token has run out. It says whether there is one.
func (c *Client) Authorize(ctx context.Context) bool { return c.authorization(ctx) != "" }

func (c *Client) authorization(ctx context.Context) string {
	request := c.requestToken
	if c.Token != "" || c.Application.ID == "" {
		request = nil
	}
	t := c.tokens.TokenBy(ctx, request)
	if t == nil {
		return ""
	}
	t.Withhold(c.Recorder) // which may be another than that of who asked for it
	return t.Value()
}

// requestToken asks Entra once.
func (c *Client) requestToken(ctx context.Context) *entra.Token {
	facts := &evidence.Cloud{Host: c.Entra.Host, Subject: c.Application.ID}
	item := evidence.Item{Step: evidence.StepCloudToken, At: time.Now(), Cloud: facts}
	asker := entra.Client{Outside: c.Outside, Entra: c.Entra}
	token := asker.Ask(ctx, c.Recorder, &item, c.Application, under(c.Graph, nil, ".default").String())
	said := item.Token
	item.Token = nil // these facts are kept as those of the other look-ups are
	facts.Code, facts.Message, facts.Detail = said.Code(), said.Message, said.Detail
	if why := refusals[facts.Code]; why != "" {
		facts.Detail = evidence.Say(evidence.WhyTokenRefusedWhy, item.Response.Status, facts.Code, why)
	}
	c.Recorder.Add(item)
	return token
}

// refusals are the usual ones (Microsoft Entra authentication and authorization
// error codes).
var refusals = map[string]string{
	"AADSTS7000215": "the client secret is wrong; its value is needed, not its ID",
	"AADSTS7000222": "the client secret has expired",
	"AADSTS700016":  "no such application in this tenant",
	"AADSTS90002":   "no such tenant",
	"AADSTS7000112": "the application is disabled",
	"AADSTS53003":   "a Conditional Access policy refuses the application",
	"AADSTS500011":  "this tenant does not know Graph under that URL (--graph-url)",
}
