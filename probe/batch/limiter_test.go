package batch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// reply is how a server treats a call, on the clock of the test.
type reply struct {
	kind  kind
	pause time.Duration
}

// server is what a batch runs against.
type server interface {
	ask(now time.Time, mailbox int) reply
	// least is how long so many calls take at least, as far as the server goes.
	least(calls int) time.Duration
}

// tokenBucket allows rate calls per second, and burst at once.
type tokenBucket struct {
	rate, burst float64
	complaint   kind
	pause       time.Duration
	turns       time.Duration // after so long the rate is another; 0: never
	then        float64
	others      float64 // calls per second of somebody else, every other second
	tokens      float64
	began, at   time.Time
}

func (b *tokenBucket) ask(now time.Time, _ int) reply {
	if b.at.IsZero() {
		b.began, b.at, b.tokens = now, now, b.burst
	}
	gone := now.Sub(b.at).Seconds()
	rate := b.rate
	if b.turns > 0 && now.Sub(b.began) > b.turns {
		rate = b.then
	}
	b.tokens += gone * rate
	if now.Sub(b.began)/time.Second%2 == 1 {
		b.tokens -= 2 * b.others * gone
	}
	b.tokens = min(max(b.tokens, 0), b.burst)
	b.at = now
	if b.tokens >= 1 {
		b.tokens--
		return reply{kind: answered}
	}
	return reply{b.complaint, b.pause}
}

func (b *tokenBucket) least(calls int) time.Duration {
	rest := float64(calls) - b.burst
	if before := (b.rate - b.others) * b.turns.Seconds(); b.turns > 0 && rest > before {
		return b.turns + time.Duration((rest-before)/(b.then-b.others)*float64(time.Second))
	}
	return time.Duration(rest / (b.rate - b.others) * float64(time.Second))
}

// window allows a number of calls in each stretch of time, and says when the next
// begins; sliding, in any such stretch, and says that some time has to pass.
type window struct {
	calls     int
	every     time.Duration
	sliding   bool
	complaint kind
	pause     time.Duration // of the sliding one
	began     time.Time
	taken     []time.Time
}

func (w *window) ask(now time.Time, _ int) reply {
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
		return reply{kind: answered}
	}
	if w.sliding {
		return reply{w.complaint, w.pause}
	}
	rest := w.every - now.Sub(w.began)%w.every
	return reply{w.complaint, (rest + time.Second - 1).Truncate(time.Second)} // Retry-After has whole seconds
}

func (w *window) least(calls int) time.Duration { return time.Duration(calls/w.calls-1) * w.every }

// pauses has the whole server ask for a pause after each of some numbers of calls.
type pauses struct {
	after     []int
	complaint kind
	pause     time.Duration
	calls     int
	until     time.Time
}

func (p *pauses) ask(now time.Time, _ int) reply {
	if p.calls++; len(p.after) > 0 && p.calls >= p.after[0] && !now.Before(p.until) {
		p.after, p.until = p.after[1:], now.Add(p.pause)
	}
	if now.Before(p.until) {
		return reply{p.complaint, p.until.Sub(now)}
	}
	return reply{kind: answered}
}

func (p *pauses) least(int) time.Duration { return time.Duration(len(p.after)) * p.pause }

// busyMailboxes has a share of mailboxes that are busy from their first call on.
type busyMailboxes struct {
	percent int
	backOff time.Duration
	until   map[int]time.Time
}

func (b *busyMailboxes) ask(now time.Time, mailbox int) reply {
	if rand.New(rand.NewPCG(uint64(mailbox), 1)).IntN(100) >= b.percent {
		return reply{kind: answered}
	}
	if _, known := b.until[mailbox]; !known {
		b.until[mailbox] = now.Add(b.backOff)
	}
	if left := b.until[mailbox].Sub(now); left > 0 {
		return reply{busyMailbox, left}
	}
	return reply{kind: answered}
}

func (b *busyMailboxes) least(int) time.Duration { return b.backOff }

// connections allows only so many calls at a time.
type connections struct{ most, under int }

func (c *connections) ask(time.Time, int) reply {
	if c.under > c.most {
		return reply{kind: crowded}
	}
	return reply{kind: answered}
}

func (c *connections) least(calls int) time.Duration {
	return time.Duration(calls/c.most) * near.least
}

