package main

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe"
)

const oneWay = 50 * time.Millisecond

// BenchmarkRoundTrips reports how many round trips of latency a check takes
// through a network that needs 50 ms each way: promise 6 says at most 5, and what
// is above a whole number is work.
func BenchmarkRoundTrips(b *testing.B) {
	check := goodCheck
	check.Mailbox, check.Impersonate = standin.Mailbox, true
	s := begin(b, everyScheme, standin.Options{})
	far := delaying(b, s.Addresses()[0])
	cfg, err := scenarioConfig(check, s)
	if err != nil {
		b.Fatal(err)
	}
	cfg.Addresses = []string{far.address}
	cfg.Memory = &probe.Memory{Dir: b.TempDir()}
	for b.Loop() {
		if rec, err := probe.Run(context.Background(), cfg); err != nil || len(rec.Items) != 5 {
			b.Fatalf("%d items, %v", len(rec.Items), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(2*oneWay), "round-trips/op")
}

// delaying is a TCP proxy that delivers everything 50 ms late. What connecting
// costs over a real distance, a round trip, is added to the first bytes.
func delaying(tb testing.TB, to string) *rawServer {
	return listen(tb, nil, func(near net.Conn) {
		far, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer far.Close()
		go func() {
			carry(far, near, 2*oneWay)
			far.Close()
		}()
		carry(near, far, 0)
	})
}

// carry copies bytes and keeps the distance in time between them.
func carry(to io.Writer, from io.Reader, first time.Duration) {
	type parcel struct {
		bytes []byte
		due   time.Time
	}
	way := make(chan parcel, 1000)
	go func() {
		defer close(way)
		opened := time.Now().Add(first)
		for {
			buffer := make([]byte, 32<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				due := time.Now()
				if due.Before(opened) {
					due = opened
				}
				way <- parcel{buffer[:n], due.Add(oneWay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.bytes); err != nil {
			break
		}
	}
	for range way { // the reader must not be left standing
	}
}
