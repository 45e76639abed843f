package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
)

// watch is --watch: on a terminal one line that is kept up to date, elsewhere a line
// for each change, on standard error.
func (o output) watch(limit time.Duration) func(context.Context, probe.Config) (evidence.Record, error) {
	std, started := o.std, time.Now()
	shown := statusLine{std: std}
	last, before := "", ""
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
			return probe.Answer{Bad: r.Verdict.Status.ExitCode(), Text: fmt.Sprintf("%s (%s): %s", r.Verdict.Code, r.Verdict.Status, said)}
		},
		Show: func(a probe.Answer, changed bool) {
			now := time.Now()
			if changed && last != "" {
				was, _, _ := strings.Cut(last, " ")
				before = fmt.Sprintf(", until %s %s", now.Format("15:04:05"), was)
			}
			last = a.Text
			switch {
			case std.redraws():
				code, said, _ := strings.Cut(a.Text, ": ")
				shown.show(fmt.Sprintf("watching, %s of %s: %s%s: %s", now.Sub(started).Round(time.Second), limit, code, before, said), "")
			case changed:
				fmt.Fprintf(std.err, "%s  %s\n", now.UTC().Format("15:04:05 UTC"), a.Text)
			}
		},
		Whole: func(ctx context.Context, cfg probe.Config, better bool) (evidence.Record, error) {
			shown.clear()
			why := "the answer is better"
			if !better {
				why = "--watch-for is over"
			}
			fmt.Fprintf(std.err, "%s after %s: %s; now the whole check\n", why, time.Since(started).Round(time.Second), last)
			return o.run(ctx, cfg)
		},
	}
	return func(ctx context.Context, cfg probe.Config) (evidence.Record, error) {
		rec, trouble := w.Run(ctx, cfg)
		shown.clear()
		return rec, trouble
	}
}
