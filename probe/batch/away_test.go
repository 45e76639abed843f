package batch

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// Of what waits to be tried again, that ends whose time is over, and nothing else.
func TestExpired(t *testing.T) {
	q, now := newQueue(10, func() {}), time.Now()
	long, short, never := &job{first: now.Add(-time.Hour)}, &job{first: now.Add(-time.Second)}, &job{}
	q.out = 3
	for _, j := range []*job{long, short, never} {
		q.requeue(j, now.Add(time.Hour))
	}
	if over := q.expired(now.Add(-time.Minute)); len(over) != 1 || over[0] != long || q.out != 1 || len(q.again) != 2 {
		t.Errorf("%d are over, %d are out, %d wait", len(over), q.out, len(q.again))
	}
}

// A mailbox whose time ends during one more call keeps what EWS answered before.
func TestLastCallCutShort(t *testing.T) {
	busy := evidence.Item{EWS: &evidence.EWS{Kind: "response", Code: "ErrorTooManyObjectsOpened"}}
	none := evidence.Item{Error: &evidence.Failure{Code: evidence.TimedOut, Phase: "response"}}
	connecting := evidence.Item{Error: &evidence.Failure{Code: evidence.TimedOut, Phase: "connect"}}
	for _, c := range []struct {
		name   string
		before evidence.Item
		last   evidence.Item
		cut    bool
		want   evidence.Item
	}{
		{"by its time", busy, none, true, busy},
		{"by its time, on a new connection", busy, connecting, true, busy},
		{"by the time of one call", busy, none, false, none},
		{"nothing was answered before", evidence.Item{}, none, true, none},
	} {
		j := &job{last: c.before}
		if j.note(c.last, c.cut); j.last.EWS != c.want.EWS || j.last.Error != c.want.Error {
			t.Errorf("%s: %+v is kept", c.name, j.last)
		}
	}
}

// A server that goes away for good is given up after a while.
func TestServerThatStaysAway(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	defer func(d time.Duration) { minGiveUpAfter = d }(minGiveUpAfter)
	minGiveUpAfter = 3 * time.Second
	s, c := against(t, standin.Crowd{Mailboxes: 1000, Delay: 5 * time.Millisecond}, 300)
	var results []report.Row
	var endpoint evidence.Record
	c.PerMailbox = time.Second
	c.Emit = func(r report.Row) error {
		if results = append(results, r); len(results) == 50 {
			s.Close()
		}
		return nil
	}
	c.Endpoint = func(rec evidence.Record, _ rule.Judgement, _ error) { endpoint = rec }
	sum, err := Run(context.Background(), c)
	if err != nil || len(results) != 300 || len(endpoint.Items) == 0 {
		t.Fatalf("%v, %d rows", err, len(results))
	}
	open := 0
	for _, r := range results {
		if r.Verdict.Code == "not-checked" {
			open++
		}
	}
	if open < len(results)/2 || !strings.Contains(sum.Stopped, "no call was answered since") {
		t.Errorf("%d rows were not checked: %q", open, sum.Stopped)
	}
}

// The calls go on while mailboxes that failed are looked up outside.
func TestLookUpsHoldUpNoCall(t *testing.T) {
	const rows, denied = 60, 30
	_, c := against(t, standin.Crowd{Mailboxes: 1000, Denied: rows / denied}, rows)
	reported, good := 0, make(chan struct{})
	c.Emit = func(report.Row) error {
		if reported++; reported == rows-denied {
			close(good)
		}
		return nil
	}
	c.Outside = func(context.Context, string) []evidence.Item {
		select {
		case <-good:
		case <-time.After(10 * time.Second):
			t.Error("calls wait for a look-up")
		}
		return []evidence.Item{{Response: &evidence.Response{Status: http.StatusOK}}}
	}
	if _, err := Run(t.Context(), c); err != nil || reported != rows {
		t.Errorf("%v, %d rows", err, reported)
	}
}

// against is a batch over the first rows mailboxes of a stand-in.
func against(t *testing.T, crowd standin.Crowd, rows int) (*standin.Server, Config) {
	t.Helper()
	s, err := standin.Start(standin.Behaviour{Basic: true, Crowd: &crowd}, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	return s, Config{
		Probe: probe.Config{
			URL: u, User: standin.UPN, Password: standin.Password, ProfileAuth: probe.ProfileBasic, View: "inside", Addresses: s.Addresses()[:1], Extra: roots,
			Timeout: 20 * time.Second, UserAgent: "ewsprobe/test", MaxRejections: 2,
		},
		Impersonate: true, Concurrency: 4, PerMailbox: time.Minute,
		Rows: func(yield func(Row, error) bool) {
			for i := 1; i <= rows && yield(Row{Number: i, Line: i + 1, Address: standin.CrowdMailbox(i)}, nil); i++ {
			}
		},
	}
}
