package batch

import (
	"math"
	"time"
)

// tempo finds the rate that a throttle allows. Nobody tells it: it shows only in
// what was answered and when the server complained, and each complaint costs a
// pause.
//
// Most throttles are buckets: calls that are not made are saved up, to a limit,
// and a complaint says that nothing is left. How many are saved up shows at the
// first complaint, when everybody has asked as fast as he could. From then on
// each complaint tells the rate. Whatever stretch of time ends with it, no more
// can have been answered in it than were saved up and came in: so the rate is at
// least what was answered, less what was saved up, by the time, and for the
// stretch in which the bucket was emptied it is just that. And since the
// complaint before, at which nothing was left, it is at least all that was
// answered, the pause included: where pauses are shorter than it takes to fill
// the bucket, that is the rate. So it is with limits per minute.
//
// Near the rate it works as CUBIC does for a network (RFC 9438): after a
// complaint a little slower, soon near the rate again, there for long, and then
// ever bolder, so that a complaint out of turn or a server that allows more than
// before is made up for. The more a complaint costs, the rarer more is tried.
type tempo struct {
	x     float64 // calls per second; Inf: not held back
	saved float64 // how many calls can be saved up

	complaints int
	starting   bool // the first guess is still to be found: faster while nobody complains
	hurried    int  // complaints in a row soon after a pause

	from, top float64       // x after the last complaint, and the rate that it told
	climb     time.Duration // how long it takes from one to the other
	held      time.Duration // of that, how long something else was slower

	began   time.Time // of asking since the last pause
	served  int       // answers since
	marks   []mark    // of them, some
	stride  int       // so many answers apart
	emptied time.Time // the last complaint, at which nothing was left
	inAll   int       // answers since

	vain time.Duration // pauses after which nothing was allowed yet

	blast     int           // answers before the first complaint
	blasted   time.Duration // and how long it took
	firstWait time.Duration // the pause it asked for

	quick   int           // answers in the shortest stretch of asking since
	quickly time.Duration // and how long that was

	since     time.Time // x was looked at
	sinceThen int       // answers since
}

// mark is when a call was sent, and how many had been answered before it.
type mark struct {
	at     time.Time
	served int
}

const (
	backOffTo  = 0.97            // of the rate that a complaint told
	hurryTo    = 0.95            // of that, for each further complaint in a row that came soon
	freely     = 0.99            // the same, where a complaint costs nothing
	drop       = 0.3             // of a rate of which a complaint only told that it is too high
	bolder     = 1.5             // at the beginning
	leastClimb = 4 * time.Second // and at least so many times what a complaint costs:
	climbIn    = 40
	few        = 3   // calls saved up: too few to find a rate by
	firstTry   = 10  // calls per second, at least, after the first complaint
	leastRate  = 0.2 // calls per second: one in five seconds shows that a server is well again
	fewAnswers = 10
	cheap      = 2 * time.Second // a pause that a further complaint may cost
	mostMarks  = 256
)

func newTempo() *tempo { return &tempo{x: math.Inf(1), saved: 1, stride: 1} }

// answered notes an answer to a call that was sent then, and returns whether x
// was changed.
func (t *tempo) answered(sent time.Time) bool {
	if t.began.IsZero() {
		t.began = sent // what came before was signing in
	}
	if sent.After(t.emptied) {
		t.inAll++
	}
	if sent.Before(t.began) { // it was under way when the server complained
		if t.complaints == 1 && t.served == 0 {
			t.blast++
			t.first()
			return true
		}
		return false
	}
	if t.served%t.stride == 0 {
		t.mark(mark{sent, t.served})
	}
	t.served++
	if math.IsInf(t.x, 1) {
		return false
	}
	return t.faster(sent)
}

func (t *tempo) mark(m mark) {
	if len(t.marks) == mostMarks {
		t.stride *= 2
		for i := range mostMarks / 2 {
			t.marks[i] = t.marks[2*i]
		}
		t.marks = t.marks[:mostMarks/2]
	}
	t.marks = append(t.marks, m)
}

// faster looks now and then whether more may be tried.
func (t *tempo) faster(sent time.Time) bool {
	t.sinceThen++
	took := sent.Sub(t.since)
	if t.starting {
		// A rate that is too high would show after more calls than are saved up; to
		// wait for half of very many lets the steps run into each other.
		if float64(t.sinceThen) < max(min(t.saved, 10), t.saved/2)+3 {
			return false
		}
	} else if took < 100*time.Millisecond {
		return false
	}
	saturated := float64(t.sinceThen) >= 0.8*t.x*took.Seconds()-1
	t.since, t.sinceThen = sent, 0
	switch {
	case !saturated: // something else is slower: there is no need to raise it
		t.held += took
	case t.starting:
		t.x *= bolder
	default:
		along := (sent.Sub(t.began)-t.held).Seconds()/t.climb.Seconds() - 1
		more := along * along * along
		if along > 1 {
			more = math.Exp2(4 * (along - 1))
		}
		t.x = min(t.top+(t.top-t.from)*more, 4*t.top)
	}
	return saturated
}

