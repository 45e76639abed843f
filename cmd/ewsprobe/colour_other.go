//go:build !windows

package main

func enableColour() bool { return true }
