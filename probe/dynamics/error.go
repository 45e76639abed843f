package dynamics

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// faults has the sentence of each problem, and of what exactly it is.
//
//go:embed text/faults.yaml
var faultsFile []byte

var faults = sync.OnceValue(func() (texts map[string]map[string]string) {
	if err := yaml.Unmarshal(faultsFile, &texts); err != nil { // a test reads it
		panic(err)
	}
	return texts
})

// Empty is the problem of a file with nothing in it, or a header alone.
const Empty = "empty"

// Error is what is wrong, and where. The text never repeats a value of a cell
// that could be a password in the wrong column.
type Error struct {
	Line    int    // on which the record starts, the header being line 1; 0: the file as a whole
	Column  string // as the header of the file has it; "": the row as a whole
	Problem string // as faults.yaml names it, for programs
	Text    string // what is wrong and how to fix it
}

func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return e.Text
	case e.Column == "":
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return fmt.Sprintf("line %d, column %s: %s", e.Line, quote(e.Column), e.Text)
}

// fault is a problem under its name in faults.yaml, like json.early.
func fault(line int, name string, args ...any) *Error {
	problem, what, _ := strings.Cut(name, ".")
	return &Error{Line: line, Problem: problem, Text: fmt.Sprintf(faults()[problem][what], args...)}
}

// quote makes a text from the file safe for one line, and short.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}
