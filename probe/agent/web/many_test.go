package web

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
)

// many is a server with 500 targets, a half of which are critical, in pairs of an
// endpoint.
func many(t testing.TB) (*Server, *fakeHistory) {
	a, h := world(time.Now())
	bad, good := a.targets[0], a.targets[1]
	a.targets = nil
	for i := range 250 {
		for _, one := range []*agent.Target{bad, good} {
			c := *one
			c.Name, c.Endpoint = fmt.Sprintf("%s-%03d", one.Name, i), fmt.Sprintf("mail-%d", i)
			a.targets = append(a.targets, &c)
		}
	}
	return New(options(a, h)), h
}

// The page and the scrape of 500 targets do not read the history; only comparisons
// that are not known yet do, for a short time.
func TestManyTargets(t *testing.T) {
	s, h := many(t)
	get(t, s, "/metrics")
	get(t, s, "/api/v1/targets")
	if h.reads > 0 {
		t.Errorf("a scrape reads %d records", h.reads)
	}
	page := get(t, s, "/")
	if len(page) > 4<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
	if h.reads > 500 || h.queries > 0 {
		t.Errorf("the page reads %d records and makes %d queries", h.reads, h.queries)
	}
	if n := len(s.compare.says); n > maxComparisons {
		t.Errorf("%d comparisons are remembered", n)
	}
}

func BenchmarkMany(b *testing.B) {
	s, _ := many(b)
	for _, path := range []string{"/", "/metrics", "/api/v1/targets", "/targets/mail-inside-000"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if w := ask(s, request(http.MethodGet, path, "")); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
