package cloud

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

const (
	anna   = "anna@contoso.com"
	tenant = "6f1c2a4e-8f0b-4d6e-9a57-3b1d0e5c7a92"
	token  = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJncmFwaCJ9.c2lnbmF0dXJlLW9mLWEtdG9rZW4tdGhhdC1pcy1ub25l"
)

// scripted is a service that answers every request in the same way and keeps
// what it was asked.
type scripted struct {
	url *url.URL
	ca  *x509.CertPool

	mu    sync.Mutex
	asked []*http.Request
}

func script(t *testing.T, answer http.HandlerFunc) *scripted {
	t.Helper()
	s := &scripted{ca: x509.NewCertPool()}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Clone(context.Background()))
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	s.ca.AddCert(server.Certificate())
	var err error
	if s.url, err = url.Parse(server.URL); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scripted) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request{}, s.asked...)
}

func (s *scripted) client() *Client {
	return New(Client{Entra: s.url, ExchangeOnline: s.url, Graph: s.url, Outside: wire.Outside{Extra: s.ca, UserAgent: "ewsprobe/test"}, Token: token, Recorder: ews.NewRecorder(&secret.Vault{}, nil)})
}

// says answers with a status, header lines "Name: value" and a body.
func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Add(name, value)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// here replaces {here} in header lines by the service's own host.
func here(status int, header string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		says(status, "", strings.ReplaceAll(header, "{here}", r.Host))(w, r)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestLocation: what Exchange Online says, and near misses of it.
func TestLocation(t *testing.T) {
	const path = "/autodiscover/autodiscover.json?Email=anna%40contoso.com&Protocol=EWS&RedirectCount=1"
	big := says(200, `{"Url":"https://outlook.office365.com/EWS/Exchange.asmx","ServerLocation":"Exchange Online","x":"`+strings.Repeat("x", 10<<20)+`"}`)
	for _, c := range []struct {
		name     string
		answer   http.HandlerFunc
		location evidence.Location
		redirect string
		problem  string // part of it
	}{
		{"online", says(200, `{"Protocol":"EWS","Url":"https://outlook.office365.com/EWS/Exchange.asmx","ServerLocation":"Exchange Online"}`), "online", "", ""},
		{"online by its URL alone", says(200, `{"Protocol":"EWS","Url":"https://outlook.office365.us/EWS/Exchange.asmx"}`), "online", "", ""},
		{"a server that ignores ServerLocation", says(200, `{"Protocol":"EWS","Url":"https://mail.contoso.com/EWS/Exchange.asmx"}`), "elsewhere", "mail.contoso.com", ""},
		{"a place nobody has heard of", says(200, `{"Url":"https://outlook.office365.com/EWS/Exchange.asmx","ServerLocation":"Mars"}`), "", "", "does not name the place"},
		{"no place", says(200, `{}`), "", "", "does not name the place"},
		{"to itself", here(302, "Location: https://{here}"+path), "unknown", "self", ""},
		{"to itself by a path", here(302, "Location: "+path), "unknown", "self", ""},
		{"to itself under another name", says(302, "", "Location: https://autodiscover-s.outlook.com"+path), "unknown", "autodiscover-s.outlook.com", ""},
		{"on premises", says(302, "", "Location: https://autodiscover.contoso.com"+path), "elsewhere", "autodiscover.contoso.com", ""},
		{"on premises, moved for good", says(301, "", "Location: https://AUTODISCOVER.contoso.com:444"+strings.ToUpper(path)), "elsewhere", "AUTODISCOVER.contoso.com:444", ""},
		{"a captive portal", says(302, "", "Location: https://portal.example/welcome"), "", "portal.example", "not to Autodiscover"},
		{"a sign-in", says(302, "", "Location: https://login.microsoftonline.com/common/oauth2/authorize"), "", "login.microsoftonline.com", "not to Autodiscover"},
		{"nowhere", says(302, ""), "", "", "names no host"},
		{"somewhere odd", says(302, "", "Location: javascript:autodiscover"), "", "", "names no host"},
		{"404 with an error", says(404, `{"ErrorCode":"UserNotFound","ErrorMessage":"The given user is not found."}`), "", "", "HTTP 404, UserNotFound"},
		{"400 with an error", says(400, `{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"no"}`), "", "", "ProtocolNotSupported"},
		{"500", says(500, "sorry"), "", "", "HTTP 500"},
		{"429", says(429, "", "Retry-After: 60"), "", "", "HTTP 429"},
		{"a page", says(200, "<html>Welcome</html>"), "", "", "not the JSON"},
		{"half of it", says(200, `{"Protocol":"EWS","Url":"https://outlook.off`), "", "", "not the JSON"},
		{"another type", says(200, `{"Url":7}`), "", "", "not the JSON"},
		{"nothing", says(200, ""), "", "", "not the JSON"},
		{"10 MB", big, "", "", "longer than 256 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, c.answer)
			item := s.client().Location(within(t, 20*time.Second), anna)
			if item.Error != nil {
				t.Fatal(item.Error)
			}
			f := item.Cloud
			redirect := c.redirect
			if redirect == "self" {
				redirect = s.url.Host
			}
			if f.Location != c.location || f.Redirect != redirect || !strings.Contains(f.Problem, c.problem) || (f.Problem == "") != (c.problem == "") {
				t.Errorf("%+v", f)
			}
			if item.Address != "" || item.Step != evidence.StepCloudLocation || item.ID == "" || item.TLS == nil || item.Timing.Total == nil || item.Response.Body != "" {
				t.Errorf("the item: %+v", item)
			}
			asked := s.requests()
			if len(asked) != 1 {
				t.Fatalf("%d requests: nothing is followed, and nothing tried twice", len(asked))
			}
			if r := asked[0]; r.Method != "GET" || r.URL.Path != "/autodiscover/autodiscover.json/v1.0/"+anna || r.URL.Query().Get("Protocol") != "EWS" || r.Header.Get("Authorization") != "" || r.ContentLength > 0 {
				t.Errorf("asked %s %s %v", r.Method, r.URL, r.Header)
			}
		})
	}
}

