//go:build !windows

package service

import (
	"errors"
	"log/slog"
)

// WriteEvent is for Windows alone.
func WriteEvent(slog.Level, uint32, string) error {
	return errors.New("this machine has no Windows event log")
}
