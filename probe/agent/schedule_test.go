package agent

import (
	"fmt"
	"testing"
	"time"
)

// Targets are spread over the interval, keep their times, and their shorter intervals
// fall together with the longer ones.
func TestBeats(t *testing.T) {
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const interval = 15 * time.Minute
	var tenths [10]int
	for i := range 1000 {
		b := recurrencesOf(fmt.Sprint("t", i), interval, time.Minute)
		whole, short := b[0], b[1]
		first := whole.next(begin)
		if first.Sub(begin) > interval+maxJitter {
			t.Fatalf("the first run of t%d is at %s", i, first.Sub(begin))
		}
		tenths[min(int(first.Sub(begin)*10/interval), 9)]++
		at := first
		for range 20 {
			next := whole.next(at)
			if gap := next.Sub(at); gap < interval-maxJitter || gap > interval+maxJitter {
				t.Fatalf("t%d: %s between two runs", i, gap)
			}
			if again := whole.next(next.Add(-time.Second)); !again.Equal(next) {
				t.Fatalf("t%d: asked again it is %s, not %s", i, again, next)
			}
			if together := short.next(next.Add(-time.Second)); !together.Equal(next) {
				t.Fatalf("t%d: the short interval is at %s, the long at %s", i, together, next)
			}
			at = next
		}
	}
	for i, n := range tenths {
		if n < 60 || n > 140 {
			t.Errorf("%d of 1000 in tenth %d of the interval: %v", n, i, tenths)
		}
	}
	if !recurrencesOf("a", time.Hour, 0)[1].next(begin).IsZero() {
		t.Error("a run without an interval")
	}
}

// The clock may be set: the next moment is never further away than an interval, and
// never in the past.
func TestBeatsWithAnotherClock(t *testing.T) {
	for _, clock := range []time.Time{time.Unix(0, 0), time.Unix(1, 0), time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)} {
		for _, interval := range []time.Duration{time.Second, time.Minute, 24 * time.Hour, 8760 * time.Hour} {
			next := recurrencesOf("a", interval)[0].next(clock)
			if wait := next.Sub(clock); wait <= 0 || wait > interval+min(maxJitter, interval/20) {
				t.Errorf("at %s, every %s: in %s", clock, interval, wait)
			}
		}
	}
}
