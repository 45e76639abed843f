package peer

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

const password = "P33r!secret"

// another starts an agent that answers as handler does, and is the peer that a
// configuration names.
func another(t *testing.T, handler http.HandlerFunc) *agentfile.Peer {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	file := func(name string, text []byte) string {
		name = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	return &agentfile.Peer{
		Name: "dmz", URL: server.URL, User: "reader", PasswordFile: file("p", []byte(password)),
		CAFile: file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
	}
}

func peers() *Peers {
	return New(slog.New(slog.DiscardHandler), "1", func() []string { return []string{"mail"} })
}

const listOf = `{"targets":[{"name":"mail-outside","endpoint":"mail","view":"public","status":"critical","code":"basic-disabled","summary":"Basic is off",` +
	`"since":"2026-11-28T22:00:00Z","last_run":"2999-01-01T00:00:00Z","last_whole_run_id":7},{"name":"other","endpoint":"else","status":null,"last_whole_run_id":8}]}`

func aReport(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "records", "basic-off.json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestPeer(t *testing.T) {
	stored := aReport(t)
	var mu sync.Mutex
	asked := map[string]int{}
	one := another(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		user, pass, _ := r.BasicAuth()
		asked[fmt.Sprint(r.Method, " ", r.URL.Path, " ", user, " ", pass == password)]++
		if strings.HasPrefix(r.URL.Path, "/targets/") {
			_, _ = w.Write(stored)
			return
		}
		_, _ = io.WriteString(w, listOf)
	})
	p := peers()
	var state State
	for range 2 {
		var err error
		if state, err = p.ask(t.Context(), one, state); err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 2 || asked["GET /api/v1/targets reader true"] != 2 || asked["GET /targets/mail-outside/runs/7.json reader true"] != 1 {
		t.Errorf("asked for %v", asked)
	}
	if len(state.Targets) != 2 || state.Targets[0].Record == nil || state.Targets[1].Record != nil {
		t.Fatalf("%+v", state.Targets)
	}
	first := state.Targets[0]
	if first.Status != finding.Critical || first.Code != "basic-disabled" || first.View != "public" || first.LastRun.After(time.Now()) {
		t.Errorf("%+v", first)
	}
}

// What a bad peer says is an error of one sentence, in which nothing of it stands;
// the password goes nowhere else.
func TestBadPeers(t *testing.T) {
	elsewhere := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere = true }))
	defer other.Close()
	says := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	for name, handler := range map[string]http.HandlerFunc{
		"redirects":    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"unauthorized": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); _, _ = io.WriteString(w, password) },
		"fails":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"hangs up":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"no JSON":      says("<html>evil"),
		"another JSON": says(`{"evil":1}`),
		"a bad name":   says(`{"targets":[{"name":"../evil","status":"ok"}]}`),
		"a bad status": says(`{"targets":[{"name":"a","status":"evil"}]}`),
		"a bad link":   says(`{"targets":[{"name":"a","status":"ok","endpoint":"<evil>"}]}`),
		"too many":     says(`{"targets":[` + strings.Repeat(`{"name":"a","status":"ok"},`, maxTargets) + `{"name":"a","status":"ok"}]}`),
		"an echo":      says(`{"targets":[{"name":"a","status":"ok","summary":"` + password + `"}]}`),
		"without an end": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			state, err := peers().ask(t.Context(), another(t, handler), State{})
			if err == nil {
				t.Fatalf("it is believed: %+v", state)
			}
			if strings.Contains(err.Error(), "evil") || strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the error repeats what the peer says: %v", err)
			}
		})
	}
	if elsewhere {
		t.Error("a redirect was followed")
	}
	one := another(t, says(listOf))
	one.CAFile = ""
	if _, err := peers().ask(t.Context(), one, State{}); err == nil || !strings.Contains(err.Error(), "not trusted") {
		t.Errorf("an untrusted peer: %v", err)
	}
	one.URL = "http://192.0.2.1"
	if _, err := peers().ask(t.Context(), one, State{}); err == nil {
		t.Error("the password would go over http")
	}
}

// Who is refused without a user is told which keys are missing.
func TestPeerWantsUser(t *testing.T) {
	one := another(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	_, named := peers().ask(t.Context(), one, State{})
	one.User, one.PasswordFile = "", ""
	_, unnamed := peers().ask(t.Context(), one, State{})
	if !strings.Contains(fmt.Sprint(named), `refuses the user "reader"`) || !strings.Contains(fmt.Sprint(unnamed), "give user and password_file") {
		t.Errorf("%v; %v", named, unnamed)
	}
}

// What a peer says is text: no control characters, no length without end.
func TestPeerIsMadeHarmless(t *testing.T) {
	targets, err := readTargets([]byte(`{"targets":[{"name":"a","status":"ok","code":"evil","view":"\u001b[31m","summary":"\u202e\u0000`+strings.Repeat("x", 5000)+`"}]}`), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got := targets[0]; got.Code != "" || strings.ContainsAny(got.View+got.Summary, "\x1b\x00\u202e") || len(got.Summary) > maxText+10 {
		t.Errorf("%+v", got)
	}
}

// A slow peer holds no other up, and Run ends with its context.
func TestSlowPeer(t *testing.T) {
	release := make(chan struct{})
	slow := another(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	quick := another(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, listOf) })
	slow.Name = "slow"
	p := peers()
	p.Set([]*agentfile.Peer{slow, quick})
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { defer close(ended); p.Run(ctx) }()
	for {
		list := p.Snapshot()
		if len(list) == 2 && list[0].Name == "dmz" && len(list[0].Targets) == 2 && list[1].Error != "" {
			break
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the quick peer waits for the slow one")
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	<-ended
}
