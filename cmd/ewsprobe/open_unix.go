//go:build unix

package main

import "syscall"

// besides opens a file without waiting for what is at its other end.
const besides = syscall.O_NONBLOCK
