package history

import (
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Span is what the runs of a span of time came to.
type Span struct {
	At          time.Time     `json:"at"`                   // when it begins
	Runs        [4]int        `json:"runs"`                 // by status, the worst first
	Latency     time.Duration `json:"latency"`              // the mean of the durations
	Certificate time.Time     `json:"certificate,omitzero"` // when the first of the chain ends, as seen last
}

// Width is how long the spans of a bar are, and how many of them are kept.
type Width struct {
	Each time.Duration
	Kept int
}

// Widths are those of a day, a week and a quarter.
var Widths = [3]Width{{30 * time.Minute, 48}, {4 * time.Hour, 42}, {24 * time.Hour, 90}}

// Bar is a row of spans, the oldest first. A span without a run is not in it.
type Bar []Span

// All is how many runs a span has.
func (s Span) All() (n int) {
	for _, runs := range s.Runs {
		n += runs
	}
	return n
}

// With is the bar with one more run, as a new one.
func (b Bar) With(r Run, w Width) Bar {
	at, first := w.begin(r.Started), w.First(r.Started)
	next := slices.DeleteFunc(slices.Clone(b), func(s Span) bool { return s.At.Before(first) })
	i, found := slices.BinarySearchFunc(next, at, func(s Span, at time.Time) int { return s.At.Compare(at) })
	if !found {
		next = slices.Insert(next, i, Span{At: at})
	}
	next[i].add(r)
	return next
}

func (s *Span) add(r Run) {
	total := s.Latency*time.Duration(s.All()) + r.Duration
	rank := r.Status.Rank()
	if rank >= len(s.Runs) { // a status of another version
		rank = finding.Unknown.Rank()
	}
	s.Runs[rank]++
	s.Latency = total / time.Duration(s.All())
	if !r.Certificate.IsZero() {
		s.Certificate = r.Certificate
	}
}

// begin is when the span begins that a time is in.
func (w Width) begin(at time.Time) time.Time { return at.UTC().Truncate(w.Each) }

// First is when the first span begins that a bar shows.
func (w Width) First(now time.Time) time.Time {
	return w.begin(now).Add(-time.Duration(w.Kept-1) * w.Each)
}
