package main

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// cloudScenario starts a scenario's server, with a change to its cloud.
func cloudScenario(t *testing.T, name string, change func(*standin.Cloud)) (*standin.Server, standin.Check) {
	t.Helper()
	s, ok := standin.Find(name)
	if !ok {
		t.Fatal("no such scenario")
	}
	c := *s.Behaviour.Cloud
	change(&c)
	s.Behaviour.Cloud = &c
	return begin(t, s.Behaviour, standin.Options{}), s.Check
}

// tokenForms are the token and what a cut piece of it looks like.
func tokenForms() map[string]string {
	forms := map[string]string{}
	for name, part := range map[string]string{"token": standin.Token, "signature": standin.Token[strings.LastIndex(standin.Token, ".")+1:], "payload": strings.Split(standin.Token, ".")[1]} {
		for form, text := range spellings(part) {
			forms[name+", "+form] = text
		}
	}
	forms["Basic-like"] = base64.StdEncoding.EncodeToString([]byte("Bearer " + standin.Token))
	return forms
}

// Promise 2 for the token: in no output, whether Graph takes it, refuses it or
// repeats it everywhere, with a redirect to another host in its answer too.
func TestNoLeakOfTheToken(t *testing.T) {
	slow(t)
	for name, change := range map[string]func(*standin.Cloud){
		"taken":    func(*standin.Cloud) {},
		"repeated": func(c *standin.Cloud) { c.Echo = true },
	} {
		for _, scenario := range []string{"cloud-ruled-out", "online-ruled-out"} {
			t.Run(name+" in "+scenario, func(t *testing.T) {
				t.Parallel()
				server, check := cloudScenario(t, scenario, change)
				silent(t, lineTo(server, check).args(t), tokenForms)
				authorized := 0
				for _, q := range server.CloudRequests() {
					graph := strings.HasPrefix(q.Path, "/v1.0/")
					if q.Authorized != graph {
						t.Errorf("%s %s carried a credential: %v", q.Method, q.Path, q.Authorized)
					}
					if q.Method != "GET" {
						t.Errorf("%s %s", q.Method, q.Path)
					}
					if q.Authorized {
						authorized++
					}
				}
				if authorized == 0 {
					t.Error("no token was sent: this shows nothing")
				}
				for _, q := range server.View().Requests {
					if q.Message == standin.MessageBearer {
						t.Error("the token reached EWS")
					}
				}
			})
		}
	}
}

// The same for an application's secret, which goes to the token endpoint alone,
// and for the token that it buys.
func TestNoLeakOfTheSecret(t *testing.T) {
	slow(t)
	forms := func() map[string]string {
		all := tokenForms()
		for name, part := range map[string]string{"secret": standin.ApplicationSecret, "old secret": standin.OldSecret, "tail": standin.OldSecret[24:]} {
			for form, text := range spellings(part) {
				all[name+", "+form] = text
			}
		}
		return all
	}
	for name, change := range map[string]func(*standin.Cloud){
		"taken":    func(*standin.Cloud) {},
		"repeated": func(c *standin.Cloud) { c.Echo = true },
	} {
		for _, scenario := range []string{"cloud-application", "cloud-application-expired"} {
			t.Run(name+" in "+scenario, func(t *testing.T) {
				t.Parallel()
				server, check := cloudScenario(t, scenario, change)
				silent(t, lineTo(server, check).args(t), forms)
				secrets, tokens := 0, 0
				for _, q := range server.CloudRequests() {
					endpoint, graph := q.Path == "/"+standin.Tenant+"/oauth2/v2.0/token", strings.HasPrefix(q.Path, "/v1.0/")
					if q.Secret != endpoint || q.Authorized != graph || (q.Method == "POST") != endpoint {
						t.Errorf("%s %s carried a secret: %v, a token: %v", q.Method, q.Path, q.Secret, q.Authorized)
					}
					if q.Secret {
						secrets++
					}
					if q.Authorized {
						tokens++
					}
				}
				const runs = 2
				if secrets != runs || (tokens > 0) != (name == "taken" && scenario == "cloud-application") {
					t.Errorf("%d requests with the secret, %d with a token", secrets, tokens)
				}
			})
		}
	}
}

