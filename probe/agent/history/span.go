package history

import (
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Bar is a row of spans, the oldest first. A span without a run is not in it.
type Bar []Span

// Runs is how many runs a span has.
func (s Span) Runs() int { return s.OK + s.Warning + s.Critical + s.Unknown }

// With is the bar with one more run, as a new one.
func (b Bar) With(r Run, w Width) Bar {
	at, first := w.begin(r.Started), w.First(r.Started)
	next := make(Bar, 0, len(b)+1)
	for _, s := range b {
		if !s.At.Before(first) {
			next = append(next, s)
		}
	}
	i := len(next)
	for i > 0 && next[i-1].At.After(at) {
		i--
	}
	if i == 0 || !next[i-1].At.Equal(at) {
		next = append(next[:i], append(Bar{{At: at}}, next[i:]...)...)
		i++
	}
	next[i-1].add(r)
	return next
}

func (s *Span) add(r Run) {
	total := s.Latency*time.Duration(s.Runs()) + r.Duration
	switch r.Status {
	case finding.OK:
		s.OK++
	case finding.Warning:
		s.Warning++
	case finding.Critical:
		s.Critical++
	default:
		s.Unknown++
	}
	s.Latency = total / time.Duration(s.Runs())
	if !r.Certificate.IsZero() {
		s.Certificate = r.Certificate
	}
}
