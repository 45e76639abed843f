package batch

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// bucket is a server that allows a rate, on a clock of its own.
type bucket struct {
	rate, burst float64
	pause       time.Duration
	tokens      float64
	at          time.Time
}

func (b *bucket) allows(now time.Time) bool {
	b.tokens = min(b.tokens+now.Sub(b.at).Seconds()*b.rate, b.burst)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// play sends calls to a server, as fast as tempo lets it and at most fastest per
// second, and returns how long it took and how often the server complained.
func play(b *bucket, calls int, fastest float64) (took time.Duration, complaints int) {
	start := time.Unix(1_000_000, 0)
	now := start
	b.at, b.tokens = now, b.burst
	t := newTempo(now)
	for calls > 0 {
		now = now.Add(time.Duration(float64(time.Second) / min(t.x, fastest)))
		if b.allows(now) {
			calls--
			t.answered(now)
			continue
		}
		complaints++
		t.complained(now, b.pause)
		now = now.Add(b.pause)
	}
	return now.Sub(start), complaints
}

// On a clock of its own, not this machine's: whatever the shape of the throttle,
// little is lost.
func TestTempoFindsTheRate(t *testing.T) {
	for _, rate := range []float64{20, 200, 1000} {
		for _, burst := range []float64{1, 5, 50, 1000} {
			for _, pause := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second} {
				t.Run(fmt.Sprintf("%g/s burst %g pause %s", rate, burst, pause), func(t *testing.T) {
					calls := int(rate * 150)
					took, complaints := play(&bucket{rate: rate, burst: burst, pause: pause}, calls, 3000)
					allowed := (float64(calls) - burst) / rate
					share := allowed / took.Seconds()
					t.Logf("%.3f of what is allowed, %d complaints", share, complaints)
					// To find the rate takes some complaints, and each costs its pause.
					least := map[time.Duration]float64{time.Second: 0.85, 5 * time.Second: 0.75}[pause]
					if least == 0 {
						least = 0.93
					}
					if share < least {
						t.Errorf("%.3f of what is allowed, %d complaints", share, complaints)
					}
				})
			}
		}
	}
}

// Complaints that come before anything was answered bring nothing to a standstill.
func TestTempoDoesNotStandStill(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	tempo := newTempo(now)
	for range 5 {
		now = now.Add(time.Second)
		tempo.complained(now, time.Second)
		now = now.Add(time.Second)
	}
	for range 10_000 {
		now = now.Add(time.Duration(float64(time.Second) / min(tempo.x, 3000)))
		tempo.answered(now)
	}
	if tempo.x < 5 || math.IsNaN(tempo.x) {
		t.Errorf("after 10,000 answers without a complaint still %g per second", tempo.x)
	}
}
