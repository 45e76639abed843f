package batch

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Summary is what a run found on the whole.
type Summary struct {
	Started   time.Time
	Duration  time.Duration
	Rows      int // rows of data in the input, as far as it was read
	Reported  int // of these, in the output of this run
	Resumed   int // reported by earlier runs
	ByStatus  map[finding.Status]int
	ByCode    map[finding.Code]int
	ByCause   map[int]int // confirmed or likely
	Requests  int
	Retries   int
	Pauses    int
	Paused    time.Duration
	Verdict   finding.Verdict // the worst
	Groups    []Group
	Slowest   []Slow
	Answers   Times
	FrontEnds map[string]int
	Stopped   string // why it ended before the last row; "" it did not
	Shard     string
	Note      string // what else has to be known; "" nothing
}

// Group are rows with the same verdict.
type Group struct {
	Verdict  finding.Verdict
	Count    int
	Examples []string // mailboxes, or lines of rows that name none
}

// Slow is a mailbox and how long its answer took.
type Slow struct {
	Mailbox string
	Took    time.Duration
}

// Times are percentiles of the answers' times.
type Times struct{ P50, P90, P99, Max time.Duration }

// Limits of what a summary keeps.
const (
	examples  = 3
	maxGroups = 200
	maxFronts = 100
)

// MostSlowest is how many of the slowest mailboxes a summary names.
const MostSlowest = 5

// tally counts as results come.
type tally struct {
	mu      sync.Mutex
	s       Summary
	groups  map[group]*Group
	times   [600]int // by the logarithm of the time: each 3 % wide
	longest time.Duration
	worst   finding.Verdict
	haveOne bool
	own     int // rows of this shard that were read
}

// group is what rows of one group have in common.
type group struct {
	code   finding.Code
	status finding.Status
	what   string // the sentence, where the code says too little
}

// Progress is how far a run has come.
type Progress struct {
	Read     int // rows of this shard
	Reported int
	Resumed  int
	ByStatus map[finding.Status]int
	Rate     float64 // allowed by the throttle, calls per second; 0: not held back
	Paused   time.Duration
	Until    time.Time // nobody asks before
	Away     bool      // the server: it answers no more
}

func newTally(started time.Time) *tally {
	return &tally{
		s:      Summary{Started: started, ByStatus: map[finding.Status]int{}, ByCode: map[finding.Code]int{}, ByCause: map[int]int{}, FrontEnds: map[string]int{}},
		groups: map[group]*Group{},
	}
}

func (t *tally) request(n int) {
	t.mu.Lock()
	t.s.Requests += n
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
	t.times[bucketOf(took)]++
	if len(t.s.Slowest) < MostSlowest || took > t.s.Slowest[len(t.s.Slowest)-1].Took {
		mailbox := ""
		if item.Request != nil {
			mailbox = item.Request.Mailbox
		}
		t.s.Slowest = append(t.s.Slowest, Slow{mailbox, took})
		slices.SortStableFunc(t.s.Slowest, func(a, b Slow) int { return cmp.Compare(b.Took, a.Took) })
		t.s.Slowest = t.s.Slowest[:min(len(t.s.Slowest), MostSlowest)]
	}
}

const (
	bucketBase  = 100 * time.Microsecond
	bucketWidth = 1.03
)

func bucketOf(d time.Duration) int {
	if d <= bucketBase {
		return 0
	}
	return min(int(math.Log(float64(d)/float64(bucketBase))/math.Log(bucketWidth)), 599)
}

func (t *tally) percentile(p float64) time.Duration {
	all := 0
	for _, n := range t.times {
		all += n
	}
	want := int(math.Ceil(p * float64(all)))
	for i, n := range t.times {
		if want -= n; want <= 0 && all > 0 {
			return min(time.Duration(float64(bucketBase)*math.Pow(bucketWidth, float64(i+1))), t.longest)
		}
	}
	return t.longest
}

// count takes a row's result in. resumed: an earlier run reported it.
func (t *tally) count(shape *Shape, name string, tries int, resumed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.s
	if resumed {
		s.Resumed++
	} else {
		s.Reported++
	}
	if tries > 1 {
		s.Retries += tries - 1
	}
	v := shape.Verdict
	s.ByStatus[v.Status]++
	s.ByCode[v.Code]++
	for _, c := range shape.Causes {
		s.ByCause[c]++
	}
	t.worse(v, name)
	g, k := t.groupOf(v)
	if g == nil {
		g = &Group{Verdict: v}
		t.groups[k] = g
	}
	g.Count++
	g.example(name)
}

// groupOf returns the group of a verdict, nil where there is none yet, and its
// key.
func (t *tally) groupOf(v finding.Verdict) (*Group, group) {
	k := group{code: v.Code, status: v.Status}
	switch v.Code {
	case "not-checked", "throttled", "server-error", "forbidden":
		k.what = v.Summary
	case "exchange-error":
		k.what, _, _ = strings.Cut(v.Summary, `: "`) // the code; the server's words may differ by mailbox
	}
	g := t.groups[k]
	if g == nil && len(t.groups) >= maxGroups {
		k.what = ""
		g = t.groups[k]
	}
	return g, k
}

func (g *Group) example(name string) {
	if len(g.Examples) < examples && name != "" {
		g.Examples = append(g.Examples, name)
	}
}

// worse keeps the worst verdict; the first of the same kind stands for all.
func (t *tally) worse(v finding.Verdict, mailbox string) {
	place := func(v finding.Verdict) int { return v.Status.Rank()*1000 + finding.Order(v.Code) }
	if !t.haveOne || place(v) < place(t.worst) {
		if mailbox != "" { // else it may come yet
			v.Summary = About(v.Summary, mailbox)
		}
		t.worst, t.haveOne = v, true
	}
}

// read counts a row of the input; mine: it is of this shard.
func (t *tally) read(number int, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.Rows = max(t.s.Rows, number)
	if mine {
		t.own++
	}
}

// far is how far the run has come.
func (t *tally) far() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := Progress{Read: t.own, Reported: t.s.Reported, Resumed: t.s.Resumed, ByStatus: map[finding.Status]int{}}
	for k, n := range t.s.ByStatus {
		p.ByStatus[k] = n
	}
	return p
}

func (t *tally) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.s
	s.Duration = time.Since(s.Started)
	s.Verdict = t.worst
	s.Verdict.Summary = About(s.Verdict.Summary, "")
	s.Answers = Times{P50: t.percentile(0.5), P90: t.percentile(0.9), P99: t.percentile(0.99), Max: t.longest}
	for _, g := range t.groups {
		s.Groups = append(s.Groups, *g)
	}
	slices.SortFunc(s.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Verdict.Status.Rank(), b.Verdict.Status.Rank()), cmp.Compare(finding.Order(a.Verdict.Code), finding.Order(b.Verdict.Code)), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Verdict.Summary, b.Verdict.Summary))
	})
	return s
}

// Totals counts rows that were reported before.
type Totals struct{ t *tally }

// NewTotals has counted nothing.
func NewTotals() *Totals { return &Totals{newTally(time.Time{})} }

// Add counts a row; name is its mailbox, or the place of a row without one.
func (t *Totals) Add(s *Shape, name string, tries int) { t.t.count(s, name, tries, false) }

// Summary is what was counted.
func (t *Totals) Summary() Summary { return t.t.summary() }
