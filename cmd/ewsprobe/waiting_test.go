package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/probe"
)

// lineWriter hands on what is written.
type lineWriter chan string

func (w lineWriter) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}

// A terminal shows who is waited for, and nothing of it is left; elsewhere nothing is
// shown.
func TestWaiting(t *testing.T) {
	written := make(lineWriter, 1000)
	out := output{std: stdio{err: written, errTerm: true, env: func(string) string { return "" }}}
	cfg := probe.Config{URL: &url.URL{Host: "mail.contoso.com"}, Timeout: 30 * time.Second}
	stop := waiting(out, &cfg, time.Millisecond)
	if line := <-written; !strings.HasPrefix(line, eraseLine+"waiting for mail.contoso.com, ") {
		t.Errorf("%q", line)
	}
	stop()
	last := ""
	for len(written) > 0 {
		last = <-written
	}
	if last != eraseLine {
		t.Errorf("%q is left", last)
	}
	out.std.errTerm, cfg.Follow = false, nil
	waiting(out, &cfg, time.Millisecond)()
	if cfg.Follow != nil || len(written) > 0 {
		t.Error("something is shown where no terminal is")
	}
}
