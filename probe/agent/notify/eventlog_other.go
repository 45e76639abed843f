//go:build !windows

package notify

import (
	"context"
	"errors"
)

// eventLog is only on Windows; elsewhere no configuration with one is valid.
type eventLog struct{}

func (eventLog) send(context.Context, string, Notification) error {
	return errors.New("this machine has no Windows event log")
}
