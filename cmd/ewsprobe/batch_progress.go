package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

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
		if n := f.ByStatus[status]; n > 0 {
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
