package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"math"
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
			row[i] = Clean(row[i], textLimit)
		}
	}
	err := writeCells(w, rows...)
	return b.Bytes(), err
}

// writeCells writes rows; none is left out but a nil one.
func writeCells(w *csv.Writer, rows ...[]string) error {
	for _, row := range rows {
		for i := range row {
			row[i] = Cell(row[i])
		}
		if row != nil {
			_ = w.Write(row) // Error has it
		}
	}
	w.Flush()
	return w.Error()
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
	err := writeCells(t.csv, t.head, cells)
	t.head = nil
	return err
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

// nagios is the line that a monitoring system reads.
func nagios(r Report, _ Style) ([]byte, error) {
	line := monitored(r.Verdict.Status, r.Verdict.Code, r.Verdict.Summary, r.DurationMS)
	used := 0
	for _, a := range r.Attempts {
		if a.Counted {
			used++
		}
	}
	line += fmt.Sprintf(" logons_used=%d;;;0", used)
	if c := r.Server.Certificate; c != nil {
		if until, err := time.Parse(time.RFC3339, c.NotAfter); err == nil {
			line += fmt.Sprintf(" days_to_expiry=%d;%d:;0:", int(math.Floor(until.Sub(r.Started).Hours()/24)), r.Target.CertWarnDays)
		}
	}
	return []byte(line + "\n"), nil
}

// monitored is status and words, then, behind the bar, performance data (Monitoring
// Plugins Development Guidelines, "Plugin Output for Nagios"). A bar in the words
// would begin the data early.
func monitored(status finding.Status, code finding.Code, words string, ms int64) string {
	words = strings.ReplaceAll(Clean(words, textLimit), "|", "/")
	return fmt.Sprintf("EWS %s - %s %s | time=%dms;;;0", strings.ToUpper(string(status)), code, words, max(ms, 0))
}

// nagiosBatch is such a line about a batch, with the counts as performance data.
func nagiosBatch(w io.Writer, s Summary, _ iter.Seq2[Row, error]) error {
	words := s.Counts()
	for _, more := range append(s.Notices(), s.Worst()) {
		if more != "" {
			words += "; " + strings.TrimSuffix(more, ".")
		}
	}
	line := monitored(s.Status(), s.Code(), words, s.DurationMS) + fmt.Sprintf(" rows=%d;;;0", s.Handled())
	for _, status := range finding.WorstFirst() {
		line += fmt.Sprintf(" %s=%d;;;0", status, s.ByStatus[string(status)])
	}
	_, err := io.WriteString(w, line+"\n")
	return err
}
