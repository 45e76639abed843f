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
