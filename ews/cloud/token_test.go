package cloud

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

const (
	appID = "3e0cfa54-91d7-4b0c-8c62-f0b1a6d2e497"
	key   = "kQ8~S3cret+of&the=application~Value.1-x"
)

func (s *scripted) applying() *Client {
	return New(Client{
		Entra: s.url, Graph: s.url, Outside: wire.Outside{Extra: s.ca, UserAgent: "ewsprobe/test"}, Recorder: ews.NewRecorder(&secret.Vault{}, nil),
		Application: entra.Application{Tenant: "contoso.com", ID: appID, Secret: key},
	})
}

// requested is what the recorder holds of the request for a token.
func requested(t *testing.T, c *Client) evidence.Item {
	t.Helper()
	items := c.Recorder.Items()
	if len(items) == 0 || items[0].Step != evidence.StepCloudToken {
		t.Fatalf("%+v", items)
	}
	raw, err := evidence.Encode(items[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{key, key[10:], key[:8], url.QueryEscape(key), token, token[20:40]} {
		if strings.Contains(string(raw), part) {
			t.Errorf("%q is in the record: %s", part, raw)
		}
	}
	return items[0]
}

// TestToken: what Entra says to an application, and who only looks like it.
func TestToken(t *testing.T) {
	refused := func(status int, code, words string) http.HandlerFunc {
		return says(status, `{"error":"`+code+`","error_description":"`+words+` Trace ID: 1","error_codes":[1]}`, "Content-Type: application/json; charset=utf-8")
	}
	inJSON := func(status int, body string) http.HandlerFunc {
		return says(status, body, "Content-Type: application/json; charset=utf-8")
	}
	granted := `{"token_type":"Bearer","expires_in":3599,"access_token":"` + token + `"}`
	for _, c := range []struct {
		name    string
		answer  http.HandlerFunc
		granted bool
		code    string
		problem string
	}{
		{"granted", inJSON(200, granted), true, "", ""},
		{"granted, without the type of the content", says(200, granted, "Content-Type: "), true, "", ""},
		{"wrong secret", refused(401, "invalid_client", "AADSTS7000215: Invalid client secret provided."), false, "AADSTS7000215", "HTTP 401, AADSTS7000215: the client secret is wrong; its value is needed, not its ID"},
		{"expired secret", refused(401, "invalid_client", "AADSTS7000222: The provided client secret keys are expired."), false, "AADSTS7000222", "has expired"},
		{"unknown client", refused(400, "unauthorized_client", "AADSTS700016: Application was not found."), false, "AADSTS700016", "no such application"},
		{"unknown tenant", refused(400, "invalid_request", "AADSTS90002: Tenant not found."), false, "AADSTS90002", "no such tenant"},
		{"an error that nobody knows", refused(400, "invalid_request", "AADSTS123456: what"), false, "AADSTS123456", "HTTP 400, AADSTS123456"},
		{"an error without a number", refused(400, "temporarily_unavailable", "later"), false, "temporarily_unavailable", "HTTP 400, temporarily_unavailable"},
		{"an error with 200", refused(200, "invalid_client", "AADSTS7000215: no"), false, "AADSTS7000215", "HTTP 200, AADSTS7000215"},
		{"503", says(503, ""), false, "", "HTTP 503"},
		{"a redirect", says(307, "", "Location: https://{elsewhere}/"), false, "", "HTTP 307"},
		{"a page", says(200, "<html/>", "Content-Type: text/html"), false, "", "not the JSON of Entra"},
		{"a page in words", says(200, "Welcome", "Content-Type: text/plain"), false, "", "not the JSON of Entra"},
		{"half of it", inJSON(200, granted[:40]), false, "", "not the JSON of Entra"},
		{"no token", inJSON(200, `{"token_type":"Bearer"}`), false, "", "not the JSON of Entra"},
		{"a token of another type", inJSON(200, strings.Replace(granted, "Bearer", "MAC", 1)), false, "", "has no access token"},
		{"a token that is none", inJSON(200, `{"token_type":"Bearer","access_token":"contoso.com"}`), false, "", "has no access token"},
		{"a token with a line in it", inJSON(200, `{"token_type":"Bearer","access_token":"`+token+`\r\nX-Y: z"}`), false, "", "has no access token"},
		{"10 MB", inJSON(200, `{"access_token":"`+strings.Repeat("a", 10<<20)+`"}`), false, "", "longer than 256 KiB"},
		{"the secret in its place", says(401, `{"error":"`+key+`","error_description":"AADSTS7000215: `+strings.Repeat("x", 275)+" "+key+`"}`, "x-ms-request-id: "+key, "Content-Type: application/json"), false, "AADSTS7000215", "AADSTS7000215"},
		{"the secret percent-encoded", says(401, `{"error":"invalid_client","error_description":"`+url.QueryEscape(key)+`"}`, "Content-Type: application/json"), false, "invalid_client", "HTTP 401"},
		{"the secret as the token", inJSON(200, `{"token_type":"Bearer","access_token":"`+url.QueryEscape(key)+`"}`), false, "", "has no access token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, c.answer)
			client := s.applying()
			if got := client.Authorize(within(t, 20*time.Second)); got != c.granted {
				t.Errorf("granted: %v", got)
			}
			client.Authorize(within(t, 20*time.Second)) // not asked again
			item := requested(t, client)
			if f := item.Cloud; f.Code != c.code || !strings.Contains(f.Problem, c.problem) || (f.Problem == "") != (c.problem == "") || item.Error != nil || f.Subject != appID {
				t.Errorf("%+v, %v", f, item.Error)
			}
			if q := item.Request; q == nil || q.Method != "POST" || q.BodyBytes != 0 || q.Authorization != "client secret, value not kept" || item.Response.Body != "" || item.TLS == nil {
				t.Errorf("%+v", q)
			}
			asked := s.requests()
			if len(asked) != 1 {
				t.Fatalf("%d requests: nothing is followed, and nothing tried twice", len(asked))
			}
			if r := asked[0]; r.Method != "POST" || r.URL.Path != "/contoso.com/oauth2/v2.0/token" || r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" || r.Header.Get("User-Agent") != "ewsprobe/test" {
				t.Errorf("asked %s %s %v", r.Method, r.URL, r.Header)
			}
		})
	}
}

