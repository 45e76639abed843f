package soap

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// capture is what these tests need of a recorded answer.
type capture struct {
	ID   string `json:"id"`
	Body string `json:"body"`
}

// readCaptures returns the recorded answers, all of them.
func readCaptures(tb testing.TB) []capture {
	tb.Helper()
	raw, err := os.ReadFile("../testdata/captures/captures.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	var captures []capture
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		var c capture
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			tb.Fatal(err)
		}
		captures = append(captures, c)
	}
	if len(captures) < 50 {
		tb.Fatalf("%d captures read, want at least 50", len(captures))
	}
	return captures
}
