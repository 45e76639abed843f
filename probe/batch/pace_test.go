package batch

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// throttle is a server that allows only so much, on the clock of the test.
type throttle interface {
	// ask is a call that arrives now: how long to stay away, if it is refused.
	ask(now time.Time) (pause time.Duration, refused bool)
	// allows is how many calls could have been made between two times.
	allows(from, to time.Time) float64
}

// bucket saves calls up: rate per second, burst at most.
type bucket struct {
	rate, burst float64
	pause       time.Duration // 0: until the next call is allowed
	turns       time.Duration // after so long the rate is another; 0: never
	then        float64
	others      float64 // calls per second of somebody else, in gusts of a second
	tokens      float64
	began, at   time.Time
}

func (b *bucket) now(at time.Time) float64 {
	if b.turns > 0 && at.Sub(b.began) > b.turns {
		return b.then
	}
	return b.rate
}

func (b *bucket) ask(now time.Time) (time.Duration, bool) {
	if b.at.IsZero() {
		b.began, b.at, b.tokens = now, now, b.burst
	}
	gone := now.Sub(b.at).Seconds()
	rate := b.now(now)
	b.tokens += gone * rate
	if now.Sub(b.began)/time.Second%2 == 1 {
		b.tokens -= 2 * b.others * gone
	}
	b.tokens = min(max(b.tokens, 0), b.burst)
	b.at = now
	if b.tokens >= 1 {
		b.tokens--
		return 0, false
	}
	if b.pause == 0 {
		return time.Duration((1 - b.tokens) / rate * float64(time.Second)), true
	}
	return b.pause, true
}

func (b *bucket) allows(from, to time.Time) float64 {
	all := b.burst
	for at := from; at.Before(to); at = at.Add(100 * time.Millisecond) {
		all += (b.now(at) - b.others) / 10
	}
	return all
}

// window allows a number of calls in each stretch of time, and says when the next
// begins; sliding, in any such stretch, and says that some time has to pass.
type window struct {
	calls   int
	every   time.Duration
	sliding bool
	pause   time.Duration // of the sliding one
	began   time.Time
	taken   []time.Time
}

func (w *window) ask(now time.Time) (time.Duration, bool) {
	if w.began.IsZero() {
		w.began = now
	}
	for len(w.taken) > 0 {
		if w.sliding && now.Sub(w.taken[0]) < w.every || !w.sliding && now.Sub(w.began)/w.every == w.taken[0].Sub(w.began)/w.every {
			break
		}
		w.taken = w.taken[1:]
	}
	if len(w.taken) < w.calls {
		w.taken = append(w.taken, now)
		return 0, false
	}
	if w.sliding {
		return w.pause, true
	}
	rest := w.every - now.Sub(w.began)%w.every
	return (rest + time.Second - 1).Truncate(time.Second), true // Retry-After has whole seconds
}

func (w *window) allows(from, to time.Time) float64 {
	return float64(w.calls) * max(1, to.Sub(from).Seconds()/w.every.Seconds())
}

// stumbles asks for a pause four times soon after one another, and then never again:
// no throttle, but a server that had a bad moment.
type stumbles struct{ calls int }

func (s *stumbles) ask(time.Time) (time.Duration, bool) {
	s.calls++
	return time.Second, s.calls == 200 || s.calls == 201 || s.calls == 210 || s.calls == 212
}

// allows is what ten workers can ask a server that takes 50 ms.
func (s *stumbles) allows(from, to time.Time) float64 { return 200 * to.Sub(from).Seconds() }

// told is how a run went.
type told struct {
	share      float64 // of what the server allows
	complaints int
	early      int // calls while a pause lasted that the server had asked for
}

// network is how long a call takes, and for how long what arrives is held up, now
// and then, to arrive at once.
type network struct{ least, more, stall time.Duration }

var (
	near   = network{5 * time.Millisecond, 200 * time.Microsecond, 0}
	uneven = network{2 * time.Millisecond, 40 * time.Millisecond, 0}
	heldUp = network{5 * time.Millisecond, 200 * time.Microsecond, 25 * time.Millisecond}
)

const stallEvery = 700 * time.Millisecond

