package standin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cloud is what stands outside the network: Exchange Online's Autodiscover,
// Entra's metadata, a Dynamics organisation and Microsoft Graph, all under one
// address of its own. The zero value knows nobody.
type Cloud struct {
	// Location is what Autodiscover answers for every mailbox.
	Location CloudLocation `yaml:"location,omitempty"`

	// DomainTenant is the tenant of every domain, "" that of none.
	// DynamicsTenant is where the organisation is, "" answers no challenge.
	DomainTenant   string `yaml:"domain-tenant,omitempty"`
	DynamicsTenant string `yaml:"dynamics-tenant,omitempty"`

	// Challenge is the form of the organisation's Bearer challenge, with %s for
	// authorization_uri; "" is the usual one. Authority is the sign-in host in
	// it, "" Entra's.
	Challenge string `yaml:"challenge,omitempty"`
	Authority string `yaml:"authority,omitempty"`

	// User says that Graph knows a user for every address; Plan is the service
	// plan of that user, Suspended a plan that is not enabled. Deleted adds a
	// deleted user with the same address. NoMailbox is what Graph says of the
	// user's mailbox.
	User      bool   `yaml:"user,omitempty"`
	Suspended bool   `yaml:"suspended,omitempty"`
	Deleted   bool   `yaml:"deleted,omitempty"`
	NoMailbox bool   `yaml:"no-mailbox,omitempty"`
	Plan      string `yaml:"plan,omitempty"`

	// Dataverse is the organisation's Web API behind the challenge; nil: nobody may
	// read it.
	Dataverse *Dataverse `yaml:"dataverse,omitempty"`
	// Entra gives tokens for EWS; nil: it knows no application for that.
	Entra *Entra `yaml:"entra,omitempty"`

	// Hazard harms whoever asks. Echo repeats the Authorization value everywhere.
	Hazard Hazard `yaml:"hazard,omitempty"`
	Echo   bool   `yaml:"echo,omitempty"`
}

// CloudLocation is what Exchange Online says of a mailbox.
type CloudLocation string

const (
	LocationUnknown   CloudLocation = ""          // a redirect to itself
	LocationOnline    CloudLocation = "online"    // JSON
	LocationElsewhere CloudLocation = "elsewhere" // a redirect to the organisation's own Autodiscover
	LocationRefused   CloudLocation = "refused"   // 404 with an error in JSON
	LocationGarbage   CloudLocation = "garbage"   // 200 with something that is no JSON
)

const (
	CloudHost = "cloud.contoso.com" // a name in the cloud's certificate, beside localhost

	Tenant      = "6f1c2a4e-8f0b-4d6e-9a57-3b1d0e5c7a92" // that the stand-in's Exchange trusts
	OtherTenant = "0b5f7c1e-43d2-4a8f-b6c0-91e2d47f3a65"

	ExchangePlan   = "efb87545-963c-4e0d-99df-69c6916d9eb0" // the service plan EXCHANGE_S_ENTERPRISE
	FoundationPlan = "113feb6c-3fe4-4440-bddc-54d774bf0318" // EXCHANGE_S_FOUNDATION, which brings no mailbox

	// The one application that Entra knows, in Tenant, its secret, and one that was.
	ApplicationID     = "3e0cfa54-91d7-4b0c-8c62-f0b1a6d2e497"
	ApplicationSecret = "kQ8~W3lc0me-t0.the_stand-in~Secret~Value"
	OldSecret         = "kQ8~An0ther-one.of_the_stand-in~of-Old-x"

	// Token is the only token that Graph takes, and the one that Entra gives.
	Token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2dyYXBoLm1pY3Jvc29mdC5jb20ifQ." +
		"c3RhbmQtaW4tc2lnbmF0dXJlLW5vdC1hLXJlYWwtb25l"
)

// CloudRequest is one request to the cloud. Authorized says that it carried an
// Authorization value, Secret that it carried an application's secret; neither is
// kept.
type CloudRequest struct {
	At                 time.Time
	Method, Path       string
	Authorized, Secret bool
	Assertion          bool // it carried an assertion, which is not kept either
	Status             int  // 0 if there was no answer
}

// cloudServer serves a Cloud.
type cloudServer struct {
	behaviour Cloud
	closing   <-chan struct{}
	address   string
	ewsURL    string // of the stand-in itself, for the profile in Dataverse

	mu         sync.Mutex
	requests   []CloudRequest
	asked      int             // requests to Dataverse
	mailbox    string          // whose record was asked for last
	granting   bool            // a token for EWS was asked for
	assertions map[string]bool // identifiers of those that came
}

// CloudURL is where the cloud is, "" if the behaviour has none. It serves as
// Entra, Exchange Online, Graph and a Dynamics organisation.
func (s *Server) CloudURL() string {
	if s.cloud == nil {
		return ""
	}
	return "https://" + s.cloud.address
}

// CloudRequests are the requests that the cloud got, oldest first.
func (s *Server) CloudRequests() []CloudRequest {
	if s.cloud == nil {
		return nil
	}
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	return slices.Clone(s.cloud.requests)
}

