package service

import (
	"bytes"
	"io"

	"golang.org/x/sys/windows/svc/eventlog"
)

// EventLog takes the log of a service of Windows, of which nobody sees standard
// error.
func EventLog() io.Writer {
	log, err := eventlog.Open(name)
	if err != nil {
		return io.Discard
	}
	return events{log}
}

type events struct{ log *eventlog.Log }

// Write is one line of package slog.
func (e events) Write(line []byte) (int, error) {
	write := e.log.Warning
	if bytes.Contains(line, []byte("level=ERROR")) {
		write = e.log.Error
	}
	return len(line), write(10, string(bytes.TrimSpace(line)))
}