// TestNoAnswer: what does not come is a failure in the vocabulary, not a fact.
func TestNoAnswer(t *testing.T) {
	gone := make(chan struct{})
	t.Cleanup(func() { close(gone) })
	hang := script(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	})
	drip := script(t, func(w http.ResponseWriter, r *http.Request) {
		for {
			select {
			case <-r.Context().Done():
				return
			case <-gone:
				return
			case <-time.After(20 * time.Millisecond):
				fmt.Fprint(w, " ")
				w.(http.Flusher).Flush()
			}
		}
	})
	stranger := script(t, says(200, "{}"))
	stranger.ca = nil
	closed := script(t, says(200, "{}"))
	closed.url = &url.URL{Scheme: "https", Host: testkit.Silent(t)}
	clear := script(t, says(200, "{}"))
	clear.url = &url.URL{Scheme: "http", Host: clear.url.Host}
	for _, c := range []struct {
		name    string
		service *scripted
		code    evidence.FailureCode
	}{
		{"silence", hang, evidence.TimedOut},
		{"a byte now and then", drip, evidence.TimedOut},
		{"an unknown issuer", stranger, evidence.TLSUntrusted},
		{"nobody there", closed, evidence.ConnectRefused},
		{"http", clear, evidence.ConnectFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			patience := 30 * time.Second
			if c.code == evidence.TimedOut {
				patience = 300 * time.Millisecond
			}
			for step, item := range map[string]evidence.Item{
				"location": c.service.client().Location(within(t, patience), anna),
				"Graph":    c.service.client().User(within(t, patience), anna),
			} {
				if item.Error == nil || item.Error.Code != c.code || item.Cloud.Location != "" || item.Cloud.Host == "" {
					t.Errorf("%s: %v, %+v", step, item.Error, item.Cloud)
				}
			}
		})
	}
	if asked := stranger.requests(); len(asked) > 0 {
		t.Error("something was sent past an untrusted certificate")
	}
}

