package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
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
