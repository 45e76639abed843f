package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// csvReport is a row for a spreadsheet, below its header (RFC 4180). The columns
// verdict, status, cause and summary are those of a batch.
func csvReport(r Report, _ Style) ([]byte, error) {
	var codes []string
	for _, f := range r.Findings {
		codes = append(codes, string(f.Code))
	}
	header := append([]string{"target", "mailbox", "user"}, append(verdictColumns, "confidence", "reason", "findings")...)
	row := append([]string{r.Subject(), r.Target.Mailbox, r.Target.User}, verdictCells(r.Verdict)...)
	row = append(row, string(r.Verdict.Confidence), r.Verdict.Reason, strings.Join(codes, " "))
	for _, c := range r.Causes {
		header, row = append(header, fmt.Sprintf("cause_%d", c.Number)), append(row, string(c.Status))
	}
	header = append(header, "started", "duration_ms", "version")
	row = append(row, r.Started.UTC().Format(time.RFC3339), fmt.Sprint(max(r.DurationMS, 0)), r.Tool.Version)
	return spreadsheet(header, row)
}

func spreadsheet(rows ...[]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	for _, row := range rows {
		for i := range row {
			row[i] = Cell(Clean(row[i], textLimit))
		}
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}

var verdictColumns = []string{"verdict", "status", "cause", "summary"}

func verdictCells(v finding.Verdict) []string {
	cause := ""
	if v.Cause != 0 {
		cause = fmt.Sprint(v.Cause)
	}
	return []string{string(v.Code), string(v.Status), cause, Clean(v.Summary, textLimit)}
}

// csvTable writes a batch as CSV: the columns of the input, then the verdict's. It
// has a row for each mailbox and nothing else.
type csvTable struct {
	open
	csv   *csv.Writer
	head  []string // nil: it is written
	width int      // columns of the input
}

func newTable(o Output) (Sink, error) {
	return &csvTable{csv: csv.NewWriter(o.W), head: append(slices.Clone(o.Header), verdictColumns...), width: len(o.Header)}, nil
}

func (t *csvTable) Row(r Row) error {
	cells := make([]string, t.width, t.width+len(verdictColumns))
	copy(cells, r.Cells)
	return t.write(append(cells, verdictCells(r.Verdict)...))
}

// End writes, for a file without rows, the header.
func (t *csvTable) End(Summary) error { return t.write(nil) }

func (t *csvTable) write(cells []string) error {
	for _, row := range [][]string{t.head, cells} {
		if row == nil {
			continue
		}
		for i := range row {
			row[i] = Cell(row[i])
		}
		if err := t.csv.Write(row); err != nil {
			return err
		}
	}
	t.head = nil
	t.csv.Flush()
	return t.csv.Error()
}

// Cell makes a text fit for a cell of a table, line ends and tabs inside of it
// left: harmless on a terminal, and never a formula. A spreadsheet takes for one
// what begins like one, in the wide forms too, and also what follows a semicolon,
// which is where cells end in half of Europe, whatever the quotes say. An
// apostrophe in front shows that it is text.
func Cell(s string) string {
	var b strings.Builder
	begins := true
	for _, r := range s {
		if begins && strings.ContainsRune("=+-@|%\t\r\n＝＋－＠", r) {
			b.WriteByte('\'')
			begins = false
		}
		begins = r == ';' || begins && unicode.IsSpace(r)
		switch {
		case r == '\r' || r == '\u2028' || r == '\u2029':
			r = ' '
		case r != '\n' && r != '\t' && r != unicode.ReplacementChar && invisible(r):
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}
