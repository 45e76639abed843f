package entra

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Application is an application registered in Entra, and what it proves itself
// with: a certificate, else a secret.
type Application struct {
	Tenant      string // where it is registered: a GUID or a domain
	ID          string // a GUID
	Certificate *Certificate
	Secret      string
}

// Proof is one of evidence.Proof….
func (a Application) Proof() string {
	if a.Certificate != nil {
		return evidence.ProofCertificate
	}
	return evidence.ProofSecret
}

// Client asks Entra's token endpoint.
type Client struct {
	wire.Outside
	Entra *url.URL // https://login.microsoftonline.com, or where the user says
}

// Request asks for a token for a scope, at most twice, and writes down what
// happened under the step. Nil: there is none.
func (c Client) Request(ctx context.Context, r *ews.Recorder, step evidence.Step, a Application, scope string) *Token {
	for again := false; ; again = true {
		item := evidence.Item{ID: r.Begin(), Step: step, At: time.Now()}
		token := c.Ask(ctx, r, &item, a, scope)
		item.Token.Again = again
		r.Add(item)
		if token != nil || again || !passing(&item) || !ews.Sleep(ctx, pause) {
			return token
		}
	}
}

// pause is waited before a request is made once more.
const pause = 500 * time.Millisecond

// passing: Entra says that it may go another time, or could not say anything
// (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
func passing(item *evidence.Item) bool {
	t, r := item.Token, item.Response
	if _, told := ews.Unavailable(r); told {
		return false // it says when, and that is later
	}
	return t.Error == "temporarily_unavailable" || slices.ContainsFunc(t.Codes, Passing) || len(t.Codes) == 0 && r != nil && r.Status >= 500
}

// Passing says whether an AADSTS number stands for a fault that passes by itself.
func Passing(number int) bool {
	return slices.Contains([]int{50033, 90006, 90012, 90024, 90033}, number)
}

// Ask makes one request and fills the item, which it does not add. An expired
// certificate is not used, and nothing is sent.
func (c Client) Ask(ctx context.Context, r *ews.Recorder, item *evidence.Item, a Application, scope string) *Token {
	u := &url.URL{Scheme: c.Entra.Scheme, Host: c.Entra.Host, Path: "/"}
	u = u.JoinPath(url.PathEscape(a.Tenant), "oauth2", "v2.0", "token")
	facts := &evidence.Token{Host: u.Host, Tenant: a.Tenant, Application: a.ID, Scope: scope, Proof: a.Proof()}
	item.Token = facts
	config := clientcredentials.Config{
		ClientID: a.ID, ClientSecret: a.Secret, TokenURL: u.String(), AuthStyle: oauth2.AuthStyleInParams, Scopes: []string{scope},
	}
	r.Tokens.AddText(a.Secret)
	if cert := a.Certificate; cert != nil {
		facts.Certificate = cert.Facts()
		if time.Now().After(cert.Ends()) {
			facts.Detail = evidence.Say("application-expired", cert.Ends().UTC().Format(time.DateOnly))
			return nil
		}
		assertion, err := cert.assertion(a.ID, u.String(), time.Now())
		if err != nil {
			facts.Detail = evidence.Say("no-token-asked")
			return nil
		}
		r.Tokens.AddText(assertion)
		config.ClientSecret = ""
		config.EndpointParams = url.Values{
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
		}
	}
	described := map[string]string{evidence.ProofCertificate: "client assertion", evidence.ProofSecret: "client secret"}[facts.Proof]
	client := wire.NewHTTPClient(func(ctx context.Context, req wire.Request) (wire.Answer, *evidence.Failure) {
		req.Header = slices.Concat([][2]string{{"Accept", "application/json"}}, req.Header)
		answer, conn, fail := c.Send(ctx, nil, req, described+", value not kept", item)
		conn.Close()
		if item.Request != nil {
			item.Request.Operation = "client credentials"
		}
		return answer, fail
	})
	issued := time.Now()
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	defer r.Shorten(facts)
	switch p := item.Response; {
	case item.Error != nil:
	case p == nil: // the library did not ask
		facts.Detail = evidence.Say("no-token-asked")
	case p.Oversized:
		facts.Detail = evidence.Say("answer-too-long")
	case p.CutShort:
		facts.Detail = evidence.Say("answer-ends-early")
	case err == nil && plausible(token.Type(), token.AccessToken):
		r.Tokens.AddText(token.AccessToken)
		granted := newToken(token.AccessToken, issued, token.Expiry)
		facts.Claims = &granted.Claims
		return granted
	case err == nil:
		facts.Detail = evidence.Say("no-token-given")
	default:
		readRefusal(p, err, facts)
	}
	return nil
}

// number is how Entra's error texts begin.
var number = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^AADSTS([0-9]{4,9})`) })

// readRefusal reads an error answer (RFC 6749 5.2, and what Entra adds).
func readRefusal(p *evidence.Response, err error, f *evidence.Token) {
	f.RetryAfter = p.First("Retry-After")
	var said *oauth2.RetrieveError
	if !errors.As(err, &said) {
		f.Detail = evidence.Say("not-json-status", p.Status, "Entra")
		return
	}
	f.Error, f.Message = said.ErrorCode, said.ErrorDescription
	var more struct {
		Codes       []int  `json:"error_codes"`
		SubError    string `json:"suberror"`
		Trace       string `json:"trace_id"`
		Correlation string `json:"correlation_id"`
	}
	_ = json.Unmarshal(said.Body, &more) // what is missing is missing
	f.SubError, f.Trace, f.Correlation = more.SubError, more.Trace, more.Correlation
	if m := number().FindStringSubmatch(f.Message); m != nil {
		n, _ := strconv.Atoi(m[1])
		f.Codes = []int{n}
	}
	for _, n := range more.Codes {
		if n > 1000 && !slices.Contains(f.Codes, n) && len(f.Codes) < mostCodes {
			f.Codes = append(f.Codes, n)
		}
	}
	if f.Detail = evidence.Say("token-refused", p.Status); f.Code() != "" {
		f.Detail = evidence.Say("token-refused-code", p.Status, f.Code())
	}
}

// mostCodes bounds what is kept.
const mostCodes = 5
