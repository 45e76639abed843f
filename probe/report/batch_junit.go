package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"iter"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// batchJUnit is a batch for a build server: a suite for the endpoint, and one in
// which each row is a case.
type batchJUnit struct {
	cases junitSuite // its counts
	b     bytes.Buffer
}

// Row makes the case of a row. As in a check, what holds is a failure and what
// could not be determined an error; what was not asked is skipped.
func (d *batchJUnit) Row(r Row) ([]byte, error) {
	r = rewrite(r, func(text string) string { return Clean(text, textLimit) })
	c := junitCase{Class: "ewsprobe.mailboxes", Name: fmt.Sprintf("row %d: %s", r.Number, r.Title())}
	words := &junitWords{Message: fmt.Sprintf("%s: %s", r.Verdict.Code, r.Verdict.Summary), Type: string(r.Verdict.Status)}
	switch {
	case r.Verdict.Code == "not-checked":
		words.Type = ""
		c.Skipped = words
	case r.Verdict.Status == finding.OK:
		if r.Verdict.Code != "ok" {
			c.Out = words.Message // accepted
		}
	case r.Verdict.Status == finding.Unknown:
		c.Error = words
	default:
		c.Failure = words
	}
	d.cases.add(c)
	d.cases.Cases = d.cases.Cases[:0]
	c.Time = seconds(r.DurationMS)
	d.b.Reset()
	e := xml.NewEncoder(&d.b)
	e.Indent("    ", "  ")
	if err := e.EncodeElement(c, xml.StartElement{Name: xml.Name{Local: "testcase"}}); err != nil {
		return nil, err
	}
	d.b.WriteByte('\n')
	return d.b.Bytes(), nil
}

func (d *batchJUnit) Write(w io.Writer, s Summary, kept iter.Seq2[[]byte, error]) error {
	s = s.harmless()
	d.cases.Name, d.cases.Time, d.cases.Timestamp = "mailboxes", seconds(s.DurationMS), s.Started.UTC().Format("2006-01-02T15:04:05")
	d.cases.Properties = []junitProperty{{"tool", s.Tool.Name + " " + s.Tool.Version}, {"status", string(s.Status())}, {"summary", s.Counts()}}
	if s.Verdict != nil {
		d.cases.Properties = append(d.cases.Properties, junitProperty{"verdict", string(s.Verdict.Code)})
	}
	for _, notice := range s.notices() {
		d.cases.Properties = append(d.cases.Properties, junitProperty{"notice", notice})
	}
	head := d.cases
	// Rows that are not there must not look as if they had passed.
	if s.Stopped == evidence.StoppedByUser || s.Incomplete != "" {
		head.Tests++
		head.Errors++
	}
	all := junitSuites{Name: s.Tool.Name, Time: head.Time, Tests: head.Tests, Failures: head.Failures, Errors: head.Errors, Skipped: head.Skipped}
	if s.Endpoint != nil {
		suite := s.Endpoint.junitSuite()
		suite.Name = "endpoint " + suite.Name
		all.Suites = []junitSuite{suite}
		all.Tests, all.Failures, all.Errors, all.Skipped = all.Tests+suite.Tests, all.Failures+suite.Failures, all.Errors+suite.Errors, all.Skipped+suite.Skipped
	}
	// What stands before the rows is written as if there were none, and left open.
	head.Cases = nil
	if head.Errors > d.cases.Errors {
		words := &junitWords{Message: s.notices()[0], Type: string(finding.Unknown)}
		head.Cases = []junitCase{{Class: "ewsprobe.batch", Name: "the batch is whole", Time: seconds(0), Error: words}}
	}
	all.Suites = append(all.Suites, head)
	out, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	const end = "  </testsuite>\n</testsuites>"
	open, ok := bytes.CutSuffix(out, []byte(end))
	if !ok {
		return fmt.Errorf("report: the XML does not end with %q", end)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	if _, err := w.Write(open); err != nil {
		return err
	}
	if err := copyKept(w, kept); err != nil {
		return err
	}
	_, err = io.WriteString(w, end+"\n")
	return err
}

func copyKept(w io.Writer, kept iter.Seq2[[]byte, error]) error {
	for part, err := range kept {
		if err != nil {
			return err
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
