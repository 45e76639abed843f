package standin

import (
	"cmp"
	"crypto/tls"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"
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
	// CloudHost is a name in the cloud's certificate, beside localhost.
	CloudHost = "cloud.contoso.com"

	// Tenant is the tenant that the stand-in's Exchange trusts, OtherTenant
	// another.
	Tenant      = tenant
	OtherTenant = "0b5f7c1e-43d2-4a8f-b6c0-91e2d47f3a65"

	// ExchangePlan is the service plan EXCHANGE_S_ENTERPRISE, FoundationPlan
	// EXCHANGE_S_FOUNDATION, which brings no mailbox.
	ExchangePlan   = "efb87545-963c-4e0d-99df-69c6916d9eb0"
	FoundationPlan = "113feb6c-3fe4-4440-bddc-54d774bf0318"

	// ApplicationID is the one application that Entra knows, in Tenant;
	// ApplicationSecret is its secret, OldSecret one that was.
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
	Method, Path, SNI  string
	Authorized, Secret bool
	Assertion          bool // it carried an assertion, which is not kept either
	Status             int  // 0 if there was no answer
}

// cloudServer serves a Cloud.
type cloudServer struct {
	behaviour Cloud
	closing   <-chan struct{}
	listener  net.Listener
	http      *http.Server

	ewsURL string // of the stand-in itself, for the profile in Dataverse

	mu         sync.Mutex
	requests   []CloudRequest
	asked      int             // requests to Dataverse
	mailbox    string          // whose record was asked for last
	granting   bool            // a token for EWS was asked for
	assertions map[string]bool // identifiers of those that came
}