func TestDomainTenant(t *testing.T) {
	metadata := func(issuer string) http.HandlerFunc {
		return says(200, `{"issuer":"`+issuer+`","tenant_region_scope":"EU","cloud_instance_name":"microsoftonline.com"}`)
	}
	for _, c := range []struct {
		name    string
		answer  http.HandlerFunc
		want    evidence.Cloud
		problem string
	}{
		{"v2", metadata("https://login.microsoftonline.com/" + tenant + "/v2.0"), evidence.Cloud{Tenant: tenant, Authority: "login.microsoftonline.com", Region: "EU", Instance: "microsoftonline.com"}, ""},
		{"v1, in capitals", metadata("https://sts.windows.net/" + strings.ToUpper(tenant) + "/"), evidence.Cloud{Tenant: tenant, Authority: "sts.windows.net", Region: "EU", Instance: "microsoftonline.com"}, ""},
		{"a common issuer", metadata("https://login.microsoftonline.com/{tenantid}/v2.0"), evidence.Cloud{}, "names no tenant"},
		{"no issuer", says(200, `{}`), evidence.Cloud{}, "names no tenant"},
		{"in no tenant", says(400, `{"error":"invalid_tenant","error_description":"AADSTS90002: Tenant 'contoso.com' not found.","error_codes":[90002]}`), evidence.Cloud{NoTenant: true, Code: "AADSTS90002", Message: "AADSTS90002: Tenant 'contoso.com' not found."}, ""},
		{"in no tenant, by its words", says(400, `{"error":"invalid_tenant","error_description":"AADSTS90002: not found"}`), evidence.Cloud{NoTenant: true, Code: "AADSTS90002", Message: "AADSTS90002: not found"}, ""},
		{"another error", says(400, `{"error":"invalid_request","error_description":"AADSTS900021: no","error_codes":[900021]}`), evidence.Cloud{Code: "invalid_request", Message: "AADSTS900021: no"}, "invalid_request"},
		{"a page", says(200, "<html/>"), evidence.Cloud{}, "not the JSON of Entra"},
		{"a redirect", says(302, "", "Location: https://elsewhere.example/"), evidence.Cloud{}, "HTTP 302"},
		{"503", says(503, `{}`), evidence.Cloud{}, "HTTP 503"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, c.answer)
			f := s.client().DomainTenant(within(t, 20*time.Second), evidence.StepCloudDomainTenant, "contoso.com").Cloud
			if !strings.Contains(f.Problem, c.problem) || (f.Problem == "") != (c.problem == "") {
				t.Errorf("problem %q", f.Problem)
			}
			c.want.Host, c.want.Subject, c.want.Problem, c.want.Detail = s.url.Host, "contoso.com", f.Problem, f.Detail
			if d := cmp.Diff(&c.want, f); d != "" {
				t.Error(d)
			}
			if r := s.requests()[0]; r.URL.Path != "/contoso.com/v2.0/.well-known/openid-configuration" || r.Header.Get("Authorization") != "" {
				t.Errorf("asked %s %v", r.URL, r.Header)
			}
		})
	}
}

// TestDynamicsTenant: the forms in which services of Azure write the challenge,
// and those who only look like Dynamics.
func TestDynamicsTenant(t *testing.T) {
	at := func(host string) string { return "https://" + host + "/" + tenant + "/oauth2/authorize" }
	entra := at("login.microsoftonline.com")
	for _, c := range []struct {
		name      string
		answer    http.HandlerFunc
		tenant    string
		authority string
		problem   string
	}{
		{"as recorded", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+entra+", resource_id=https://contoso.crm4.dynamics.com/"), tenant, "login.microsoftonline.com", ""},
		{"no space after the comma", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+entra+",resource_id=https://contoso.crm4.dynamics.com/"), tenant, "login.microsoftonline.com", ""},
		{"quoted", says(401, "", `WWW-Authenticate: Bearer authorization_uri="`+entra+`", resource_id="https://contoso.crm4.dynamics.com/"`), tenant, "login.microsoftonline.com", ""},
		{"separated by spaces", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+entra+" resource_id=https://contoso.crm4.dynamics.com/"), tenant, "login.microsoftonline.com", ""},
		{"quoted, by spaces", says(401, "", `WWW-Authenticate: bearer authorization_uri="`+entra+`" resource_id="x"`), tenant, "login.microsoftonline.com", ""},
		{"authorization", says(401, "", `WWW-Authenticate: Bearer authorization="`+entra+`", error="invalid_token"`), tenant, "login.microsoftonline.com", ""},
		{"beside another scheme", says(401, "", "WWW-Authenticate: Negotiate", "WWW-Authenticate: Bearer authorization_uri="+entra), tenant, "login.microsoftonline.com", ""},
		{"US Government", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+at("login.microsoftonline.us")), tenant, "login.microsoftonline.us", ""},
		{"China", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+at("login.partner.microsoftonline.cn")), tenant, "login.partner.microsoftonline.cn", ""},
		{"the old name", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+at("LOGIN.windows.net")), tenant, "LOGIN.windows.net", ""},
		{"where --entra-url points", here(401, "WWW-Authenticate: Bearer authorization_uri=https://{here}/"+tenant+"/oauth2/authorize"), tenant, "self", ""},
		{"a stranger", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+at("login.evil.example")), "", "login.evil.example", "is not used"},
		{"a stranger who looks like it", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+at("login.microsoftonline.com.evil.example")), "", "login.microsoftonline.com.evil.example", "is not used"},
		{"a stranger behind a user name", says(401, "", "WWW-Authenticate: Bearer authorization_uri=https://login.microsoftonline.com@evil.example/"+tenant+"/"), "", "evil.example", "is not used"},
		{"at another port", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+at("login.microsoftonline.com:8443")), "", "login.microsoftonline.com:8443", "is not used"},
		{"over http", says(401, "", "WWW-Authenticate: Bearer authorization_uri="+strings.Replace(entra, "https", "http", 1)), "", "login.microsoftonline.com", "not an https URL"},
		{"common", says(401, "", "WWW-Authenticate: Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize"), "", "login.microsoftonline.com", "names no tenant"},
		{"no URI", says(401, "", `WWW-Authenticate: Bearer realm=""`), "", "", "no authorization_uri"},
		{"no challenge", says(401, ""), "", "", "without a Bearer challenge"},
		{"200 with one", says(200, "{}", "WWW-Authenticate: Bearer authorization_uri="+entra), "", "", "HTTP 200"},
		{"404", says(404, ""), "", "", "HTTP 404"},
		{"a redirect to the tenant", says(302, "", "Location: "+entra), "", "", "redirect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, c.answer)
			f := s.client().DynamicsTenant(within(t, 20*time.Second), s.url).Cloud
			authority := c.authority
			if authority == "self" {
				authority = s.url.Host
			}
			if f.Tenant != c.tenant || f.Authority != authority || !strings.Contains(f.Problem, c.problem) || (f.Problem == "") != (c.problem == "") {
				t.Errorf("%+v", f)
			}
			if asked := s.requests(); len(asked) != 1 || asked[0].URL.Path != "/api/data/v9.2/" || asked[0].Header.Get("Authorization") != "" {
				t.Errorf("asked %v", asked)
			}
		})
	}
}