// complained notes that the server answered a call, which was sent then, with the
// wish to be left alone until resume.
func (t *tempo) complained(sent, resume time.Time) {
	if t.began.IsZero() {
		t.began = sent
	}
	pause := resume.Sub(sent)
	asking := sent.Sub(t.began)
	if t.inAll == 0 && t.complaints > 0 {
		t.vain += pause
		t.begin(resume)
		return
	}
	t.complaints++
	if t.complaints == 1 {
		t.blast, t.blasted, t.firstWait = t.served, asking, pause
		t.first()
	} else {
		t.told(sent, pause, asking)
	}
	t.emptied, t.inAll = sent, 0
	t.begin(resume)
}

// begin is the end of a pause.
func (t *tempo) begin(resume time.Time) {
	t.began, t.since, t.held = resume, resume, 0
	t.served, t.sinceThen = 0, 0
	t.marks, t.stride = t.marks[:0], 1
}

// first is what the first complaint tells: how many calls are saved up. To ask as
// slowly as these would last for a pause loses nothing.
func (t *tempo) first() {
	t.starting = true
	t.saved = max(float64(t.blast), 1)
	t.x = max(t.saved/max(t.firstWait.Seconds(), 0.001), firstTry)
	if t.blast > firstTry {
		t.x = min(t.x, perSecond(t.blast, t.blasted)/2)
	}
	t.x = max(t.x, leastRate)
}

// told is what each further complaint tells.
func (t *tempo) told(sent time.Time, pause, asking time.Duration) {
	least := perSecond(t.inAll, sent.Sub(t.emptied))
	var emptying float64
	for range 4 { // the one from the other
		emptying = t.emptying(sent)
		rate := max(least, emptying)
		t.saved = max(float64(t.blast)-rate*t.blasted.Seconds(), 1)
		if asking > 2*t.quickly { // the first bucket need not have been full
			t.saved = max(t.saved, float64(t.quick)-rate*t.quickly.Seconds())
		}
	}
	if t.quickly == 0 || asking < t.quickly {
		t.quick, t.quickly = t.served, asking
	}
	rate := max(least, emptying)
	soon := asking < t.climb/8
	switch {
	case t.starting && t.saved < few:
		rate = max(rate, 0.95*t.x/bolder)
	case t.starting:
	case soon:
		// A few answers do not tell much: a call may have come too early. Less is
		// tried, and much less if that was not enough.
		t.hurried++
		rate = max(rate, t.x*(1-drop)/float64(max(t.hurried-1, 1)))
	default:
		t.hurried = 0
		if rate < t.x*(1-drop/2) && pause.Seconds() <= t.saved/rate {
			rate = (rate + t.x) / 2 // it is no bucket, if that was allowed for so long
		}
	}
	if t.inAll < fewAnswers && pause <= cheap {
		rate = max(rate, t.x/2) // too few to tell a rate by: not all that asks for a pause is a throttle
	}
	rate = max(min(rate, max(t.x, least)), leastRate)
	lost := (pause + t.vain).Seconds() // of the pause: the rest of it is saved up
	if t.vain == 0 {
		lost -= t.saved / rate / 2 // at least half: not all that says so is a bucket
	}
	t.vain = 0
	t.climb = max(leastClimb, time.Duration(climbIn*lost*float64(time.Second)))
	before := t.top
	t.top = rate
	if t.hurried == 1 {
		t.top = max(rate, before*(1-drop/3))
	}
	if t.starting {
		t.starting = false
		t.top = rate * 1.05 // it was found in a hurry
		t.climb = max(t.climb/8, leastClimb/4)
		if t.saved < few {
			t.top = (rate + min(t.x, rate*bolder)) / 2
		}
	}
	back := backOffTo
	if lost <= 0 {
		back = freely
	}
	t.from = max(rate*back*math.Pow(hurryTo, float64(min(max(t.hurried-1, 0), 8))), leastRate)
	t.x = t.from
}

// emptying is the rate as the stretch of time tells it in which the bucket was
// emptied: the one that tells the highest.
func (t *tempo) emptying(until time.Time) (rate float64) {
	for _, m := range t.marks {
		n := float64(t.served-m.served) - t.saved
		if took := until.Sub(m.at).Seconds(); n >= max(3, t.saved/4) && took > 0 {
			rate = max(rate, n/took)
		}
	}
	return rate
}

func perSecond(n int, d time.Duration) float64 {
	return float64(n) / max(d.Seconds(), 0.001)
}
