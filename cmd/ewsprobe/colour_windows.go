package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// enableColour asks the Windows console to understand colour; an old one
// cannot.
func enableColour() bool {
	h := windows.Handle(os.Stdout.Fd())
	var mode uint32
	if windows.GetConsoleMode(h, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
