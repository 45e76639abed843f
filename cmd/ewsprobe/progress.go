package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Most checks are over before anybody wonders.
const waitPace = time.Second

// waiting shows on a terminal, while a server takes its time, who is waited for and for
// how long. The line is gone when stop returns. With -v the log says it.
func waiting(out output, cfg *probe.Config, pace time.Duration) (stop func()) {
	if !out.std.redraws() || cfg.Follow != nil {
		return func() {}
	}
	whom := "Autodiscover"
	if cfg.URL != nil {
		whom = out.mask.Text(cfg.URL.Host)
	}
	var last atomic.Value
	cfg.Follow = func(item evidence.Item) { last.Store(report.StepName(item.Step)) }
	started, line := time.Now(), statusLine{std: out.std}
	end := every(pace, func() {
		if time.Since(started) < 2*pace {
			return
		}
		text := fmt.Sprintf("waiting for %s, %s of at most %s", report.Clean(whom, 100), time.Since(started).Round(time.Second), cfg.Timeout)
		if step, ok := last.Load().(string); ok {
			text += "; the last step that ended: " + step
		}
		line.show(text, "")
	})
	return func() {
		end()
		line.clear()
	}
}

const eraseLine = "\r\x1b[K"

// redraws says whether a line on standard error can be written over.
func (s stdio) redraws() bool { return s.errTerm && s.env("TERM") != "dumb" }

// statusLine is a line on the terminal that is written over again and again.
type statusLine struct {
	std  stdio
	text string // that is shown; "" none is
}

// show writes a text and what stands behind it, which stays whole: a line that wraps
// cannot be written over.
func (l *statusLine) show(text, behind string) {
	room := l.std.errColumns() - 1 - utf8.RuneCountInString(behind)
	if r := []rune(text); len(r) > room {
		text = string(r[:max(room-1, 0)]) + "…"
	}
	if l.text = text + behind; l.text != "" {
		fmt.Fprint(l.std.err, eraseLine+l.text)
	}
}

func (l *statusLine) clear() {
	if l.text != "" {
		fmt.Fprint(l.std.err, eraseLine)
	}
	l.text = ""
}

// every does something again and again until stop is called, which waits for it.
func every(pace time.Duration, do func()) (stop func()) {
	end := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				do()
			}
		}
	})
	return func() {
		close(end)
		done.Wait()
	}
}

// watch is --watch: on a terminal one line that is kept up to date, elsewhere a line
// for each change, on standard error.
func (o output) watch(limit time.Duration) func(context.Context, probe.Config) (evidence.Record, error) {
	std, started := o.std, time.Now()
	shown := statusLine{std: std}
	var last probe.Answer
	before := ""
	line := func(a probe.Answer, since string) string {
		return fmt.Sprintf("%s (%s)%s: %s", a.Code, a.Status, since, a.Said)
	}
	w := probe.Watch{
		For: limit,
		Evaluate: func(rec evidence.Record) probe.Answer {
			r := reportOf(rec, o.mask, std)
			var offers []string
			for _, s := range r.Schemes {
				offers = append(offers, s.Name)
			}
			said := r.Verdict.Summary
			if len(offers) > 0 {
				said = "offers " + strings.Join(offers, ", ")
			}
			v := r.Verdict
			return probe.Answer{Bad: v.Status.ExitCode(), Code: string(v.Code), Status: string(v.Status), Said: said}
		},
		Show: func(a probe.Answer, changed bool) {
			now := time.Now()
			if changed && last.Code != "" {
				before = fmt.Sprintf(", until %s %s", now.Format("15:04:05"), last.Code)
			}
			last = a
			switch {
			case std.redraws():
				shown.show(fmt.Sprintf("watching, %s of %s: %s", now.Sub(started).Round(time.Second), limit, line(a, before)), "")
			case changed:
				fmt.Fprintf(std.err, "%s  %s\n", now.UTC().Format("15:04:05 UTC"), line(a, ""))
			}
		},
		Whole: func(ctx context.Context, cfg probe.Config, better bool) (evidence.Record, error) {
			shown.clear()
			why := "the answer is better"
			if !better {
				why = "--watch-for is over"
			}
			fmt.Fprintf(std.err, "%s after %s: %s; now the whole check\n", why, time.Since(started).Round(time.Second), line(last, ""))
			return o.run(ctx, cfg)
		},
	}
	return func(ctx context.Context, cfg probe.Config) (evidence.Record, error) {
		rec, trouble := w.Run(ctx, cfg)
		shown.clear()
		return rec, trouble
	}
}

