package dynamics

import (
	"fmt"
	"strconv"
)

// Problem is what is wrong with a file, for programs.
type Problem string

// The problems of a file.
const (
	Empty       Problem = "empty"        // nothing, or a header alone
	BadEncoding Problem = "encoding"     // neither UTF-8 nor UTF-16 with a byte order mark
	NoDelimiter Problem = "delimiter"    // the header is not separated by comma, semicolon or tab
	NoColumns   Problem = "columns"      // no column that is known, or one twice
	BadQuote    Problem = "quote"        // a quote inside a cell, or a quoted cell without an end
	TooWide     Problem = "too-wide"     // more cells than the header
	TooNarrow   Problem = "too-narrow"   // fewer
	TooLong     Problem = "too-long"     // a record beyond its limit
	Several     Problem = "several"      // more than one profile
	BadJSON     Problem = "json"         // JSON that is cut short, or not what the Web API answers
	OtherEntity Problem = "other-entity" // rows of another table
	BadOption   Problem = "option"       // neither a label nor a number of that column
	BadURL      Problem = "url"
	BadUser     Problem = "user"
)

// Error is what is wrong, and where. The text never repeats a value of a cell
// that could be a password in the wrong column.
type Error struct {
	Line    int    // on which the record starts, the header being line 1; 0: the file as a whole
	Column  string // as the header of the file has it; "": the row as a whole
	Problem Problem
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

func fault(line int, problem Problem, format string, args ...any) *Error {
	return &Error{Line: line, Problem: problem, Text: fmt.Sprintf(format, args...)}
}

// quote makes a text from the file safe for one line, and short.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}
