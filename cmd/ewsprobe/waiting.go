package main

import (
	"fmt"
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
