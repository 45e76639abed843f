package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
)

// unsteady is what differs between two runs of the same check.
var unsteady = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`), "TIME"},
	{regexp.MustCompile(`\d\d:\d\d:\d\d UTC`), "TIME"},
	{regexp.MustCompile(`valid until \d{4}-\d\d-\d\d`), "valid until DATE"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "SHA256"},
	{regexp.MustCompile(`\bgo1\.\d+(\.\d+)?\b`), "GOVERSION"},
	{regexp.MustCompile(`after \d+ ms`), "after N ms"},
	{regexp.MustCompile(`\[e\d+(,\s+e\d+)*\]`), "[EVIDENCE]"},
	{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "GUID"},
}

// steady is a command for the scripts: it copies standard input and replaces
// what differs between two runs. With an argument it stops before the line that
// says so.
func steady() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if len(os.Args) > 1 {
		text, _, _ = bytes.Cut(text, []byte("\n  "+os.Args[1]+"\n"))
	}
	for _, u := range unsteady {
		text = u.pattern.ReplaceAll(text, []byte(u.instead))
	}
	if _, err := os.Stdout.Write(text); err != nil {
		os.Exit(1)
	}
}