// progress shows on standard error how far a batch is: on a terminal a line with a bar,
// elsewhere a line every ten seconds.
type progress struct {
	std     stdio
	started time.Time
	stop    func()
	last    int       // rows, when it was looked at last
	moved   time.Time // when a row came

	mu  sync.Mutex // of standard error, which the log and the results share
	bar statusLine
}

const (
	linePace = 10 * time.Second
	barPace  = 200 * time.Millisecond
	barWidth = 12
)

func showProgress(std stdio) *progress {
	return &progress{std: std, started: time.Now(), moved: time.Now(), stop: func() {}, bar: statusLine{std: std}}
}

// watch begins to show what far tells.
func (p *progress) watch(far func() batch.Progress) {
	if !p.std.redraws() {
		p.stop = every(linePace, func() {
			line := p.line(far())
			p.over(func() { fmt.Fprintf(p.std.err, "ewsprobe: %s\n", line) })
		})
		return
	}
	p.stop = every(barPace, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.draw(far())
	})
}

// end takes the bar away.
func (p *progress) end() {
	p.stop()
	p.bar.clear()
}

// over writes to the terminal where the bar may stand, and the bar below it again.
func (p *progress) over(write func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.bar.text
	p.bar.clear()
	write()
	p.bar.show(text, "")
}

func (p *progress) draw(f batch.Progress) {
	bar := ""
	if f.Total > 0 {
		done := min(f.Reported+f.Resumed, f.Total)
		bar = strings.Repeat("█", done*barWidth/f.Total)
		bar = fmt.Sprintf(" %3d%% |%-*s|", 100*done/f.Total, barWidth, bar)
	}
	p.bar.show(p.line(f), bar)
}

// shortPause is one that is not worth a word: most are over before it is read.
const shortPause = 2 * time.Second

// longSilence is how long no row comes before it is told.
const longSilence = 5 * time.Second

// waitsFor is what keeps the run from asking; "" nothing does.
func waitsFor(f batch.Progress, now time.Time) string {
	wait := f.Until.Sub(now)
	until := fmt.Sprintf("%s (in %s)", f.Until.Local().Format("15:04:05"), max(wait, time.Second).Round(time.Second))
	switch {
	case f.Away && wait > 0:
		return "the server is away, next try at " + until
	case f.Away:
		return "the server is away, being tried again"
	case wait > shortPause:
		return "the server asked for a pause, until " + until
	}
	return ""
}

// line is "1200 of about 13200 rows, 40.0/s, 5m0s left: 1190 ok, 10 critical".
func (p *progress) line(f batch.Progress) string {
	rate := float64(f.Reported) / max(time.Since(p.started).Seconds(), 0.001)
	done := f.Reported + f.Resumed
	s := fmt.Sprintf("%d rows, %.1f/s", done, rate)
	why := waitsFor(f, time.Now())
	if done != p.last {
		p.last, p.moved = done, time.Now()
	}
	if quiet := time.Since(p.moved); why == "" && quiet > longSilence {
		why = fmt.Sprintf("waiting for answers since %s (%s)", p.moved.Local().Format("15:04:05"), quiet.Round(time.Second))
	}
	if f.Total > done && (rate > 0 || why != "") {
		about := "about "
		if f.Sure {
			about = ""
		}
		if why != "" { // how long the rest takes, nobody knows
			return fmt.Sprintf("%d of %s%d rows, %s", done, about, f.Total, why) + p.counts(f)
		}
		left := time.Duration(float64(f.Total-done) / rate * float64(time.Second)).Round(time.Second)
		s = fmt.Sprintf("%d of %s%d rows, %.1f/s, %s left", done, about, f.Total, rate, left)
	}
	if why != "" {
		s = fmt.Sprintf("%d rows, %s", done, why)
	}
	return s + p.counts(f)
}

func (p *progress) counts(f batch.Progress) string {
	var counts []string
	for _, status := range slices.Backward(finding.WorstFirst()) {
		if n := f.ByStatus[string(status)]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, status))
		}
	}
	s := ""
	if len(counts) > 0 {
		s = ": " + strings.Join(counts, ", ")
	}
	if f.Rate > 0 {
		s += fmt.Sprintf(" (limited to %.1f/s by the server)", f.Rate)
	}
	return s
}
