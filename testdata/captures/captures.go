// Package captures reads the recorded answers beside it, for tests: each test
// names the fields it wants.
package captures

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"testing"
)

//go:embed captures.jsonl
var recorded []byte

// least is how many recordings there are; fewer would let a table pass that
// was not asked.
const least = 50

// Read returns all recordings, in the order of the file, each as a T with the
// json tags of the fields it wants.
func Read[T any](tb testing.TB) []T {
	tb.Helper()
	var list []T
	for d := json.NewDecoder(bytes.NewReader(recorded)); d.More(); {
		var c T
		if err := d.Decode(&c); err != nil {
			tb.Fatal(err)
		}
		list = append(list, c)
	}
	if len(list) < least {
		tb.Fatalf("%d captures read, want at least %d", len(list), least)
	}
	return list
}
