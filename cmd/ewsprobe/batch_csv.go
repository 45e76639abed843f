package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// table writes CSV: the columns of the input, then the verdict's.
type table struct {
	csv   *csv.Writer
	width int
	begun bool
	head  []string
	row_  []string
}

func newTable(w io.Writer, header []string) *table {
	t := &table{csv: csv.NewWriter(w), width: len(header)}
	t.head = append(append(t.head, header...), "verdict", "status", "cause", "summary")
	return t
}

func (t *table) write(cells []string) error {
	for i, c := range cells {
		cells[i] = harmless(quiet(c))
	}
	if err := t.csv.Write(cells); err != nil {
		return err
	}
	t.csv.Flush()
	return t.csv.Error()
}

func (t *table) header() error {
	if t.begun {
		return nil
	}
	t.begun = true
	return t.write(append([]string(nil), t.head...))
}

func (t *table) row(r batch.Result) error {
	if err := t.header(); err != nil {
		return err
	}
	cells := t.row_[:0]
	for i := range t.width {
		cell := ""
		if i < len(r.Cells) {
			cell = r.Cells[i]
		}
		cells = append(cells, cell)
	}
	cause := ""
	if r.Verdict.Cause > 0 {
		cause = strconv.Itoa(r.Verdict.Cause)
	}
	cells = append(cells, string(r.Verdict.Code), string(r.Verdict.Status), cause, report.Clean(r.Shape.Summary(r.Address), 2000))
	t.row_ = cells
	return t.write(cells)
}

// summary writes nothing but, for a file without rows, the header: the table has
// a row per mailbox and nothing else.
func (t *table) summary(report.Summary) error { return t.header() }

// quiet makes a cell of the input harmless on a terminal, line ends and tabs
// inside of it left: no escape sequence, no bell, no change of direction.
func quiet(cell string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f':
			return '?'
		}
		return r
	}, cell)
}

// harmless keeps a spreadsheet from taking a cell for a formula: one that begins
// like one gets an apostrophe in front, which shows that it is text.
func harmless(cell string) string {
	trimmed := strings.TrimLeft(cell, " \u00a0")
	if trimmed == "" {
		return cell
	}
	r := []rune(trimmed[:min(len(trimmed), 4)])[0]
	if strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", r) {
		return "'" + cell
	}
	return cell
}