// playPace lets ten workers ask until so many calls were answered, with the pace
// of a run.
func playPace(server throttle, calls int, n network) (t told) {
	const workers = 10
	p := newPace(workers)
	random := rand.New(rand.NewPCG(1, 2))
	began := time.Now()
	var mu sync.Mutex
	var until time.Time
	served := 0
	var all sync.WaitGroup
	for number := range workers {
		all.Go(func() {
			for {
				mu.Lock()
				enough := served >= calls
				way := n.least/2 + time.Duration(random.Int64N(int64(n.more)))
				mu.Unlock()
				ctx := context.Background()
				if enough || p.wait(ctx, number, func() {}) != nil || p.turn(ctx) != nil {
					return
				}
				sent := time.Now()
				mu.Lock()
				if sent.Before(until) {
					t.early++
				}
				mu.Unlock()
				time.Sleep(way)
				if at := time.Since(began) % stallEvery; at < n.stall {
					time.Sleep(n.stall - at)
				}
				mu.Lock()
				pause, refused := server.ask(time.Now())
				if refused {
					t.complaints++
				} else {
					served++
				}
				mu.Unlock()
				time.Sleep(n.least / 2)
				p.ended()
				if !refused {
					p.answered(sent)
					continue
				}
				end := time.Now().Add(pause)
				p.complained(sent, pause)
				mu.Lock()
				if end.After(until) {
					until = end
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.share = float64(served) / server.allows(began, time.Now())
	return t
}

// Most of what servers allow is made use of, in whatever way they say so, and no
// call is made before a pause is over. On a clock of its own, not this machine's;
// go test -v shows the table. To find the rate costs three pauses, which a short
// run feels; where nothing can be saved up, each call that comes late is lost.
// The bounds are wide: which worker goes first is not the test's to say.
func TestPaceMakesUseOfWhatIsAllowed(t *testing.T) {
	over := near
	play := func(name string, least float64, calls int, server throttle) {
		over := over
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := playPace(server, calls, over)
				t.Logf("%5.1f %%, %d complaints", got.share*100, got.complaints)
				if got.share < least {
					t.Errorf("%.3f of what is allowed, at least %.2f is wanted", got.share, least)
				}
				if got.early > 0 {
					t.Errorf("%d calls while the server wanted to be left alone", got.early)
				}
			})
		})
	}
	for _, saved := range []float64{1, 2, 5, 20, 100} {
		for _, pause := range []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond, time.Second} {
			least := 0.85
			if saved == 1 {
				least = 0.75
			}
			play(fmt.Sprintf("200/s, %g saved up, pause %s", saved, pause), least, 200*120, &bucket{rate: 200, burst: saved, pause: pause})
		}
		for _, pause := range []time.Duration{500 * time.Millisecond, 5 * time.Second, 30 * time.Second, 5 * time.Minute} {
			if pause > time.Minute && saved != 20 {
				continue // hours
			}
			seconds := max(120, 60*pause.Seconds())
			play(fmt.Sprintf("10/s, %g saved up, pause %s", saved, pause), 0.75, int(10*seconds), &bucket{rate: 10, burst: saved, pause: pause})
		}
		for _, then := range []float64{50, 400} {
			least := 0.5
			if saved == 100 {
				least = 0.7
			}
			play(fmt.Sprintf("200/s, %g saved up, pause 1s, after a minute %g/s", saved, then), least, int(200*60+then*90), &bucket{rate: 200, burst: saved, pause: time.Second, turns: time.Minute, then: then})
		}
	}
	play("200/s, 100 saved up, pause 1s, 50/s for others", 0.8, 150*120, &bucket{rate: 200, burst: 100, pause: time.Second, others: 50})
	play("200/s, 5 saved up, pause 1s, 50/s for others", 0.4, 150*120, &bucket{rate: 200, burst: 5, pause: time.Second, others: 50})
	for _, calls := range []int{5, 50} {
		play(fmt.Sprintf("%d in each second", calls), 0.65, calls*90, &window{calls: calls, every: time.Second})
		play(fmt.Sprintf("%d in any second", calls), 0.65, calls*90, &window{calls: calls, every: time.Second, sliding: true, pause: time.Second})
	}
	for _, calls := range []int{300, 3000} {
		play(fmt.Sprintf("%d in each minute", calls), 0.9, calls*10, &window{calls: calls, every: time.Minute})
		play(fmt.Sprintf("%d in any minute, pause 1s", calls), 0.65, calls*10, &window{calls: calls, every: time.Minute, sliding: true, pause: time.Second})
		play(fmt.Sprintf("%d in any minute, pause 30s", calls), 0.55, calls*10, &window{calls: calls, every: time.Minute, sliding: true, pause: 30 * time.Second})
	}
	over = network{50 * time.Millisecond, time.Millisecond, 0}
	play("four pauses and then none", 0.5, 3000, &stumbles{})
	// With fewer than five saved up it is chance how many calls come too close.
	for _, saved := range []float64{5, 20, 100} {
		for name, n := range map[string]network{"held up": heldUp, "uneven": uneven} {
			over = n
			play(fmt.Sprintf("200/s, %g saved up, pause 500ms, %s", saved, name), 0.4, 200*120, &bucket{rate: 200, burst: saved, pause: 500 * time.Millisecond})
		}
	}
}

// A call that gives up waiting for its turn takes no room from the others.
func TestBeatCountsWhatIsUnderWay(t *testing.T) {
	for name, x := range map[string]float64{"not held back": math.Inf(1), "held back": 0.01} {
		b := newBeat()
		b.set(x, 1)
		b.next = time.Now().Add(time.Hour)
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			if math.IsInf(x, 1) {
				cancel()
			}
			if err := b.wait(ctx); err == nil {
				t.Errorf("%s: it went", name)
			}
			cancel()
		}
		if b.under != 0 {
			t.Errorf("%s: %d calls are taken to be under way, and none is", name, b.under)
		}
	}
}
