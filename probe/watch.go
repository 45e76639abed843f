package probe

import (
	"context"
	"net/url"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Watch asks a server again and again without a credential, after a change was made
// there, and carries out the whole check once: when the answer has got better, or at
// the end of For. No logon is spent before that.
type Watch struct {
	For time.Duration
	// Evaluate says what a record of anonymous questions comes to.
	Evaluate func(evidence.Record) Answer
	// Show is told of each answer, and whether it is another one than before.
	Show func(a Answer, changed bool)
	// Whole carries out the whole check.
	Whole func(ctx context.Context, c Config, better bool) (evidence.Record, error)

	ask func(context.Context, Config) (evidence.Record, error) // Run, but in tests
}

// Answer is what the anonymous questions came to. Of two answers the one that is less
// bad is better.
type Answer struct {
	Bad                int // as exit codes are: 0 ok, 3 nothing is known
	Code, Status, Said string
}

const (
	watchPause = 3 * time.Second
	// watchPatience is for one round. A server that restarts answers at once or not at all.
	watchPatience = 10 * time.Second
)

// Run watches, and returns the record of the whole check; where ctx ends before it has
// begun, the record of the last anonymous questions.
func (w Watch) Run(ctx context.Context, c Config) (evidence.Record, error) {
	if w.ask == nil {
		w.ask = Run
	}
	end := time.Now().Add(w.For)
	anonymous := c.Anonymous()
	anonymous.Follow = nil
	if c.FromAddress == "" {
		anonymous.Autodiscover = nil
	}
	var answers []Answer
	for {
		anonymous.Timeout = max(min(c.Timeout, watchPatience, time.Until(end)), time.Second)
		rec, _ := w.ask(ctx, anonymous)
		anonymous.foundAlready(rec)
		if ctx.Err() != nil {
			rec.Stopped = evidence.StoppedByUser
			return rec, nil
		}
		a := w.Evaluate(rec)
		n := len(answers)
		w.Show(a, n == 0 || a != answers[n-1])
		answers = append(answers, a)
		better := improved(answers)
		if better || !time.Now().Before(end) {
			return w.Whole(ctx, c, better)
		}
		if ews.Sleep(ctx, min(watchPause, time.Until(end))); ctx.Err() != nil {
			rec.Stopped = evidence.StoppedByUser
			return rec, nil
		}
	}
}

// foundAlready keeps the search by Autodiscover from being made every few seconds.
func (c *Config) foundAlready(rec evidence.Record) {
	if u, err := url.Parse(rec.Target.URL); c.FromAddress != "" && err == nil && u.Host != "" {
		c.URL, c.FromAddress, c.Autodiscover = u, "", nil
	}
}

// improved says whether the last answer is better than the first, or as good as a
// good one was before the server went down. A server that starts, and a farm of which
// one server has changed, give answers that do not last: two have to agree.
func improved(answers []Answer) bool {
	n := len(answers) - 1
	if n < 1 || answers[n] != answers[n-1] {
		return false
	}
	first, last, worst := answers[0].Bad, answers[n].Bad, 0
	for _, a := range answers {
		worst = max(worst, a.Bad)
	}
	const warning = 1
	return last < first || first <= warning && last <= first && worst > warning
}
