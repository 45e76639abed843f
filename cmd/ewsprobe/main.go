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
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	limitMemory(command)
	// The first Ctrl-C (or the end of the terminal) ends the check with a report of what was found so far;
	// the second ends the program.
	ignoreHangup()
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals(command == "agent")...)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args, processIO())
}

// limitMemory says when the collector begins to work harder: far above what a command
// needs, and before a hostile server's answers add up.
func limitMemory(command string) {
	limit, percent := int64(40<<20), 400 // a check ends before there is much to collect
	switch command {
	case "batch": // ten answers under way, and the numbers of hundreds of thousands of mailboxes
		limit, percent = 44<<20, 200 // below it, a twentieth of the work is saved
	case "agent": // well below what an agent with hundreds of targets may take
		limit, percent = 90<<20, 100
	}
	debug.SetMemoryLimit(limit)
	debug.SetGCPercent(percent)
}
