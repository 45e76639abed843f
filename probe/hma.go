package probe

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/cloud"
	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/soap"
)

// HMA is what a Dynamics profile for Hybrid Modern Authentication signs in with: an
// application that gets a token from Entra, or a token that was got elsewhere.
type HMA struct {
	Application entra.Application
	Token       *entra.Token // nil: Entra is asked for one
	Resource    string       // as the profile has it; "" made of the EWS URL
	Entra       *url.URL
	Proxy       func(*url.URL) (*url.URL, error) // to Entra; the environment's
}

// sendsToken says whether the check may send a token.
func (c Config) sendsToken() bool {
	return c.HMA != nil && !c.NoCredentials && (c.URL == nil || c.URL.Scheme == "https")
}

// asksEntra: the token is to be got first.
func (c Config) asksEntra() bool {
	return c.sendsToken() && c.HMA.Token == nil && (c.URL == nil || !front.OnlineHost(c.URL.Hostname()))
}

// scope is what a token is asked for. The resource is taken as it is written: one
// that ends in a slash leaves that in the token's audience.
func (c Config) scope() string {
	resource := c.HMA.Resource
	if resource == "" && c.URL != nil {
		resource = origin(c.URL)
	}
	return resource + "/.default"
}

// origin is scheme, host and, unless it is the usual one, port of a URL.
func origin(u *url.URL) string {
	o := url.URL{Scheme: u.Scheme, Host: u.Host}
	if u.Port() == "443" && u.Scheme == "https" {
		o.Host = strings.TrimSuffix(u.Host, ":443")
	}
	return o.String()
}

// tokenRequest is the request for the token, in the plan.
func (c Config) tokenRequest() lookUp {
	with := "secret"
	if c.HMA.Application.Certificate != nil {
		with = "certificate"
	}
	what := "a token for " + strings.TrimSuffix(c.scope(), "/.default") + ", with the " + with + " of the application " + c.HMA.Application.ID
	return lookUp{Host: c.HMA.Entra.Host, Post: true, What: what}
}

// hmaTarget is how the record names the application.
func (c Config) hmaTarget() *evidence.HMA {
	if !c.sendsToken() {
		return nil
	}
	a := c.HMA.Application
	t := &evidence.HMA{Tenant: a.Tenant, Application: a.ID, Resource: c.HMA.Resource, Proof: evidence.ProofSecret}
	switch {
	case c.HMA.Token != nil:
		t.Application, t.Proof = c.HMA.Token.Claims.Application, evidence.ProofToken
	case a.Certificate != nil:
		t.Proof = evidence.ProofCertificate
	}
	return t
}

// beginToken asks Entra beside the anonymous questions; a token that was brought is
// written down. What is not needed at the end is waited for no longer than a
// look-up; the returned function does so.
func (r *run) beginToken(ctx context.Context) (wait func()) {
	c := r.Config
	if c.URL == nil || !c.sendsToken() {
		return func() {}
	}
	if t := c.HMA.Token; t != nil {
		r.tokens = entra.Fixed(t)
		r.recorder.Tokens.AddText(t.Value())
		brought := &evidence.Token{Proof: evidence.ProofToken, Claims: &t.Claims}
		r.recorder.Add(evidence.Item{Step: evidence.StepHMAToken, At: time.Now(), Token: brought})
		return func() {}
	}
	if !c.asksEntra() {
		return func() {}
	}
	asker := entra.Client{Outside: wire.Outside{Extra: c.Extra, Proxy: c.HMA.Proxy, UserAgent: c.UserAgent}, Entra: c.HMA.Entra}
	r.tokens = entra.NewSource(func(ctx context.Context) *entra.Token {
		limited, cancel := context.WithTimeout(ctx, c.Timeout*2/3)
		defer cancel()
		return asker.Request(limited, r.recorder, evidence.StepHMAToken, c.HMA.Application, c.scope())
	})
	started := time.Now()
	aside, giveUp := context.WithCancelCause(ctx)
	var asking sync.WaitGroup
	asking.Go(func() { r.tokens.Token(aside) })
	return func() {
		rest := time.AfterFunc(cloud.Limit-time.Since(started), func() { giveUp(wire.ErrGivenUp()) })
		asking.Wait()
		rest.Stop()
		giveUp(nil)
	}
}

// offersBearer: the answer to the empty token, or to none, leads to Entra.
func (t *signIns) offersBearer() (string, bool) {
	_, found := t.bearerChallenge()
	return "Bearer", found
}

func (n *node) bearerChallenge() (challenge.Challenge, bool) {
	for _, r := range []*evidence.Response{n.bearer.Response, n.reply.Response} {
		if c, ok := front.Offer(r, "Bearer"); ok {
			if uri, _ := c.Param("authorization_uri"); uri != "" {
				return c, true
			}
		}
	}
	return challenge.Challenge{}, false
}

// asksToken: EWS answered the empty token with the challenge of Exchange.
func (n *node) asksToken() bool {
	_, found := n.bearerChallenge()
	return found && n.Config.sendsToken()
}

// sendToken signs in with the token: once at an address, again only where the
// server asked for patience. It goes to a server whose certificate is trusted and
// that trusts its tenant.
func (t *signIns) sendToken(ctx context.Context, _ Logon, name string) {
	account := t.Config.hmaTarget().Application
	skip := func(why *evidence.Detail) {
		t.note(t.address, evidence.Logon{Scheme: name, Account: account, Result: evidence.Skipped, Detail: why})
	}
	token := t.tokens.Token(ctx)
	if token == nil {
		skip(evidence.Say("token-none"))
		return
	}
	if tls := t.reply.TLS; tls != nil && !tls.Trusted() {
		skip(evidence.Say("token-untrusted"))
		return
	}
	c, _ := t.bearerChallenge()
	if trusted := front.Tenants(c); token.Claims.Tenant != "" && len(trusted) > 0 && !slices.Contains(trusted, token.Claims.Tenant) {
		skip(evidence.Say("token-tenant", token.Claims.Tenant))
		return
	}
	client := *t.client
	client.Dialer = client.Dialer.Verifying() // whatever --insecure says
	way := signin.ByToken(t.tokens)
	ews.Retry(ctx, 3, func() evidence.Item {
		attempt := way.Begin(ctx, &client, t.userAgent)
		if !t.Config.Insecure { // else the connection may have gone past a certificate
			attempt.On(t.conn)
			t.conn = nil
		}
		defer attempt.Close()
		return attempt.Finish(ctx, evidence.Logon{Account: account}, unlimitedBudget{})
	}, func(item evidence.Item) (time.Duration, bool) {
		if e := item.EWS; e.Answered() {
			return max(time.Duration(e.BackOffMS)*time.Millisecond, passingPause), soap.Busy(e.Code)
		}
		return ews.Unavailable(item.Response)
	})
}

// unlimitedBudget is the budget of a token: no account can be locked by it.
type unlimitedBudget struct{}

func (unlimitedBudget) Begin() *evidence.Detail { return nil }

func (unlimitedBudget) End(evidence.Result) bool { return false }
