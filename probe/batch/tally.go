package batch

import (
	"sync"
	"time"

	"github.com/beorn7/perks/quantile"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// maxFronts is how many front ends a summary names.
const maxFronts = 100

// tally counts what a run does, and what the rows say.
type tally struct {
	mu      sync.Mutex
	started time.Time
	s       report.Summary
	rows    report.Tally
	mine    int              // rows of this shard
	took    *quantile.Stream // of the answers, in milliseconds
	longest time.Duration
}

// Progress is how far a run has come.
type Progress struct {
	Read     int // rows of this shard
	Total    int // how many there will be; 0: not known
	Sure     bool
	Reported int
	Resumed  int
	ByStatus map[string]int
	Rate     float64 // allowed by the throttle, calls per second; 0: not held back
	Paused   time.Duration
	Until    time.Time // nobody asks before
	Away     bool      // the server: it answers no more
}

func newTally(started time.Time) *tally {
	return &tally{
		started: started,
		s:       report.Summary{Started: started, FrontEnds: map[string]int{}},
		took:    quantile.NewTargeted(map[float64]float64{0.5: 0.005, 0.9: 0.002, 0.99: 0.0005}), // with the error of the rank
	}
}

func (t *tally) request(n int) {
	t.mu.Lock()
	t.s.Requests += n
	t.mu.Unlock()
}

// endpoint takes the verdict of the endpoint's own check, where it is not ok.
func (t *tally) endpoint(v finding.Verdict) {
	t.mu.Lock()
	t.s.Verdict = &v
	t.mu.Unlock()
}

// served notes who answered, and how fast.
func (t *tally) served(item evidence.Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if name := item.Response.First("X-FEServer"); name != "" && (t.s.FrontEnds[name] > 0 || len(t.s.FrontEnds) < maxFronts) {
		t.s.FrontEnds[name]++
	}
	if item.Timing.Total == nil {
		return
	}
	took := time.Duration(*item.Timing.Total * float64(time.Millisecond))
	t.longest = max(t.longest, took)
	t.took.Insert(millis(took))
	if n := len(t.s.Slowest); n < report.MostSlowest || millis(took) > t.s.Slowest[n-1].TookMS {
		mailbox := ""
		if item.Request != nil {
			mailbox = item.Request.Mailbox
		}
		t.s.Slowest = report.Slower(t.s.Slowest, report.SlowMailbox{Mailbox: mailbox, TookMS: millis(took)})
	}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// count counts a row's result. resumed: an earlier run reported it.
func (t *tally) count(r report.Row, resumed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows.Add(r, resumed)
}

// read counts a row of the input; mine: it is of this shard.
func (t *tally) read(number int, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.Rows = max(t.s.Rows, number)
	if mine {
		t.mine++
	}
}

// progress is how far the run has come.
func (t *tally) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := Progress{Read: t.mine}
	p.Reported, p.Resumed, p.ByStatus = t.rows.Counts()
	return p
}

func (t *tally) summary(mask *report.Mask) report.Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.s
	s.DurationMS = time.Since(t.started).Milliseconds()
	if t.longest > 0 {
		s.AnswersMS = &report.Percentiles{P50: t.took.Query(0.5), P90: t.took.Query(0.9), P99: t.took.Query(0.99), Max: millis(t.longest)}
	}
	return t.rows.Into(mask.Summary(s))
}