func TestGraphUsers(t *testing.T) {
	const living = `{"id":"1f0e2d3c-4b5a-4968-8776-655443322110","userPrincipalName":"anna@contoso.com","mail":"Anna@contoso.com","proxyAddresses":["SMTP:anna@contoso.com","smtp:a@contoso.com","X500:/o=x"],"createdDateTime":"2019-05-06T07:08:09Z","assignedPlans":[{"capabilityStatus":"Enabled","service":"exchange","servicePlanId":"EFB87545-963c-4e0d-99df-69c6916d9eb0"},{"capabilityStatus":"Deleted","service":"SharePoint","servicePlanId":"x"}]}`
	made := time.Date(2019, 5, 6, 7, 8, 9, 0, time.UTC)
	gone := time.Date(2026, 11, 20, 1, 2, 3, 0, time.UTC)
	deleted := func(principal string) string {
		return `{"value":[{"id":"2","userPrincipalName":"` + principal + `","mail":null,"deletedDateTime":"2026-11-20T01:02:03Z"}]}`
	}
	for _, c := range []struct {
		name    string
		answer  http.HandlerFunc
		want    []evidence.CloudUser
		code    string
		problem string
	}{
		{"one", says(200, `{"@odata.count":1,"value":[`+living+`]}`), []evidence.CloudUser{{
			ID: "1f0e2d3c-4b5a-4968-8776-655443322110", Principal: "anna@contoso.com", Mail: "Anna@contoso.com", Addresses: []string{"anna@contoso.com", "a@contoso.com"},
			Created: &made, PlansRead: true, Plans: []evidence.CloudPlan{{ID: "efb87545-963c-4e0d-99df-69c6916d9eb0", Status: "Enabled"}},
		}}, "", ""},
		{"plans not shown", says(200, `{"value":[{"id":"1","mail":"anna@contoso.com","assignedPlans":null}]}`), []evidence.CloudUser{{ID: "1", Mail: "anna@contoso.com"}}, "", ""},
		{"no plans", says(200, `{"value":[{"id":"1","mail":"anna@contoso.com","assignedPlans":[]}]}`), []evidence.CloudUser{{ID: "1", Mail: "anna@contoso.com", PlansRead: true}}, "", ""},
		{"by a proxy address", says(200, `{"value":[{"id":"1","proxyAddresses":["smtp:ANNA@contoso.com"]}]}`), []evidence.CloudUser{{ID: "1", Addresses: []string{"ANNA@contoso.com"}}}, "", ""},
		{"not by SIP", says(200, `{"value":[{"id":"1","proxyAddresses":["sip:anna@contoso.com"]}]}`), nil, "", ""},
		{"nobody", says(200, `{"value":[]}`), nil, "", ""},
		{"others, unasked", says(200, `{"value":[{"id":"1","mail":"joanna@contoso.com"},{"id":"2","userPrincipalName":"bob@contoso.com"}]}`), nil, "", ""},
		{"deleted", says(200, deleted("a0b1c2d3e4f5061728394a5b6c7d8e9fanna@contoso.com")), []evidence.CloudUser{{ID: "2", Principal: "anna@contoso.com", Deleted: &gone}}, "", ""},
		{"another one deleted", says(200, deleted("a0b1c2d3e4f5061728394a5b6c7d8e9fjoanna@contoso.com")), nil, "", ""},
		{"refused", says(403, `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`), nil, "Authorization_RequestDenied", "HTTP 403, Authorization_RequestDenied"},
		{"expired", says(401, `{"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed."}}`), nil, "InvalidAuthenticationToken", "InvalidAuthenticationToken"},
		{"no JSON", says(200, "<html/>"), nil, "", "not the JSON"},
		{"other JSON", says(200, `{"error":{"code":"x"}}`), nil, "", "not the JSON"},
		{"a redirect", says(307, "", "Location: https://evil.example/"), nil, "", "HTTP 307"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, c.answer)
			for _, item := range []evidence.Item{s.client().User(within(t, 20*time.Second), anna), s.client().Deleted(within(t, 20*time.Second), anna)} {
				f := item.Cloud
				if d := cmp.Diff(c.want, f.Users); d != "" || f.Code != c.code || !strings.Contains(f.Problem, c.problem) || (f.Problem == "") != (c.problem == "") {
					t.Errorf("%s: %s\n%+v", item.Step, d, f)
				}
				if item.Request.Authorization != "Bearer, value not kept" || item.Response.Body != "" {
					t.Errorf("%+v", item.Request)
				}
			}
			asked := s.requests()
			if len(asked) != 2 {
				t.Fatalf("%d requests", len(asked))
			}
			for _, r := range asked {
				if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("ConsistencyLevel") != "eventual" || r.URL.Query().Get("$count") != "true" || strings.Contains(r.URL.RawQuery, "+") {
					t.Errorf("asked %s %v", r.URL, r.Header)
				}
			}
		})
	}
}

