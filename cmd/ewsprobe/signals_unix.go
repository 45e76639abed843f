//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// endings are the signals that end a run with a report. A terminal that is closed
// is one, but not where nohup has had it ignored.
func endings() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// reporting keeps a terminal from breaking off the report: when one is closed, the
// shell says so, and the system once more when the shell ends.
func reporting() { signal.Ignore(syscall.SIGHUP) }
