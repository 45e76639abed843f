package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// progress shows on standard error how far a batch is: a bar on a terminal, a
// line every ten seconds elsewhere.
type progress struct {
	std     stdio
	in      *input
	started time.Time
	stop    chan struct{}
	done    sync.WaitGroup
}

const linePace = 10 * time.Second

func showProgress(std stdio, in *input) *progress {
	return &progress{std: std, in: in, started: time.Now(), stop: make(chan struct{})}
}

func (p *progress) watch(far func() batch.Progress) {
	p.done.Go(func() {
		if p.std.errTerm && !p.std.outTerm {
			p.bar(far)
		} else {
			p.lines(far)
		}
	})
}

func (p *progress) end() {
	close(p.stop)
	p.done.Wait()
}

func (p *progress) lines(far func() batch.Progress) {
	tick := time.NewTicker(linePace)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			fmt.Fprintf(p.std.err, "ewsprobe: %s\n", p.line(far()))
		}
	}
}

// line is "1200 rows, 40/s, about 5m0s left: 1190 ok, 10 critical".
func (p *progress) line(f batch.Progress) string {
	took := time.Since(p.started).Seconds()
	s := fmt.Sprintf("%d rows, %.1f/s", f.Reported, float64(f.Reported)/max(took, 0.001))
	if at := p.in.at.Load(); p.in.size > 0 && at > 0 && at < p.in.size {
		s += fmt.Sprintf(", about %s left", time.Duration(took*float64(p.in.size-at)/float64(at)*float64(time.Second)).Round(time.Second))
	}
	return s + p.counts(f)
}

func (p *progress) counts(f batch.Progress) string {
	var counts []string
	for _, status := range []finding.Status{finding.OK, finding.Warning, finding.Unknown, finding.Critical} {
		if n := f.ByStatus[status]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, status))
		}
	}
	s := ""
	if len(counts) > 0 {
		s = ": " + strings.Join(counts, ", ")
	}
	if f.Rate > 0 {
		s += fmt.Sprintf(" (held to %.1f/s for the server's sake)", f.Rate)
	}
	return s
}

// bar counts bytes of the input where its size is known: rows are not counted
// before they are read.
func (p *progress) bar(far func() batch.Progress) {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(p.std.err), progressbar.OptionSetWidth(25), progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(p.in.size > 0),
	}
	size := p.in.size
	if size <= 0 {
		size = -1
	}
	bar := progressbar.NewOptions64(size, options...)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			_ = bar.Finish()
			return
		case <-tick.C:
			f := far()
			bar.Describe(fmt.Sprintf("%d rows, %.0f/s%s", f.Reported, float64(f.Reported)/max(time.Since(p.started).Seconds(), 0.001), p.counts(f)))
			if size > 0 {
				_ = bar.Set64(min(p.in.at.Load(), size-1))
			} else {
				_ = bar.Add(1)
			}
		}
	}
}
