package web

import (
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// comparisons remembers what probe/diff says of two runs: it judges many times, and
// a page is asked for often.
type comparisons struct {
	mu   sync.Mutex
	says map[pair]string
}

// pair is two runs of targets of this agent, or of peers.
type pair struct {
	a, b   string // the names of the targets
	ra, rb int64
}

// mostComparisons is how many are remembered.
const mostComparisons = 1000

// patience is how long the page of all targets compares what it does not know yet.
// The rest is there the next time.
const patience = 200 * time.Millisecond

// get is what explains the difference of two runs; "": it is not known yet, and
// until has passed.
func (c *comparisons) get(p pair, until time.Time, load func() (a, b evidence.Record, err error)) string {
	c.mu.Lock()
	says, ok := c.says[p]
	c.mu.Unlock()
	if ok || time.Now().After(until) {
		return says
	}
	a, b, err := load()
	if err != nil {
		return ""
	}
	says = report.Conclusion(diff.Compare(a, b), p.a, p.b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.says == nil || len(c.says) >= mostComparisons {
		c.says = map[pair]string{}
	}
	c.says[p] = says
	return says
}
