package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// cloudArgs are the flags by which a batch looks up the stand-in's cloud.
func cloudArgs(tb testing.TB, s *standin.Server) []string {
	return []string{
		"--cloud", "--entra-url", s.CloudURL(), "--exchange-online-url", s.CloudURL(), "--graph-url", s.CloudURL(),
		"--tenant", standin.Tenant, "--client-id", standin.ApplicationID, "--client-secret-file", save(tb, "secret.txt", []byte(standin.ApplicationSecret)),
	}
}

// Look-ups are made for the rows that failed and for no other, and what many of
// them have in common is asked once.
func TestBatchLooksUpWhatFailed(t *testing.T) {
	t.Parallel()
	b := crowd(everyScheme, standin.Crowd{Mailboxes: 100, Denied: 7})
	b.Cloud = &standin.Cloud{Location: standin.LocationOnline, DomainTenant: standin.Tenant, User: true, Plan: standin.ExchangePlan}
	s := begin(t, b, standin.Options{})
	var nobodies strings.Builder
	for _, c := range "abcdefgh" {
		nobodies.WriteString("nobody-" + string(c) + "@contoso.com,x\n")
	}
	file := batchFile(t, boxes(20)+nobodies.String())
	o := rightPassword.run(t, batchArgs(t, s, append(cloudArgs(t, s), file)...)...)
	rows, sum := results(t, o.out)
	if sum.ByCode["ok"] != 18 || sum.ByCode["impersonation-denied"] != 2 || sum.ByCode["mailbox-online"] != 8 || sum.ByCause["2"] != 10 || o.exit != 2 {
		t.Errorf("%v, causes %v, exit %d\n%s", sum.ByCode, sum.ByCause, o.exit, o.err)
	}
	if r := rows[21]; r.Verdict.Confidence != "confirmed" || !strings.Contains(r.Verdict.Summary, "nobody-a@contoso.com") {
		t.Errorf("%+v", r.Verdict)
	}
	asked := map[string]int{}
	for _, q := range s.CloudRequests() {
		switch {
		case strings.Contains(q.Path, "/autodiscover/"):
			asked["location"]++
		case strings.Contains(q.Path, "/token"):
			asked["token"]++
		case strings.HasPrefix(q.Path, "/v1.0/"):
			asked["Graph"]++
		default:
			asked["tenant"]++
		}
	}
	if asked["location"] != 10 || asked["token"] != 1 || asked["tenant"] != 1 || asked["Graph"] < 20 {
		t.Errorf("asked: %v", asked)
	}
	for _, secret := range []string{standin.Token, standin.ApplicationSecret, standin.Password} {
		if strings.Contains(o.out+o.err, secret) {
			t.Error("the output holds a secret")
		}
	}

	before := len(s.CloudRequests())
	rightPassword.run(t, batchArgs(t, s, file)...)
	if n := len(s.CloudRequests()); n != before {
		t.Errorf("%d look-ups without --cloud", n-before)
	}
}

// A service that asks for patience again and again is given up, and the mailboxes
// are reported anyway.
func TestBatchLeavesTheCloudAlone(t *testing.T) {
	slow(t)
	t.Parallel()
	var mu sync.Mutex
	asked := 0
	graph := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer graph.Close()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 100, Denied: 1}), standin.Options{})
	args := append(batchArgs(t, s), "--cloud", "--entra-url", graph.URL, "--exchange-online-url", graph.URL, "--graph-url", graph.URL, "--token-file", save(t, "token.txt", []byte(standin.Token)))
	for i, a := range args {
		if a == "--ca-file" {
			ca, _ := os.ReadFile(args[i+1])
			args[i+1] = save(t, "both.pem", append(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: graph.Certificate().Raw})...))
		}
	}
	o := rightPassword.run(t, append(args, batchFile(t, boxes(40)))...)
	rows, sum := results(t, o.out)
	if len(rows) != 40 || sum.ByCode["impersonation-denied"] != 40 || !strings.Contains(o.out, "Look-ups outside the network were stopped") {
		t.Errorf("%d rows, %v\n%s", len(rows), sum.ByCode, o.err)
	}
	// Three for each mailbox, three times, for those under way when it was given up.
	if asked > 3*3*15 {
		t.Errorf("%d requests to a service that asks to be left alone", asked)
	}
}
