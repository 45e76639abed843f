//go:build !unix

package main

import (
	"os"
	"syscall"
)

// stopSignals are the signals that end a run with a report; a window that is closed
// comes as SIGTERM.
func stopSignals(bool) []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

func ignoreHangup() {}

func notifyHangup(chan<- os.Signal) (done func()) { return func() {} }