// network is how long a call takes, and for how long what arrives is held up, now
// and then, to arrive at once.
type network struct{ least, more, stall time.Duration }

var (
	near   = network{5 * time.Millisecond, 200 * time.Microsecond, 0}
	far    = network{50 * time.Millisecond, time.Millisecond, 0}
	uneven = network{2 * time.Millisecond, 40 * time.Millisecond, 0}
	heldUp = network{5 * time.Millisecond, 200 * time.Microsecond, 25 * time.Millisecond}
)

const stallEvery = 700 * time.Millisecond

// course is how a run went.
type course struct {
	share      float64 // of the speed that the server and the network allow
	complaints int
	early      int // calls that the server had asked not to make
}

// play has ten workers ask for mailboxes by the limiter and the queue of a run.
func play(t *testing.T, s server, mailboxes int, n network) (c course) {
	const workers = 10
	over := make(chan struct{})
	l, q := newLimiter(workers), newQueue(2*workers, func() { close(over) })
	random := rand.New(rand.NewPCG(1, 2))
	began := time.Now()
	var mu sync.Mutex
	var until time.Time // of the pause of all
	answers := make([]int, mailboxes)
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	call := func(j *job) {
		mu.Lock()
		way := n.least/2 + time.Duration(random.Int64N(int64(n.more)))
		sent := time.Now()
		if sent.Before(until) || sent.Before(j.ready) {
			c.early++
		}
		if k, ok := s.(*connections); ok {
			k.under++
		}
		mu.Unlock()
		time.Sleep(way)
		if at := time.Since(began) % stallEvery; at < n.stall {
			time.Sleep(n.stall - at)
		}
		mu.Lock()
		a := s.ask(time.Now(), j.row.Number)
		mu.Unlock()
		time.Sleep(n.least / 2)
		mu.Lock()
		defer mu.Unlock()
		if k, ok := s.(*connections); ok {
			k.under--
		}
		if a.kind == answered {
			l.answered(sent)
			answers[j.row.Number]++
			j.wants = 0
			q.done()
			return
		}
		c.complaints++
		var ready time.Time
		switch a.kind {
		case busyMailbox:
			j.busy++
			ready = l.busy(sent, a.pause, j.busy)
		case crowded:
			l.crowded(sent)
			ready = time.Now().Add(shortestPause / 4)
		default:
			if l.aboutOne(j, a.pause) {
				t.Errorf("mailbox %d is taken to be away alone", j.row.Number)
			}
			ready = l.complained(sent, a.pause)
			until = ready
		}
		if ready.Before(time.Now().Add(a.pause)) {
			t.Errorf("asked to wait for %s, it waits for %s", a.pause, time.Until(ready))
		}
		q.requeue(j, ready)
	}
	for number := range workers {
		all.Go(func() {
			for l.admit(ctx, number, func() {}) == nil {
				j := q.take(ctx)
				if j == nil || l.wait(ctx) != nil {
					return
				}
				call(j)
			}
		})
	}
	least := s.least(mailboxes)
	for number := range mailboxes {
		q.give(ctx, &job{row: Row{Number: number}})
	}
	q.end()
	<-over
	stop()
	all.Wait()
	for number, n := range answers {
		if n != 1 {
			t.Fatalf("mailbox %d was answered %d times", number, n)
		}
	}
	alone := time.Duration(mailboxes/workers) * (n.least + n.more/2)
	if _, ok := s.(*busyMailboxes); ok {
		least += alone
	} else if _, ok := s.(*pauses); ok {
		least += alone
	}
	c.share = max(least, alone).Seconds() / time.Since(began).Seconds()
	return c
}

