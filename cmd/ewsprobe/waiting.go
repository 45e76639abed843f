package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Most checks are over before anybody wonders.
const (
	waitPace  = time.Second
	eraseLine = "\r\x1b[K"
)

// waiting shows on a terminal, while a server takes its time, who is waited for and for
// how long. The line is gone when stop returns. With -v the log says it.
func waiting(out output, cfg *probe.Config, pace time.Duration) (stop func()) {
	std := out.std
	if !std.errTerm || std.env("TERM") == "dumb" || cfg.Follow != nil {
		return func() {}
	}
	whom := "Autodiscover"
	if cfg.URL != nil {
		whom = out.text(cfg.URL.Host)
	}
	var last atomic.Value
	cfg.Follow = func(item evidence.Item) { last.Store(report.LegOf(item).What) }
	started, end := time.Now(), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for shown := false; ; {
			select {
			case <-end:
				if shown {
					fmt.Fprint(std.err, eraseLine)
				}
				return
			case <-tick.C:
			}
			if time.Since(started) < 2*pace {
				continue
			}
			line := fmt.Sprintf("waiting for %s, %s of at most %s", report.Clean(whom, 100), time.Since(started).Round(time.Second), cfg.Timeout)
			if step, ok := last.Load().(string); ok {
				line += "; the last step that ended: " + step
			}
			fmt.Fprint(std.err, eraseLine+cutTo(line, std.errColumns()-1))
			shown = true
		}
	})
	return func() {
		close(end)
		done.Wait()
	}
}
