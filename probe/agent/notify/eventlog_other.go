//go:build !windows

package notify

import (
	"context"
	"errors"
)

// eventLog is only on Windows.
type eventLog struct{}

func (eventLog) send(context.Context, string, Notification) error { return errors.New(checkEventLog()) }

func checkEventLog() string {
	return "event_log needs Windows; here use email or webhook"
}