// Most of what servers allow is made use of, in whatever way they say so, every
// mailbox is answered, and no call is made before a pause is over. On a clock of its
// own, not this machine's; go test -v shows the table. The bounds leave room for
// what chance decides, such as which worker goes first.
func TestLimiterMakesUseOfWhatIsAllowed(t *testing.T) {
	try := func(name string, least float64, mailboxes int, s server, n network) {
		if testing.Short() && mailboxes > 8000 {
			return
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := play(t, s, mailboxes, n)
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
	for _, percent := range []int{1, 5, 10, 20} {
		for _, backOff := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond, 5 * time.Second, time.Minute} {
			try(fmt.Sprintf("%d %% of mailboxes are busy for %s", percent, backOff), 0.8, 3000, &busyMailboxes{percent, backOff, map[int]time.Time{}}, near)
		}
	}
	for _, most := range []int{2, 5, 9} {
		try(fmt.Sprintf("%d connections", most), 0.9, 12000, &connections{most: most}, near)
	}
	const second, minute = time.Second, time.Minute
	for form, name := range map[kind]string{busyMailbox: "busy", patience: "503"} {
		bucket := func(rate, burst float64, pause time.Duration) *tokenBucket {
			return &tokenBucket{rate: rate, burst: burst, complaint: form, pause: pause}
		}
		for burst, least := range map[float64]float64{1: 0.5, 5: 0.85, 20: 0.9, 100: 0.95} {
			if form == patience {
				least -= 0.1 // each call too early costs everybody the pause
			}
			for _, pause := range []time.Duration{second / 10, second / 2} {
				try(fmt.Sprintf("200/s, burst %g, %s %s", burst, name, pause), least, 8000, bucket(200, burst, pause), near)
			}
			try(fmt.Sprintf("200/s, burst %g, %s 1s", burst, name), least-0.1, 8000, bucket(200, burst, second), near)
			for _, pause := range []time.Duration{second / 2, 5 * second, 30 * second} {
				try(fmt.Sprintf("10/s, burst %g, %s %s", burst, name, pause), 0.5, int(10*max(120, 60*pause.Seconds())), bucket(10, burst, pause), near)
			}
			for _, then := range []float64{50, 400} {
				b := bucket(200, burst, second)
				b.turns, b.then = 20*second, then
				try(fmt.Sprintf("200/s, burst %g, %s 1s, after 20s %g/s", burst, name, then), 0.3, int(200*20+then*40), b, near)
			}
			if burst == 1 {
				continue // chance decides how many calls come too close
			}
			b := bucket(200, burst, second)
			b.others = 50
			try(fmt.Sprintf("200/s, burst %g, %s 1s, 50/s for others", burst, name), 0.4, 150*30, b, near)
			try(fmt.Sprintf("200/s, burst %g, %s 500ms, held up", burst, name), 0.4, 200*30, bucket(200, burst, second/2), heldUp)
			try(fmt.Sprintf("200/s, burst %g, %s 500ms, uneven", burst, name), 0.5, 200*30, bucket(200, burst, second/2), uneven)
		}
		try("10/s, burst 20, "+name+" 5m", 0.6, 10*60*60, bucket(10, 20, 5*minute), near)
		for _, c := range []struct {
			calls int
			every time.Duration
		}{{5, second}, {50, second}, {300, minute}, {3000, minute}} {
			try(fmt.Sprintf("%d in each %s, %s", c.calls, c.every, name), 0.6, c.calls*10, &window{calls: c.calls, every: c.every, complaint: form}, near)
			for _, pause := range []time.Duration{second, c.every / 2} {
				try(fmt.Sprintf("%d in any %s, %s %s", c.calls, c.every, name, pause), 0.45, c.calls*10,
					&window{calls: c.calls, every: c.every, sliding: true, pause: pause, complaint: form}, near)
			}
		}
		try("one pause, "+name, 0.9, 8000, &pauses{after: []int{2000}, complaint: form, pause: second}, near)
		try("a pause at the first call, "+name, 0.8, 8000, &pauses{after: []int{1}, complaint: form, pause: second}, near)
		try("one pause at once, "+name, 0.8, 8000, &pauses{after: []int{20}, complaint: form, pause: second}, near)
		try("four pauses soon after one another, "+name, 0.9, 8000, &pauses{after: []int{200, 201, 210, 212}, complaint: form, pause: second}, far)
	}
}

// A mailbox whose server is away does not keep all others waiting, and a server that is
// away does.
func TestPauseForOneMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			others bool // are answered in between
			pause  time.Duration
			want   string
		}{
			{true, 0, "[false false true true true]"},
			{false, 0, "[false false false false false]"},
			{true, time.Second, "[false false false false false]"}, // Retry-After is for all
		} {
			l, j := newLimiter(1), &job{}
			var alone []bool
			for range 5 {
				alone = append(alone, l.aboutOne(j, c.pause))
				time.Sleep(20 * time.Second)
				if c.others {
					l.answered(time.Now())
				}
			}
			if got := fmt.Sprint(alone); got != c.want {
				t.Errorf("%+v: %s", c, got)
			}
		}
	})
}
