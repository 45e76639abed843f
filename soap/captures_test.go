package soap

import (
	"testing"

	"github.com/ewsprobe/ewsprobe/testdata/captures"
)

// capture is what these tests need of a recorded answer.
type capture struct {
	ID   string `json:"id"`
	Body string `json:"body"`
}

// readCaptures returns the recorded answers, all of them.
func readCaptures(tb testing.TB) []capture {
	tb.Helper()
	return captures.Read[capture](tb)
}
