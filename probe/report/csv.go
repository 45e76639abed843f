package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// CSV is a row for a spreadsheet, below its header (RFC 4180). The columns
// verdict, status, cause and summary are those of a batch.
func (r Report) CSV() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	header := []string{"target", "mailbox", "user", "verdict", "status", "cause", "summary", "confidence", "reason", "findings"}
	cause := ""
	if r.Verdict.Cause != 0 {
		cause = fmt.Sprint(r.Verdict.Cause)
	}
	var codes []string
	for _, f := range r.Findings {
		codes = append(codes, string(f.Code))
	}
	row := []string{
		r.subject(), r.Target.Mailbox, r.Target.User, string(r.Verdict.Code), string(r.Verdict.Status), cause, r.Verdict.Summary,
		string(r.Verdict.Confidence), r.Verdict.Reason, strings.Join(codes, " "),
	}
	for _, c := range r.Causes {
		header, row = append(header, fmt.Sprintf("cause_%d", c.Number)), append(row, string(c.Status))
	}
	header = append(header, "started", "duration_ms", "version")
	row = append(row, r.Started.UTC().Format(time.RFC3339), fmt.Sprint(max(r.DurationMS, 0)), r.Tool.Version)
	for i := range row {
		row[i] = Cell(row[i])
	}
	if err := w.WriteAll([][]string{header, row}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// formulaStart is where a spreadsheet begins to reckon: a cell that starts so,
// in the wide forms too, and what follows a semicolon, which is where cells end
// in half of Europe, whatever the quotes say.
var formulaStart = regexp.MustCompile(`(^|;)(\s*)([=+\-@＝＋－＠])`)

// Cell makes a text fit for a cell: harmless, and never a formula.
func Cell(s string) string {
	return formulaStart.ReplaceAllString(Clean(s, textLimit), `$1$2'$3`)
}
