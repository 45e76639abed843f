package service

import (
	"fmt"
	"log/slog"

	"golang.org/x/sys/windows/svc/eventlog"
)

// maxEvent bounds an event: ReportEvent takes 31,839 characters.
const maxEvent = 30000

// WriteEvent writes to the event log of Windows, under the name of the service, whose
// installation makes it known there. One filters by the id.
func WriteEvent(level slog.Level, id uint32, text string) error {
	log, err := eventlog.Open(name)
	if err != nil {
		return fmt.Errorf("the event log cannot be opened: %w", err)
	}
	defer log.Close()
	write := log.Info
	switch {
	case level >= slog.LevelError:
		write = log.Error
	case level >= slog.LevelWarn:
		write = log.Warning
	}
	if err := write(id, text[:min(len(text), maxEvent)]); err != nil {
		return fmt.Errorf("the event cannot be written to the event log: %w", err)
	}
	return nil
}
