package history

import (
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

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
	s.Runs[place(r)]++
	s.Latency = total / time.Duration(s.All())
	if !r.Certificate.IsZero() {
		s.Certificate = r.Certificate
	}
}

// place is where a run counts in a span.
func place(r Run) int {
	if i := r.Status.Rank(); i < len(Span{}.Runs) {
		return i
	}
	return finding.Unknown.Rank()
}

// begin is when the span begins that a time is in.
func (w Width) begin(at time.Time) time.Time { return at.UTC().Truncate(w.Each) }

// First is when the first span begins that a bar shows.
func (w Width) First(now time.Time) time.Time {
	return w.begin(now).Add(-time.Duration(w.Kept-1) * w.Each)
}