// ServeHTTP answers one request.
func (c *cloudServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, longestForm)
	secret, assertion := r.PostFormValue("client_secret"), r.PostFormValue("client_assertion")
	answer := c.answer(r)
	q := CloudRequest{
		At: time.Now(), Method: cut(r.Method), Path: cut(r.URL.Path),
		Authorized: r.Header.Get("Authorization") != "", Secret: secret != "", Assertion: assertion != "",
	}
	if c.behaviour.Hazard == HazardNone {
		q.Status = answer.status
	}
	c.mu.Lock()
	if len(c.requests) < keptRequests {
		c.requests = append(c.requests, q)
	}
	c.mu.Unlock()
	switch c.behaviour.Hazard {
	case HazardHang:
		hang(r, c.closing)
	case HazardHuge:
		w.Header().Set("Content-Type", "application/json")
		for block := make([]byte, 32<<10); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	if c.behaviour.Echo {
		answer.echoCloud(r.Header.Get("Authorization"), secret+assertion)
	}
	answer.write(w)
}

func (c *cloudServer) answer(r *http.Request) *response {
	path := strings.Trim(r.URL.Path, "/")
	if address, ok := strings.CutPrefix(path, "autodiscover/autodiscover.json/v1.0/"); ok {
		return c.say(r, "location", address)
	}
	if domain, ok := strings.CutSuffix(path, "/v2.0/.well-known/openid-configuration"); ok {
		return c.say(r, "metadata", cut(domain))
	}
	if _, ok := strings.CutSuffix(path, "/oauth2/v2.0/token"); ok {
		return c.tokenEndpoint(r)
	}
	if set, ok := strings.CutPrefix(path, dataverseRoot); ok && c.behaviour.Dataverse != nil {
		return c.dataverse(r, set)
	}
	switch rest, graph := strings.CutPrefix(path, "v1.0/"); {
	case path == "api/data/v9.2":
		return c.say(r, "organisation", "")
	case graph && r.Header.Get("Authorization") != "Bearer "+Token:
		return c.say(r, "graph-unauthorized", "")
	case rest == "users":
		return c.say(r, "users", filteredBy(r, "mail"))
	case rest == "directory/deletedItems/microsoft.graph.user":
		return c.say(r, "deleted-users", filteredBy(r, "mail"))
	case rest == "users/"+graphUser+"/mailboxSettings":
		return c.say(r, "mailbox-settings", "")
	case graph:
		return c.say(r, "graph-unknown", "")
	}
	return newResponse(http.StatusNotFound)
}

// graphUser is the identifier of the one user that Graph may know.
const graphUser = "1f0e2d3c-4b5a-4968-8776-655443322110"

// say is an answer of the cloud about a name: an address or a domain.
func (c *cloudServer) say(r *http.Request, form, name string) *response {
	return (*node)(nil).say(form, struct {
		Cloud
		Host, Name, ID string
	}{c.behaviour, r.Host, name, graphUser})
}

// longestForm bounds a request for a token.
const longestForm = 16 << 10

// tokenEndpoint answers as Entra does to client credentials (RFC 6749 4.4).
func (c *cloudServer) tokenEndpoint(r *http.Request) *response {
	secret := r.PostFormValue("client_secret")
	switch id := r.PostFormValue("client_id"); {
	case c.behaviour.Entra != nil && id == HMAApplicationID:
		return c.hmaToken(r)
	case r.Method != http.MethodPost || r.PostFormValue("grant_type") != "client_credentials":
		return entraRefusal(r, 70003)
	case r.PostFormValue("scope") != "https://"+r.Host+"/.default":
		return entraRefusal(r, 500011)
	case id != ApplicationID:
		return entraRefusal(r, 700016)
	case secret == OldSecret:
		return entraRefusal(r, 7000222)
	case secret != ApplicationSecret:
		return entraRefusal(r, 7000215)
	}
	return grant(Token, time.Hour-time.Second)
}

func graphError(code, message string) map[string]any {
	return map[string]any{"error": map[string]any{"code": code, "message": message}}
}

// echoCloud repeats an application's secret, or the token that was sent, in headers, in
// the place of facts and in the words of an error.
func (a *response) echoCloud(authorization, secret string) {
	if _, token, _ := strings.Cut(authorization, " "); token != "" {
		a.repeat(http.StatusForbidden, "request-id", "t", token, graphError(token, "not good: "+token))
		a.with("WWW-Authenticate", `Bearer error="invalid_token", error_description="`+token+`"`)
	}
	if secret != "" {
		a.repeat(http.StatusBadRequest, "x-ms-request-id", "s", secret,
			map[string]any{"error": secret, "error_description": "AADSTS7000215: Invalid client secret provided: '" + secret + "'."})
	}
}

func (a *response) repeat(status int, header, query, value string, body map[string]any) {
	a.with(header, value).with("Location", "https://"+CloudHost+"/?"+url.Values{query: {value}}.Encode())
	raw, _ := json.Marshal(body) // strings always marshal
	a.status, a.body = status, string(raw)
}
