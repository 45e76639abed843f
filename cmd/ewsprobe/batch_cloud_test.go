package main

import (
	"strings"
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
