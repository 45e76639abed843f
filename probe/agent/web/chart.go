package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// span is a time that a chart shows.
type span struct{ Name, Title string }

// ranges are those of history.Widths.
var ranges = [...]span{{"24h", "24 hours"}, {"7d", "7 days"}, {"90d", "90 days"}}

// chart is the history of a target over a span of time: a bar by status and a line
// of how long runs took.
type chart struct {
	Title  string
	Wide   int // of the picture, one for each span
	Blocks []block
	Line   string // the path of the line; "": no run
	Says   string // the bar in words
	Took   string // the line in words
}

// block is a part of the bar: spans side by side of the same status.
type block struct {
	X, Wide int
	Status  finding.Status
	Says    string
}

// lineHigh is the height of the line's picture.
const lineHigh = 20

// chartOf draws one of the ranges of a target, whose spans may have gaps.
func chartOf(t *agent.Target, which int, now time.Time) chart {
	width, spans := history.Widths[which], history.Bar{}
	if t.Spans != nil { // else it was not run
		spans = t.Spans[which]
	}
	c, first := chart{Title: ranges[which].Title, Wide: width.Kept}, width.First(now)
	var total history.Span
	var slowest, sum time.Duration
	for _, s := range spans {
		slowest = max(slowest, s.Latency)
	}
	path, before, counted := strings.Builder{}, -2, 0
	for _, s := range spans {
		x := int(s.At.Sub(first) / width.Each)
		if s.At.Before(first) || x >= width.Kept || s.All() == 0 {
			continue
		}
		for i, n := range s.Runs {
			total.Runs[i] += n
		}
		status := finding.WorstFirst()[slices.IndexFunc(s.Runs[:], func(n int) bool { return n > 0 })]
		if n := len(c.Blocks); n > 0 && c.Blocks[n-1].Status == status && c.Blocks[n-1].X+c.Blocks[n-1].Wide == x {
			c.Blocks[n-1].Wide++
		} else {
			c.Blocks = append(c.Blocks, block{X: x, Wide: 1, Status: status})
		}
		y := float64(lineHigh) - 1 - float64(s.Latency)/float64(max(slowest, 1))*(lineHigh-2)
		if x == before+1 {
			fmt.Fprintf(&path, "L%d.5 %.1f", x, y)
		} else {
			// A line of no length has round ends, which are a dot.
			fmt.Fprintf(&path, "M%d.5 %.1fh0", x, y)
		}
		before, sum, counted = x, sum+s.Latency, counted+1
	}
	for i := range c.Blocks {
		b := &c.Blocks[i]
		from, to := first.Add(width.Each*time.Duration(b.X)), first.Add(width.Each*time.Duration(b.X+b.Wide))
		b.Says = fmt.Sprintf("%s, %s to %s", b.Status, moment(from), moment(to))
	}
	c.Line, c.Says = path.String(), shares(total)
	if counted > 0 {
		c.Took = fmt.Sprintf("%s on average, %s at most", roughly(sum/time.Duration(counted)), roughly(slowest))
	}
	return c
}

// shares are how many of the runs came to which status.
func shares(s history.Span) string {
	all := s.All()
	if all == 0 {
		return "no run"
	}
	var parts []string
	for i, status := range finding.WorstFirst() {
		if n := s.Runs[i]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", percent(n, all), status))
		}
	}
	return strings.Join(parts, ", ") + " of " + count(all, "run")
}

// percent is never 0 % of something, nor 100 % where something is missing.
func percent(n, all int) string {
	switch p := float64(n) / float64(all) * 100; {
	case n == all:
		return "100 %"
	case p < 0.1:
		return "under 0.1 %"
	case p > 99.9:
		return "over 99.9 %"
	default:
		return fmt.Sprintf("%.1f %%", p)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// moment is a time as the pages have it.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// ago is how long a time is over, or ahead, in the two largest units.
func ago(at time.Time) string {
	d := time.Since(at).Abs().Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

func expiry(end time.Time) string {
	date, left := end.UTC().Format("2006-01-02"), time.Until(end)
	if left < 0 {
		return "expired on " + date
	}
	return fmt.Sprintf("%s left, until %s", count(int(left/(24*time.Hour)), "day"), date)
}

func roughly(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
