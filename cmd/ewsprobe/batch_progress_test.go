package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/batch"
)

// While a server is away or wants a pause, nobody is promised an end.
func TestProgressSaysWhatItWaitsFor(t *testing.T) { synctest.Test(t, saysWhatItWaitsFor) } // time stands still

func saysWhatItWaitsFor(t *testing.T) {
	soon := time.Now().Add(12 * time.Second)
	at := soon.Local().Format("15:04:05")
	for name, c := range map[string]struct {
		f             batch.Progress
		want, without string
	}{
		"on its way":    {batch.Progress{}, "/s, ", "server"},
		"a short pause": {batch.Progress{Until: time.Now().Add(time.Second)}, "/s, ", "server"},
		"a pause":       {batch.Progress{Until: soon}, "70 of 149 rows, the server asked for a pause, until " + at + " (in 12s): 70 ok", "left"},
		"away":          {batch.Progress{Until: soon, Away: true}, "70 of 149 rows, the server is away, next try at " + at + " (in 12s): 70 ok", "left"},
		"away, asked":   {batch.Progress{Until: time.Now().Add(-time.Second), Away: true}, "70 of 149 rows, the server is away, being tried again: 70 ok", "left"},
	} {
		p := showProgress(stdio{})
		p.started = time.Now().Add(-time.Minute)
		c.f.Reported, c.f.Total, c.f.Sure, c.f.ByStatus = 70, 149, true, map[string]int{"ok": 70}
		if got := p.line(c.f); !strings.Contains(got, c.want) || strings.Contains(got, c.without) {
			t.Errorf("%s: %q", name, got)
		}
		if name == "on its way" {
			p.moved = time.Now().Add(-12 * time.Second)
			if got := p.line(c.f); !strings.Contains(got, "70 of 149 rows, waiting for answers since ") || !strings.Contains(got, " (12s): 70 ok") {
				t.Errorf("no answer: %q", got)
			}
			p.moved = time.Now()
		}
		c.f.Total = 0 // from a pipe: how many there will be is not known
		if got := p.line(c.f); !strings.HasPrefix(got, "70 rows, ") || strings.Contains(got, c.without) {
			t.Errorf("%s, from a pipe: %q", name, got)
		}
	}
}

// What is written to the terminal stands above the bar, and nothing of the bar is left.
func TestProgressBar(t *testing.T) {
	var b strings.Builder
	std := stdio{err: &b, errTerm: true, env: func(string) string { return "" }}
	p := showProgress(std)
	p.over(func() { b.WriteString("begin\n") })
	p.draw(batch.Progress{Reported: 60, Total: 120, Sure: true})
	bar := b.String()[strings.LastIndex(b.String(), "\n")+1:]
	if !strings.HasPrefix(bar, eraseLine+"60 of 120 rows, ") || !strings.HasSuffix(bar, "  50% |██████      |") {
		t.Errorf("%q", bar)
	}
	p.over(func() { b.WriteString("row\n") })
	p.end()
	if want := "begin\n" + bar + eraseLine + "row\n" + bar + eraseLine; b.String() != want {
		t.Errorf("%q, not %q", b.String(), want)
	}
}