// Nothing is looked up without one of the flags, whatever the base URLs say.
func TestNoLookUpUnasked(t *testing.T) {
	t.Parallel()
	server, check := cloudScenario(t, "cloud-ruled-out", func(*standin.Cloud) {})
	check.Cloud = false
	r := program{}.run(t, lineTo(server, check).args(t, asJSON, "--entra-url", server.CloudURL(), "--exchange-online-url", server.CloudURL(), "--graph-url", server.CloudURL())...).report(t)
	if got := server.CloudRequests(); len(got) > 0 || r.Verdict.Code != "ok" {
		t.Errorf("%s, and the cloud was asked %v", r.Verdict.Code, got)
	}
}

// --insecure is for EWS alone: a cloud with an unknown certificate is told
// nothing.
func TestInsecureIsNotForTheCloud(t *testing.T) {
	t.Parallel()
	server, check := cloudScenario(t, "cloud-ruled-out", func(*standin.Cloud) {})
	check.NoCA, check.Insecure = true, true
	r := program{}.run(t, lineTo(server, check).args(t, asJSON)...).report(t)
	if got := server.CloudRequests(); len(got) > 0 {
		t.Errorf("the cloud was asked %v", got)
	}
	// Even so the mailbox here answers; of what was to be looked up only that
	// is undetermined which nothing else decides.
	if r.Verdict.Code != "tls-untrusted" || r.Verdict.Status != "warning" || r.Causes[5].Status != "undetermined" {
		t.Errorf("%+v %+v", r.Verdict, r.Causes)
	}
}

// A look-up ends a second before the check, and endless answers end it earlier.
func TestCloudCannotHoldUp(t *testing.T) {
	slow(t)
	t.Parallel()
	server, check := cloudScenario(t, "cloud-ruled-out", func(c *standin.Cloud) { c.Hazard = standin.HazardHuge })
	r := program{}.run(t, lineTo(server, check).args(t, asJSON)...).report(t)
	if r.Verdict.Code != "ok" || r.Causes[5].Status != "undetermined" || !strings.Contains(r.Causes[5].Why, "256 KiB") {
		t.Errorf("%+v %+v", r.Verdict, r.Causes[5])
	}
}

// The environment's proxy is for the hosts of the cloud alone. It resolves their
// names: those used here exist nowhere.
func TestEnvironmentProxyIsForTheCloudAlone(t *testing.T) {
	t.Parallel()
	server, check := cloudScenario(t, "mailbox-online", func(*standin.Cloud) {})
	cloud := strings.TrimPrefix(server.CloudURL(), "https://")
	var mu sync.Mutex
	asked := map[string]int{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.Method+" "+r.Host]++
		mu.Unlock()
		behind, err := net.Dial("tcp", cloud)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer behind.Close()
		w.WriteHeader(http.StatusOK)
		front, read, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer front.Close()
		go func() {
			_, _ = io.Copy(behind, read) // the server may have read a byte of the tunnel already
			_ = behind.Close()
		}()
		_, _ = io.Copy(front, behind)
	}))
	t.Cleanup(proxy.Close)
	_, port, _ := net.SplitHostPort(cloud)
	l := lineTo(server, check)
	l.CloudURL = "https://" + net.JoinHostPort(standin.CloudHost, port)
	r := program{alone: true, env: []string{"HTTPS_PROXY=" + proxy.URL, "HTTP_PROXY=" + proxy.URL, "NO_PROXY="}}.run(t, l.args(t, asJSON)...).report(t)
	if r.Verdict.Code != "mailbox-online" || r.Verdict.Confidence != "confirmed" {
		t.Errorf("%+v", r.Verdict)
	}
	mu.Lock()
	defer mu.Unlock()
	// A look-up can end, at its limit of time, between the CONNECT and its request;
	// a request without a CONNECT went past the proxy.
	if want := "CONNECT " + net.JoinHostPort(standin.CloudHost, port); len(asked) != 1 || asked[want] < len(server.CloudRequests()) || len(server.CloudRequests()) == 0 {
		t.Errorf("the proxy was asked %v, the cloud %d times", asked, len(server.CloudRequests()))
	}
	if server.View().GoodLogons == 0 {
		t.Error("EWS was not reached")
	}
}
