package web

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/ewsprobe/ewsprobe/probe/agent"
)

// Who may act: the connection comes from this machine to this machine, or a user of
// web_config was asked for; and no page of another origin is behind it.
func TestWhoMayAct(t *testing.T) {
	users := filepath.Join(t.TempDir(), "web.yml")
	// htpasswd -nbBC 10 "" test
	if err := os.WriteFile(users, []byte("basic_auth_users: {anna: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		name   string
		config string
		change func(*http.Request)
		want   int
	}{
		{"curl on this machine", "", func(r *http.Request) {}, 202},
		{"curl to localhost", "", func(r *http.Request) { r.Host = "localhost:9719" }, 202},
		{"curl by IPv6", "", func(r *http.Request) { r.Host, r.RemoteAddr = "[::1]:9719", "[::1]:50000" }, 202},
		{"the agent's own page", "", func(r *http.Request) {
			r.Header.Set("Origin", "http://127.0.0.1:9719")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}, 202},
		{"typed by the user", "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }, 202},
		{"a page elsewhere", "", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		{"a page elsewhere, that hides it", "", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		{"an empty origin", "", func(r *http.Request) { r.Header.Set("Origin", "") }, 403},
		{"another port of this machine", "", func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:8080") }, 403},
		{"another scheme", "", func(r *http.Request) { r.Header.Set("Origin", "https://127.0.0.1:9719") }, 403},
		{"two origins", "", func(r *http.Request) {
			r.Header["Origin"] = []string{"http://127.0.0.1:9719", "https://evil.example"}
		}, 403},
		{"another site", "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		{"the same site, another origin", "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		{"a name that leads here", "", func(r *http.Request) {
			r.Host = "rebound.evil.example:9719"
			r.Header.Set("Origin", "http://rebound.evil.example:9719")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}, 403},
		{"a name that begins so", "", func(r *http.Request) { r.Host = "127.0.0.1.evil.example" }, 403},
		{"another machine", "", func(r *http.Request) { r.RemoteAddr = "192.0.2.7:50000" }, 403},
		{"another machine, a user", users, func(r *http.Request) { r.RemoteAddr, r.Host = "192.0.2.7:50000", "agent.contoso.com" }, 202},
		{"a user, a page elsewhere", users, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		{"web_config is gone", filepath.Join(t.TempDir(), "none.yml"), func(r *http.Request) {}, 403},
		{"the agent's own page over TLS", users, func(r *http.Request) {
			r.TLS, r.Host = &tls.ConnectionState{}, "agent.contoso.com"
			r.Header.Set("Origin", "https://agent.contoso.com")
		}, 202},
	} {
		s, a, _ := started(t, func(_ *fakeAgent, _ *fakeHistory, o *Options) { o.WebConfig = one.config })
		for _, path := range []string{"/api/v1/targets/mail-inside/run", "/api/v1/targets/mail-inside/release", "/-/reload", "/api/v1/targets/mail-inside/silence"} {
			body := ""
			if filepath.Base(path) == "silence" {
				body = `{"for":"1h"}`
			}
			r := request(http.MethodPost, path, body)
			one.change(r)
			w := ask(s, r)
			if told := a.done(); (w.Code == 403) != (one.want == 403) || (told == "") != (one.want == 403) {
				t.Errorf("%s, %s: %d, the agent was told %q", one.name, path, w.Code, told)
			}
		}
	}
}

// What is not a POST changes nothing, and what is none is told so.
func TestOtherMethods(t *testing.T) {
	s, a, _ := started(t, nil)
	for _, r := range s.routes() {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
			if method == r.method || method == http.MethodHead && r.method == http.MethodGet {
				continue
			}
			path := filled(r.path)
			w := ask(s, request(method, path, ""))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	if told := a.done(); told != "" {
		t.Errorf("the agent was told %s", told)
	}
}

// Reading tells the agent nothing: a page, a scrape and the API cause no run.
func TestReadingCausesNothing(t *testing.T) {
	s, a, _ := started(t, nil)
	for _, r := range s.routes() {
		if r.method == http.MethodGet {
			ask(s, request(http.MethodGet, filled(r.path), ""))
		}
	}
	if told := a.done(); told != "" {
		t.Errorf("the agent was told %s", told)
	}
}

func TestActions(t *testing.T) {
	s, a, _ := started(t, nil)
	for _, one := range []struct {
		path, body, kind string
		accept           string
		code             int
		told             string
	}{
		{"mail-inside/run", "", "", "", 202, "run mail-inside with credential"},
		{"mail-inside/run", "{}", "application/json", "", 202, "run mail-inside with credential"},
		{"mail-inside/run", `{"credential": false}`, "application/json", "", 202, "run mail-inside"},
		{"mail-inside/run", `{"credential": false}`, "application/x-www-form-urlencoded", "*/*", 202, "run mail-inside"}, // curl -d
		{"mail-inside/run", "credential=false", "application/x-www-form-urlencoded", "text/html", 303, "run mail-inside"},
		{"mail-inside/run", `{"credential": "no"}`, "application/json", "", 400, ""},
		{"mail-inside/run", `{"url": "https://evil.example"}`, "application/json", "", 400, ""},
		{"mail-inside/run", `{} {}`, "application/json", "", 400, ""},
		{"mail-inside/release", "", "application/x-www-form-urlencoded", "text/html", 303, "release mail-inside"},
		{"mail-inside/silence", `{"for": "2h"}`, "application/json", "", 200, "silence mail-inside 2h0m0s"},
		{"mail-inside/silence", `for=0s`, "application/x-www-form-urlencoded", "text/html", 303, "silence mail-inside 0s"},
		{"mail-inside/silence", `{"for": "-2h"}`, "application/json", "", 400, ""},
		{"mail-inside/silence", `{"for": 7200}`, "application/json", "", 400, ""},
		{"mail-inside/silence", `{"for": "9000h"}`, "application/json", "", 400, ""},
		{"none/run", "", "", "", 404, ""},
	} {
		r := request(http.MethodPost, "/api/v1/targets/"+one.path, one.body)
		r.Header.Set("Content-Type", one.kind)
		r.Header.Set("Accept", one.accept)
		w := ask(s, r)
		if told := a.done(); w.Code != one.code || told != one.told {
			t.Errorf("%s %s: %d, the agent was told %q", one.path, one.body, w.Code, told)
		}
		if one.code == 303 && w.Header().Get("Location") != "/targets/mail-inside" {
			t.Errorf("%s leads to %s", one.path, w.Header().Get("Location"))
		}
	}
	a.err = agent.ErrWithheld
	if w := ask(s, request(http.MethodPost, "/api/v1/targets/mail-inside/run", "")); w.Code != http.StatusConflict {
		t.Errorf("withheld: %d", w.Code)
	}
	if w := ask(s, request(http.MethodGet, "/readyz", "")); w.Code != http.StatusServiceUnavailable {
		t.Errorf("not ready: %d", w.Code)
	}
	if w := ask(s, request(http.MethodGet, "/healthz", "")); w.Code != http.StatusOK {
		t.Errorf("lives: %d", w.Code)
	}
}
