package notify

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/testkit"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// hook is a web hook with the address in a file, as a configuration names it.
func hook(t *testing.T, address string) webhook {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hook.txt")
	if err := os.WriteFile(file, []byte(address+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return webhook{Webhook: &agentfile.Webhook{URLFile: file}, version: "1.2.3"}
}

// sample is a notification about everything that can be said.
func sample() Notification {
	t := &agent.Target{
		Name: "mail-inside", Labels: map[string]string{"site": "fra"}, State: agent.State{
			Status: finding.Critical, Code: "basic-disabled", Summary: "Basic is off", Since: begin,
			Changed: []history.Change{{What: "schemes", After: []string{"Negotiate"}, Before: []string{"Negotiate", "Basic"}}},
		},
	}
	return newNotification(Problem, agent.Event{At: begin.Add(20 * time.Minute), Target: shows(t, []finding.Remedy{
		{Text: "Look first", Command: "Get-A\nGet-B"}, {Text: "Read on", Link: "https://learn.microsoft.com"},
	})})
}

// shows is a target with a whole run whose report has its verdict and remedies.
func shows(t *agent.Target, remedies []finding.Remedy) *agent.Target {
	t.Whole = &agent.Seen{Report: &report.Report{
		Verdict:  finding.Verdict{Status: t.Status, Code: t.Code},
		Findings: []finding.Finding{{Status: t.Status, Code: t.Code, Remedies: remedies}},
	}}
	return t
}

func TestWebhookBody(t *testing.T) {
	var request *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		request = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	if err := hook(t, server.URL+"/hook?sig=secret").send(t.Context(), "ewsprobe.1.7", sample()); err != nil {
		t.Fatal(err)
	}
	want := `{"schema":"ewsprobe/notification/1","kind":"problem","target":"mail-inside","status":"critical","code":"basic-disabled",` +
		`"summary":"Basic is off","since":"2026-11-28T22:00:00Z","labels":{"site":"fra"},"remedies":[{"text":"Look first","command":"Get-A\nGet-B","link":null},` +
		`{"text":"Read on","command":null,"link":"https://learn.microsoft.com"}]}`
	if string(body) != want {
		t.Errorf("the body is\n%s, want\n%s", body, want)
	}
	if h := request.Header; request.Method != "POST" || h.Get("Content-Type") != "application/json" || h.Get("Idempotency-Key") != "ewsprobe.1.7" || request.RequestURI != "/hook?sig=secret" {
		t.Errorf("%s %s %v", request.Method, request.RequestURI, h)
	}
}

func TestWebhookOverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	h := hook(t, server.URL)
	if err := h.send(t.Context(), "", sample()); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Errorf("an untrusted certificate: %v", err)
	}
	h.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(h.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.send(t.Context(), "", sample()); err != nil {
		t.Error(err)
	}
}

// A delivery fails where nobody took the notification, and the error tells nothing of
// the address, which is a secret: not the path, not even the host.
func TestWebhookFails(t *testing.T) {
	followed := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer elsewhere.Close()
	answers := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL+"/t0ps3cret")
			w.WriteHeader(status)
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		address string
	}{
		{"redirect 301", answers(301), ""},
		{"redirect 307", answers(307), ""},
		{"redirect 308", answers(308), ""},
		{"400", answers(400), ""},
		{"404", answers(404), ""},
		{"500", answers(500), ""},
		{"no answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ""},
		{"endless headers", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		}, ""},
		{"nobody listens", nil, "http://" + testkit.Silent(t)},
		{"no such name", nil, "https://t0ps3cret.invalid"},
		{"http beyond this machine", nil, "http://192.0.2.1"},
		{"another scheme", nil, "ftp://127.0.0.1"},
		{"no address", nil, "t0ps3cret"},
		{"two lines", nil, "https://127.0.0.1/\nt0ps3cret"},
		{"a header in it", nil, "http://127.0.0.1/\r\nX-Evil: t0ps3cret"},
		{"not loopback, though it begins so", nil, "http://127.0.0.1.t0ps3cret.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			address := c.address
			if c.handler != nil {
				server := httptest.NewServer(c.handler)
				defer server.Close()
				address = server.URL
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := hook(t, address+"/t0ps3cret?sig=t0ps3cret").send(ctx, "", sample())
			if err == nil {
				t.Fatal("the delivery did not fail")
			}
			if text := err.Error(); strings.Contains(text, "t0ps3cret") || strings.Contains(text, "127.0.0.1:") || strings.Contains(text, "192.0.2.1") {
				t.Errorf("the error tells of the address: %s", text)
			}
		})
	}
	if followed {
		t.Error("a redirect was followed")
	}
}
