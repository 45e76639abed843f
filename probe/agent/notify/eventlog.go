package notify

import (
	"context"
	"log/slog"

	"github.com/ewsprobe/ewsprobe/probe/agent/service"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// eventLog writes to the event log of Windows. Elsewhere no configuration with one is
// valid.
type eventLog struct{}

func (eventLog) send(_ context.Context, _ string, n Notification) error {
	level := slog.LevelWarn
	switch {
	case n.Kind == Recovery:
		level = slog.LevelInfo
	case n.Status == finding.Critical:
		level = slog.LevelError
	}
	id := map[Kind]uint32{Problem: 1, Recovery: 2, Reminder: 3, CredentialWithheld: 4}[n.Kind]
	return service.WriteEvent(level, id, n.subject()+"\r\n\r\n"+n.text())
}