func newCloudServer(b Cloud, address string, certificate tls.Certificate, closing <-chan struct{}) (*cloudServer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for the cloud: %w", err)
	}
	c := &cloudServer{behaviour: b, closing: closing, assertions: map[string]bool{}}
	c.listener = tls.NewListener(listener, &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	c.http = &http.Server{Handler: c, ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	return c, nil
}

// close ends the cloud, and with it every request under way.
func (c *cloudServer) close() error {
	err := c.http.Close()
	_ = c.listener.Close() // it may not be served yet
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// CloudURL is where the cloud is, "" if the behaviour has none. It serves as
// Entra, Exchange Online, Graph and a Dynamics organisation.
func (s *Server) CloudURL() string {
	if s.cloud == nil {
		return ""
	}
	return "https://" + s.cloud.listener.Addr().String()
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
	if r.TLS != nil {
		q.SNI = cut(r.TLS.ServerName)
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
		return c.autodiscover(r, address)
	}
	if domain, ok := strings.CutSuffix(path, "/v2.0/.well-known/openid-configuration"); ok {
		return c.metadata(domain)
	}
	if _, ok := strings.CutSuffix(path, "/oauth2/v2.0/token"); ok {
		return c.tokenEndpoint(r)
	}
	if set, ok := strings.CutPrefix(path, dataverseRoot); ok && c.behaviour.Dataverse != nil {
		return c.dataverse(r, set)
	}
	switch rest, graph := strings.CutPrefix(path, "v1.0/"); {
	case path == "api/data/v9.2":
		return c.organisation(r)
	case graph:
		return c.graph(r, rest)
	}
	return newResponse(http.StatusNotFound)
}

// autodiscover answers as Exchange Online was recorded to (Autodiscover v2).
func (c *cloudServer) autodiscover(r *http.Request, address string) *response {
	redirect := func(host string) *response {
		query := url.Values{"Email": {address}, "Protocol": {"EWS"}, "RedirectCount": {"1"}}
		return newResponse(http.StatusFound).with("Location", "https://"+host+"/autodiscover/autodiscover.json?"+query.Encode())
	}
	switch c.behaviour.Location {
	case LocationOnline:
		return inJSON(http.StatusOK, map[string]any{
			"Protocol": "EWS", "Url": "https://outlook.office365.com/EWS/Exchange.asmx", "ServerLocation": "Exchange Online",
		})
	case LocationElsewhere:
		return redirect("autodiscover." + dnsDomain)
	case LocationRefused:
		return inJSON(http.StatusNotFound, map[string]any{"ErrorCode": "UserNotFound", "ErrorMessage": "The given user is not found."})
	case LocationGarbage:
		return newResponse(http.StatusOK).withBody("text/html", "<html><body>Welcome</body></html>")
	}
	return redirect(r.Host)
}

// metadata answers as Entra does (OpenID Connect Discovery 1.0).
func (c *cloudServer) metadata(domain string) *response {
	t := c.behaviour.DomainTenant
	if t == "" {
		return inJSON(http.StatusBadRequest, map[string]any{
			"error": "invalid_tenant", "error_codes": []int{90002},
			"error_description": "AADSTS90002: Tenant '" + cut(domain) +
				"' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
		})
	}
	base := "https://login.microsoftonline.com/" + t
	return inJSON(http.StatusOK, map[string]any{
		"issuer": base + "/v2.0", "token_endpoint": base + "/oauth2/v2.0/token",
		"tenant_region_scope": "EU", "cloud_instance_name": "microsoftonline.com",
	})
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

// organisation answers as the Web API of Dynamics does without a token.
func (c *cloudServer) organisation(r *http.Request) *response {
	if c.behaviour.DynamicsTenant == "" {
		return newResponse(http.StatusNotFound)
	}
	form := cmp.Or(c.behaviour.Challenge, "Bearer authorization_uri=%s, resource_id=https://"+r.Host+"/")
	uri := "https://" + cmp.Or(c.behaviour.Authority, "login.microsoftonline.com") + "/" + c.behaviour.DynamicsTenant + "/oauth2/authorize"
	return newResponse(http.StatusUnauthorized).with("WWW-Authenticate", strings.Replace(form, "%s", uri, 1))
}

// graph answers as Microsoft Graph does. The filter is not evaluated: every
// address belongs to the one user there may be.
func (c *cloudServer) graph(r *http.Request, path string) *response {
	if r.Header.Get("Authorization") != "Bearer "+Token {
		return inJSON(http.StatusUnauthorized, graphError("InvalidAuthenticationToken", "Access token validation failure."))
	}
	list := func(have bool, make func(address string) map[string]any) *response {
		users := []any{}
		if address := filteredBy(r, "mail"); have && address != "" {
			users = append(users, make(address))
		}
		return inJSON(http.StatusOK, map[string]any{"@odata.count": len(users), "value": users})
	}
	switch path {
	case "users":
		return list(c.behaviour.User, func(address string) map[string]any {
			plans := []any{record("plan", "$plan", FoundationPlan, "$state", "Enabled")}
			if c.behaviour.Plan != "" {
				state := map[bool]string{false: "Enabled", true: "Suspended"}[c.behaviour.Suspended]
				plans = append(plans, record("plan", "$plan", c.behaviour.Plan, "$state", state))
			}
			user := record("user", "$address", address)
			user["assignedPlans"] = plans
			return user
		})
	case "directory/deletedItems/microsoft.graph.user":
		return list(c.behaviour.Deleted, func(address string) map[string]any {
			return record("deleted", "$address", address, "$at", time.Now().UTC().Add(-12*time.Hour).Format(time.RFC3339))
		})
	case "users/" + record("user")["id"].(string) + "/mailboxSettings":
		if c.behaviour.NoMailbox {
			return inJSON(http.StatusNotFound, graphError("MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox."))
		}
		return inJSON(http.StatusOK, map[string]any{"timeZone": "W. Europe Standard Time"})
	}
	return inJSON(http.StatusNotFound, graphError("Request_ResourceNotFound", "Resource not found."))
}

//go:embed cloud.yaml
var cloudFile string

// cloudData reads the file once, when somebody is answered.
var cloudData = sync.OnceValue(func() (file struct {
	Refusals      map[int]struct{ Error, Says string }
	TokenRefusals map[int]struct{ Error, Says string } `yaml:"token-refusals"`
	Records       map[string]map[string]any
},
) {
	if err := yaml.Unmarshal([]byte(cloudFile), &file); err != nil { // every test reads the file
		panic("standin: cloud.yaml: " + err.Error())
	}
	return file
})

// record is a record of the file, filled with values for its words.
func record(name string, words ...string) map[string]any {
	raw, _ := json.Marshal(cloudData().Records[name]) // what YAML holds always marshals
	for i := 1; i < len(words); i += 2 {
		value, _ := json.Marshal(words[i])
		words[i] = string(value[1 : len(value)-1])
	}
	var filled map[string]any
	_ = json.Unmarshal([]byte(strings.NewReplacer(words...).Replace(string(raw))), &filled)
	return filled
}

func graphError(code, message string) map[string]any {
	return map[string]any{"error": map[string]any{"code": code, "message": message}}
}

func inJSON(status int, v any) *response {
	body, err := json.Marshal(v)
	if err != nil {
		return newResponse(http.StatusInternalServerError)
	}
	return newResponse(status).with("request-id", uuid.NewString()).withBody("application/json; charset=utf-8", string(body))
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
