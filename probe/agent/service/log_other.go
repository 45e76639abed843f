//go:build !windows

package service

import "io"

// EventLog is for services of Windows alone.
func EventLog() io.Writer { return io.Discard }
