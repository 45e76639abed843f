package cloud

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Application is an application registered in Entra that reads Graph in its own
// name (RFC 6749 4.4, client credentials).
type Application struct {
	Tenant string // where it is registered: a GUID or a domain
	ID     string // a GUID
	Secret string
}

// grant is the token that a client got for itself, and those made of it use.
type grant struct {
	mu    sync.Mutex
	asked time.Time
	token string
	ends  time.Time // of the token; zero: not known
}

// nearEnd is how long before its end a token is not used any more, and how often
// a new one is asked for at most.
const nearEnd = 2 * time.Minute

// Authorize makes sure that there is a token for Graph: the user's own, or one
// that Entra gives to the application. It asks once, whoever calls it, and again
// only when that token has run out. It says whether there is one.
func (c *Client) Authorize(ctx context.Context) bool { return c.authorization(ctx) != "" }

func (c *Client) authorization(ctx context.Context) string {
	g := c.grant
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked.IsZero() || !g.ends.IsZero() && time.Until(g.ends) < nearEnd && time.Since(g.asked) > nearEnd {
		g.asked = time.Now()
		if g.token = c.Token; c.Token == "" && c.Application.ID != "" {
			g.token, g.ends = c.requestToken(ctx)
		}
	}
	c.Recorder.Withhold(g.token) // the recorder may be another than that of who asked for it
	return g.token
}

// requestToken asks Entra's token endpoint, by a POST that carries the secret in
// its body and is never made again elsewhere.
func (c *Client) requestToken(ctx context.Context) (granted string, ends time.Time) {
	u := under(c.Entra, nil, c.Application.Tenant, "oauth2", "v2.0", "token")
	facts := &evidence.Cloud{Host: u.Host, Subject: c.Application.ID}
	item := evidence.Item{Step: evidence.StepCloudToken, At: time.Now(), Cloud: facts}
	config := clientcredentials.Config{
		ClientID: c.Application.ID, ClientSecret: c.Application.Secret, TokenURL: u.String(), AuthStyle: oauth2.AuthStyleInParams,
		Scopes: []string{under(c.Graph, nil, ".default").String()},
	}
	client := wire.NewHTTPClient(func(ctx context.Context, req wire.Request) (wire.Answer, *evidence.Failure) {
		return c.send(ctx, req, &item)
	})
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	switch r := item.Response; {
	case item.Error != nil:
	case r == nil: // the library did not ask
		facts.Detail = evidence.Say(evidence.WhyNoTokenAsked)
	case r.Oversized:
		facts.Detail = evidence.Say(evidence.WhyAnswerTooLong)
	case r.CutShort:
		facts.Detail = evidence.Say(evidence.WhyAnswerEndsEarly)
	case err == nil && plausible(token):
		granted, ends = token.AccessToken, token.Expiry
		c.Recorder.Withhold(granted)
	case err == nil:
		facts.Detail = evidence.Say(evidence.WhyNoTokenGiven)
	default:
		readRefusal(r.Status, err, facts)
	}
	c.keepFacts(&item)
	c.Recorder.Add(item)
	return granted, ends
}

// send makes the one request of a library on a connection of its own.
func (c *Client) send(ctx context.Context, req wire.Request, item *evidence.Item) (wire.Answer, *evidence.Failure) {
	req.UserAgent = c.UserAgent
	req.Header = slices.Concat([][2]string{{"Accept", "application/json"}}, req.Header)
	conn, fail := c.open(ctx, req.URL, item)
	if fail != nil {
		item.Error = fail
		return wire.Answer{}, fail
	}
	defer conn.Close()
	// How long the body is would tell how long the secret is.
	item.Request = &evidence.Request{
		Method: req.Method, URL: req.URL.String(), UserAgent: c.UserAgent,
		Authorization: "client secret, value not kept", Headers: req.Header, Operation: "client credentials",
	}
	answer, fail := conn.Post(ctx, req)
	c.keep(answer, fail, item)
	return answer, fail
}

// bearer is RFC 6750 2.1.
var bearer = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`) })

// shortestToken is far below any access token of Entra. A shorter text could not
// be kept out of the record: every text may hold it by chance.
const shortestToken = 20

func plausible(t *oauth2.Token) bool {
	return strings.EqualFold(t.Type(), "Bearer") && len(t.AccessToken) >= shortestToken && bearer().MatchString(t.AccessToken)
}

// refusal is how Entra's error texts begin.
var refusal = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^AADSTS[0-9]{4,9}`) })

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

// readRefusal reads an error answer (RFC 6749 5.2).
func readRefusal(status int, err error, f *evidence.Cloud) {
	var said *oauth2.RetrieveError
	if !errors.As(err, &said) {
		f.Detail = evidence.Say(evidence.WhyNotJSONStatus, status, "Entra")
		return
	}
	f.Code, f.Message = said.ErrorCode, said.ErrorDescription
	if code := refusal().FindString(said.ErrorDescription); code != "" {
		f.Code = code
	}
	f.Detail = evidence.Say(evidence.WhyTokenRefused, status)
	if f.Code != "" {
		f.Detail = evidence.Say(evidence.WhyTokenRefusedCode, status, f.Code)
	}
	if why := refusals[f.Code]; why != "" {
		f.Detail = evidence.Say(evidence.WhyTokenRefusedWhy, status, f.Code, why)
	}
}