// TestTokenForm: what goes in the body, and the token to Graph afterwards.
func TestTokenForm(t *testing.T) {
	var mu sync.Mutex
	var form url.Values
	s := script(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = r.ParseForm()
			mu.Lock()
			form = r.PostForm
			mu.Unlock()
			says(200, `{"token_type":"Bearer","access_token":"`+token+`"}`, "Content-Type: application/json")(w, r)
			return
		}
		says(200, `{"value":[]}`)(w, r)
	})
	client := s.applying()
	var all sync.WaitGroup
	for range 2 { // beside each other, as a check asks
		all.Go(func() { client.User(within(t, 20*time.Second), anna) })
	}
	all.Wait()
	mu.Lock()
	defer mu.Unlock()
	want := url.Values{"grant_type": {"client_credentials"}, "client_id": {appID}, "client_secret": {key}, "scope": {s.url.String() + "/.default"}}
	if form.Encode() != want.Encode() {
		t.Errorf("form %v", form)
	}
	posts, gets := 0, 0
	for _, r := range s.requests() {
		if r.Method == "POST" {
			posts++
		} else if gets++; r.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("%s with %q", r.URL, r.Header.Get("Authorization"))
		}
	}
	if posts != 1 || gets != 2 {
		t.Errorf("%d requests for a token, %d with it", posts, gets)
	}
	requested(t, client)
}

// A redirect is not followed: the secret would go with it.
func TestTokenIsNotRedirected(t *testing.T) {
	elsewhere := script(t, says(200, `{"token_type":"Bearer","access_token":"`+token+`"}`))
	for _, status := range []int{301, 302, 303, 307, 308} {
		// All of httptest have one certificate, so elsewhere would be trusted too.
		s := script(t, says(status, "", "Location: "+elsewhere.url.String()+"/x"))
		client := s.applying()
		if client.Authorize(within(t, 20*time.Second)) || len(s.requests()) != 1 || requested(t, client).Cloud.Problem == "" {
			t.Errorf("%d: %d requests", status, len(s.requests()))
		}
	}
	if n := len(elsewhere.requests()); n != 0 {
		t.Errorf("%d requests elsewhere", n)
	}
}

// Without an answer there is no token, and Graph is not asked.
func TestTokenNoAnswer(t *testing.T) {
	gone := make(chan struct{})
	t.Cleanup(func() { close(gone) })
	hang := script(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it seen that the client has gone
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	})
	stranger := script(t, says(200, "{}"))
	stranger.ca = nil
	clear := script(t, says(200, "{}"))
	clear.url = &url.URL{Scheme: "http", Host: clear.url.Host}
	for _, c := range []struct {
		name    string
		service *scripted
		code    evidence.FailureCode
		asked   int
	}{
		{"silence", hang, evidence.TimedOut, 1},
		{"an unknown issuer", stranger, evidence.TLSUntrusted, 0},
		{"http", clear, evidence.ConnectFailed, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := c.service.applying()
			graph := client.User(within(t, 500*time.Millisecond), anna)
			item := requested(t, client)
			if item.Error == nil || item.Error.Code != c.code || item.Cloud.Problem != "" || graph.Request != nil || graph.Cloud.Problem == "" {
				t.Errorf("%v, %+v; Graph %+v", item.Error, item.Cloud, graph.Cloud)
			}
			if n := len(c.service.requests()); n != c.asked {
				t.Errorf("%d requests", n)
			}
		})
	}
}