// TestQuoting: an address cannot leave its place in a filter or a path.
func TestQuoting(t *testing.T) {
	s := script(t, says(200, `{"value":[]}`))
	const odd = "o'neil/../?&%+#@contoso.com"
	s.client().User(within(t, 20*time.Second), odd)
	s.client().Location(within(t, 20*time.Second), odd)
	asked := s.requests()
	if got := asked[0].URL.Query().Get("$filter"); got != "mail eq 'o''neil/../?&%+#@contoso.com' or userPrincipalName eq 'o''neil/../?&%+#@contoso.com' or proxyAddresses/any(p:p eq 'smtp:o''neil/../?&%+#@contoso.com')" {
		t.Errorf("filter %s", got)
	}
	if got := asked[1].URL.EscapedPath(); got != "/autodiscover/autodiscover.json/v1.0/"+url.PathEscape(odd) && asked[1].URL.Path != "/autodiscover/autodiscover.json/v1.0/"+odd {
		t.Errorf("path %s", got)
	}
}

// TestNoTokenLeaves: a service that repeats the token is not repeated, with a
// short password beside it too, for whose sake nothing else is looked for yet.
func TestNoTokenLeaves(t *testing.T) {
	s := script(t, func(w http.ResponseWriter, r *http.Request) {
		_, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		says(403, `{"error":{"code":"`+sent+`","message":"`+url.QueryEscape(sent)+`"},"value":[{"id":"`+sent+`","mail":"anna@contoso.com"}]}`,
			"Location: https://x.example/"+sent, "request-id: "+sent, "WWW-Authenticate: Bearer error=\""+sent+"\"", "Set-Cookie: t="+sent)(w, r)
	})
	vault := &secret.Vault{}
	vault.AddText("abc")
	c := s.client()
	c = New(Client{Graph: c.Graph, Outside: wire.Outside{Extra: c.Extra}, Token: token, Recorder: ews.NewRecorder(vault, nil)})
	for _, item := range []evidence.Item{c.User(within(t, 20*time.Second), anna), c.Deleted(within(t, 20*time.Second), anna), c.Settings(within(t, 20*time.Second), evidence.CloudUser{ID: "1"})} {
		raw, err := evidence.Encode(item)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{token, token[20:40], token[50:]} {
			if strings.Contains(string(raw), part) {
				t.Errorf("%s holds %q: %s", item.Step, part, raw)
			}
		}
		if item.Cloud.Code != secret.Withheld {
			t.Errorf("code %q", item.Cloud.Code)
		}
	}
}

