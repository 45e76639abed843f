//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// stopSignals are the signals that end a run with a report. A terminal that is
// closed is one, but not where nohup has had it ignored, nor for an agent, which
// reloads its configuration then.
func stopSignals(agent bool) []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !agent && !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// ignoreHangup keeps SIGHUP from killing the program, however often it comes:
// when a terminal is closed, the shell sends it, and the system once more when the
// shell ends. It is caught for good, not ignored after the first: while
// signal.Ignore takes effect, a signal is neither caught nor ignored.
func ignoreHangup() {
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
}

// notifyHangup has SIGHUP told to a channel, until done is called.
func notifyHangup(to chan<- os.Signal) (done func()) {
	signal.Notify(to, syscall.SIGHUP)
	return func() { signal.Stop(to) }
}
