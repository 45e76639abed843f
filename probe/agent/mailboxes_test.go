package agent

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// The mailboxes of a target are checked beside it, and what was found of each is kept.
func TestMailboxes(t *testing.T) {
	s, err := standin.Start(standin.Behaviour{Basic: true, Crowd: &standin.Crowd{Mailboxes: 2}}, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := newWorld(t)
	w.write("ca.pem", string(s.CA()))
	w.write("password.txt", standin.Password+"\n")
	w.write("mailboxes.csv", "address\n")
	w.configure(fmt.Sprintf("name: a, user: %s, password_file: password.txt, ca_file: ca.pem, address: ['%s'], impersonate: true, mailbox: %s, "+
		"interval: 1s, anonymous_interval: 1s, mailboxes_file: mailboxes.csv, mailbox_interval: 1s", standin.UPN, s.Addresses()[0], standin.CrowdMailbox(1)))
	o := w.options()
	o.Check = probe.Run
	o.Mailboxes = func(context.Context, *agentfile.Target) (iter.Seq2[batch.Row, error], func(), error) {
		return func(yield func(batch.Row, error) bool) {
			for i, address := range []string{standin.CrowdMailbox(1), standin.CrowdMailbox(2), "nobody@contoso.com"} {
				if !yield(batch.Row{Number: i + 1, Line: i + 2, Address: address}, nil) {
					return
				}
			}
		}, func() {}, nil
	}
	a, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		a.Run(ctx)
		ended <- a.Close()
	}()
	for end := time.Now().Add(time.Minute); a.Target("a").Mailboxes == nil || a.Target("a").Whole == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no batch: %+v", a.Target("a"))
		}
	}
	rows, err := a.Store().Batch(t.Context(), "a")
	if m := a.Target("a").Mailboxes; err != nil || m[finding.OK] != 2 || m[finding.Critical] != 1 || !strings.Contains(string(rows), "nobody@contoso.com") ||
		strings.Count(string(rows), "\n") != 1 {
		t.Errorf("%v (%v)\n%s", m, err, rows)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A target with who reads Dynamics has in its record what Dynamics has of the mailbox.
func TestReadsDynamics(t *testing.T) {
	s, err := standin.Start(standin.Behaviour{Basic: true, Cloud: &standin.Cloud{DynamicsTenant: standin.Tenant, Dataverse: &standin.Dataverse{}}}, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := newWorld(t)
	w.write("ca.pem", string(s.CA()))
	w.write("password.txt", standin.Password+"\n")
	w.write("token.txt", standin.DataverseToken)
	w.configure(fmt.Sprintf("name: a, user: %s, password_file: password.txt, ca_file: ca.pem, address: ['%s'], mailbox: anna@contoso.com, "+
		"dynamics_url: '%s', dynamics_token_file: token.txt, entra_url: '%[3]s', interval: 1s, anonymous_interval: 1h",
		standin.UPN, s.Addresses()[0], s.CloudURL()))
	a, err := New(t.Context(), w.options())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	a.options.Check = func(_ context.Context, c probe.Config) (evidence.Record, error) {
		return evidence.Record{Items: c.Before, Target: evidence.Target{Profile: c.Profile}}, nil
	}
	a.task("a").run(t.Context(), whole)
	raw, err := a.Store().Record(t.Context(), "a", 1)
	if err != nil || !strings.Contains(string(raw), `"dynamics-`) || !strings.Contains(string(raw), "Exchange on premises") {
		t.Errorf("%v\n%s", err, raw)
	}
}