// TestEnvironmentProxy: a tunnel is asked for; without the user name and the
// password that are in its URL, and only from an http proxy.
func TestEnvironmentProxy(t *testing.T) {
	s := script(t, says(200, `{"Url":"https://outlook.office365.com/EWS/Exchange.asmx","ServerLocation":"Exchange Online"}`))
	var mu sync.Mutex
	var connects []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		connects = append(connects, r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
		mu.Unlock()
		if r.Header.Get("Proxy-Authorization") != "" {
			return
		}
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	t.Cleanup(proxy.Close)
	for _, c := range []struct {
		name, url string
		err       error
		code      evidence.FailureCode
		connects  int
	}{
		{"none", "", nil, "", 0},
		{"one that wants a sign-in", strings.Replace(proxy.URL, "http://", "http://svc:S3cret@", 1), nil, evidence.ProxyAuth, 1},
		{"SOCKS", "socks5://127.0.0.1:1080", nil, evidence.ProxyRefused, 0},
		{"no URL", "", errors.New(`invalid proxy address "http://svc:S3cret@:x"`), evidence.ProxyRefused, 0},
	} {
		mu.Lock()
		connects = nil
		mu.Unlock()
		client := s.client()
		client.Proxy = func(asked *url.URL) (*url.URL, error) {
			if asked.Host != s.url.Host {
				t.Errorf("the proxy for %s is asked for", asked)
			}
			if c.url == "" {
				return nil, c.err
			}
			return url.Parse(c.url)
		}
		item := client.Location(within(t, 20*time.Second), anna)
		var code evidence.FailureCode
		if item.Error != nil {
			code = item.Error.Code
		}
		mu.Lock()
		connects := connects
		mu.Unlock()
		if code != c.code || len(connects) != c.connects || (c.code == "") != (item.Cloud.Location == evidence.LocationOnline) {
			t.Errorf("%s: %v, %q", c.name, item.Error, connects)
		}
		if raw, _ := evidence.Encode(item); strings.Contains(string(raw), "S3cret") {
			t.Errorf("%s: %s", c.name, raw)
		}
		for _, line := range connects {
			if line != "CONNECT "+s.url.Host+" " {
				t.Errorf("%s: %q", c.name, line)
			}
		}
	}
}

// FuzzAnswers: whatever comes, reading it ends, and a tenant is a GUID.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"Url":"https://outlook.office365.com/","ServerLocation":"Exchange Online","issuer":"https://sts.windows.net/`+tenant+`/"}`, `Bearer authorization_uri=https://login.windows.net/`+tenant+`/oauth2/authorize`)
	f.Add(302, "", "https://autodiscover.contoso.com/autodiscover/autodiscover.json")
	f.Add(400, `{"error_codes":[90002],"error":{"code":"x"}}`, "")
	f.Add(200, `{"value":[{"id":"1","mail":"anna@contoso.com","assignedPlans":[{"service":"exchange"}]}]}`, "Bearer")
	asked := &url.URL{Scheme: "https", Host: "outlook.office365.com", Path: "/"}
	f.Fuzz(func(t *testing.T, status int, body, header string) {
		r := &evidence.Response{Status: status, Headers: [][2]string{{"Location", header}, {"WWW-Authenticate", header}}}
		for i, read := range []func(*evidence.Cloud){
			func(f *evidence.Cloud) { readLocation(asked, r, []byte(body), f) },
			func(f *evidence.Cloud) { readDomainTenant(r, []byte(body), f) },
			func(f *evidence.Cloud) { readDynamics(asked, r, f) },
			func(f *evidence.Cloud) { readUsers(anna, r, []byte(body), f) },
		} {
			var facts evidence.Cloud
			read(&facts)
			if facts.Tenant != "" && !front.IsGUID(facts.Tenant) {
				t.Errorf("%d: tenant %q", i, facts.Tenant)
			}
			if facts.Location != "" && facts.Problem != "" || len(facts.Users) > maxUsers {
				t.Errorf("%d: %+v", i, facts)
			}
		}
	})
}
