package main

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

const oneWay = 50 * time.Millisecond

// BenchmarkRoundTrips reports how many round trips of latency a check takes
// through a network that needs 50 ms each way: promise 6 says at most 5, and what
// is above a whole number is work.
func BenchmarkRoundTrips(b *testing.B) {
	check := goodCheck
	check.Mailbox, check.Impersonate = standin.Mailbox, true
	s := begin(b, everyScheme, standin.Options{})
	far := listen(b, nil, func(near net.Conn) { testkit.Distant(near, s.Addresses()[0], oneWay) })
	cfg, err := scenarioConfig(b.Context(), check, s)
	if err != nil {
		b.Fatal(err)
	}
	cfg.Addresses = []string{far.address}
	cfg.Lockout = &lockout.Lockout{Dir: b.TempDir()}
	for b.Loop() {
		if rec, err := probe.Run(context.Background(), cfg); err != nil || len(rec.Items) != 6 {
			b.Fatalf("%d items, %v", len(rec.Items), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(2*oneWay), "round-trips/op")
}
