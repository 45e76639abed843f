// Package entra gets access tokens from Microsoft Entra for an application, by
// client credentials (RFC 6749 4.4): with a client secret, or with an assertion
// that the application's certificate signs (RFC 7523 2.2).
//
// A request is one HTTPS POST on a connection of its own, asked once more, with a
// new assertion, where Entra says that it failed for a passing reason. A redirect
// is not followed, and the certificate of the other side is always verified,
// whatever --insecure says: an assertion or a secret goes to the host that the
// user named for Entra and nowhere else. What is written down are facts, never
// the assertion, the secret or the token. Nothing here judges.
package entra

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {a.ID}, "scope": {scope}}
	described := "client secret, value not kept"
	r.Tokens.AddText(a.Secret)
	if cert := a.Certificate; cert == nil {
		form.Set("client_secret", a.Secret)
	} else {
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
		described = "client assertion, value not kept"
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	issued := time.Now()
	answer, conn, fail := c.Send(ctx, nil, wire.Request{
		URL: u, Body: []byte(form.Encode()),
		Header: [][2]string{{"Accept", "application/json"}, {"Content-Type", "application/x-www-form-urlencoded"}},
	}, described, item)
	conn.Close()
	if item.Request != nil {
		item.Request.Operation = "client credentials"
	}
	if fail != nil || answer.Response == nil {
		return nil
	}
	defer r.Shorten(facts)
	var got said
	err := json.Unmarshal(answer.Body, &got)
	switch p := answer.Response; {
	case p.Oversized:
		facts.Detail = evidence.Say("answer-too-long")
	case p.CutShort:
		facts.Detail = evidence.Say("answer-ends-early")
	case p.Status/100 != 2 || got.Error != "":
		got.refuse(p, facts)
	case err != nil || got.Token == "":
		facts.Detail = evidence.Say("not-json-status", p.Status, "Entra")
	case !strings.EqualFold(cmp.Or(got.Type, "Bearer"), "Bearer") || len(got.Token) < shortestToken || !bearer().MatchString(got.Token):
		facts.Detail = evidence.Say("no-token-given")
	default:
		r.Tokens.AddText(got.Token)
		var ends time.Time
		if life, _ := got.Life.Int64(); life > 0 {
			ends = issued.Add(time.Duration(min(life, math.MaxInt32)) * time.Second)
		}
		granted := newToken(got.Token, issued, ends)
		facts.Claims = &granted.Claims
		return granted
	}
	return nil
}

// said is an answer (RFC 6749 5.1, 5.2), and what Entra adds to an error.
type said struct {
	Token       string      `json:"access_token"`
	Type        string      `json:"token_type"`
	Life        json.Number `json:"expires_in"` // in seconds
	Error       string      `json:"error"`
	Description string      `json:"error_description"`
	Codes       []int       `json:"error_codes"`
	SubError    string      `json:"suberror"`
	Trace       string      `json:"trace_id"`
	Correlation string      `json:"correlation_id"`
}

// number is how Entra's error texts begin.
var number = evidence.Expression(`^AADSTS([0-9]{4,9})`)

// refuse notes an error.
func (s said) refuse(p *evidence.Response, f *evidence.Token) {
	f.Error, f.Message, f.RetryAfter = s.Error, s.Description, p.First("Retry-After")
	f.SubError, f.Trace, f.Correlation = s.SubError, s.Trace, s.Correlation
	if m := number().FindStringSubmatch(f.Message); m != nil {
		n, _ := strconv.Atoi(m[1])
		f.Codes = []int{n}
	}
	for _, n := range s.Codes {
		if n > 1000 && !slices.Contains(f.Codes, n) && len(f.Codes) < maxCodes {
			f.Codes = append(f.Codes, n)
		}
	}
	if f.Detail = evidence.Say("token-refused", p.Status); f.Code() != "" {
		f.Detail = evidence.Say("token-refused-code", p.Status, f.Code())
	}
}

// maxCodes bounds what is kept.
const maxCodes = 5
