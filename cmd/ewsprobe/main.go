// Command ewsprobe says why Dynamics 365 server-side synchronization gets a 401
// from Exchange Web Services, what proves it and what fixes it.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
)

func main() {
	os.Exit(realMain())
}

func realMain() int {
	// Far above what a check needs; it makes the collector tidy up before a
	// hostile server's answers add up.
	debug.SetMemoryLimit(40 << 20)
	debug.SetGCPercent(400) // a check ends before there is much to collect
	// The first Ctrl-C (or the end of the terminal) ends the check with a report of what was found so far;
	// the second ends the program.
	ignoreHangup()
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals(len(os.Args) > 1 && os.Args[1] == "agent")...)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args, processIO())
}
