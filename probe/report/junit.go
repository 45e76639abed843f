package report

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// The XML that build servers read as JUnit's (Apache Ant's junit.xsd, and what
// Jenkins, GitLab and GitHub's readers made of it): a suite is a target, a case
// is a cause or a finding.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		Time    string      `xml:"time,attr"`
		Failure *junitWords `xml:"failure"`
		Error   *junitWords `xml:"error"`
		Skipped *junitWords `xml:"skipped"`
		Out     string      `xml:"system-out,omitempty"`
	}
	junitWords struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// junitReport writes the report for a build server. What holds is a failure, what
// could not be determined an error, what was not looked at is skipped: never
// passed. A cause that is ruled out or does not apply has passed.
func junitReport(r Report, _ Style) ([]byte, error) {
	r = harmless(r)
	return junitDocument(r.Tool, r.junitSuite())
}

// junitDocument are suites as a whole; its time is that of the last.
func junitDocument(tool Tool, suites ...junitSuite) ([]byte, error) {
	all := junitSuites{Name: tool.Name, Suites: suites}
	for _, s := range suites {
		all.Time = s.Time
		all.Tests, all.Failures, all.Errors, all.Skipped = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors, all.Skipped+s.Skipped
	}
	out, err := xml.MarshalIndent(all, "", "  ")
	return slices.Concat([]byte(xml.Header), out, []byte("\n")), err
}

// junitSuite is the suite of a report whose texts are harmless.
func (r Report) junitSuite() junitSuite {
	v := r.Verdict
	suite := newSuite(r.subject(), r.DurationMS, r.Started, []junitProperty{
		{"tool", r.Tool.String()},
		{"verdict", string(v.Code)},
		{"status", string(v.Status)},
		{"confidence", string(v.Confidence)},
		{"summary", v.Summary},
	})
	if r.Main() == nil {
		suite.add(judged("ewsprobe.verdict", string(v.Code), v.Status, junitWords{Message: v.Summary}))
	}
	suite.findings(r.Findings)
	for _, c := range r.Causes {
		suite.add(causeCase(c))
	}
	return suite
}

func newSuite(name string, ms int64, started time.Time, properties []junitProperty) junitSuite {
	return junitSuite{Name: name, Time: seconds(ms), Timestamp: started.UTC().Format("2006-01-02T15:04:05"), Properties: properties}
}

func (s *junitSuite) findings(list []finding.Finding) {
	for _, f := range list {
		s.add(judged("ewsprobe.findings", string(f.Code)+": "+f.Title, f.Status, junitWords{Message: f.Summary, Text: findingText(f)}))
	}
}

func (s *junitSuite) add(c junitCase) {
	c.Time = seconds(0)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func seconds(ms int64) string {
	return fmt.Sprintf("%.3f", (time.Duration(max(ms, 0)) * time.Millisecond).Seconds())
}

// judged is a case by its status: what holds is a failure, what could not be
// determined an error, and what is accepted or in order has only words.
func judged(class, name string, status finding.Status, words junitWords) junitCase {
	c := junitCase{Class: class, Name: name}
	words.Type = string(status)
	switch status {
	case finding.OK:
		c.Out = cmp.Or(words.Text, words.Message)
	case finding.Unknown:
		c.Error = &words
	default:
		c.Failure = &words
	}
	return c
}

// findingText is a finding with its remedies, for a page that shows plain text.
func findingText(f finding.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)%s\n", f.Detail, f.Confidence, evidenceList(f.Evidence))
	for i, m := range f.Remedies {
		fmt.Fprintf(&b, "%d. %s\n", i+1, m.Text)
		for _, line := range []string{m.Command, m.Link} {
			if line != "" {
				b.WriteString("   " + line + "\n")
			}
		}
	}
	return b.String()
}

func causeCase(about finding.CauseReport) junitCase {
	cause, _ := finding.LookupCause(about.Number)
	c := junitCase{Class: "ewsprobe.causes", Name: fmt.Sprintf("cause %d: %s", about.Number, cause.Title)}
	words := &junitWords{Message: fmt.Sprintf("%s: %s", words(about.Status), about.Why)}
	switch about.Status {
	case finding.CauseConfirmed, finding.CauseLikely:
		words.Type, words.Text = string(about.Status), about.Why+evidenceList(about.Evidence)
		c.Failure = words
	case finding.CauseNotChecked, finding.CauseUndetermined:
		c.Skipped = words
	default:
		c.Out = words.Message
	}
	return c
}

// junitBatch is a batch for a build server: a suite for the endpoint, and one in
// which each row is a case.
type junitBatch struct {
	cases junitSuite // its counts
	b     bytes.Buffer
}

// Row makes the case of a row. As in a check, what holds is a failure and what
// could not be determined an error; what was not asked is skipped.
func (d *junitBatch) row(r Row) ([]byte, error) {
	r = r.harmless()
	words := junitWords{Message: fmt.Sprintf("%s: %s", r.Verdict.Code, r.Verdict.Summary)}
	c := judged("ewsprobe.mailboxes", fmt.Sprintf("row %d: %s", r.Number, r.Title()), r.Verdict.Status, words)
	switch r.Verdict.Code {
	case "not-checked":
		c = junitCase{Class: c.Class, Name: c.Name, Skipped: &words}
	case "ok":
		c.Out = ""
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

func (d *junitBatch) write(w io.Writer, s Summary, kept iter.Seq2[[]byte, error]) error {
	properties := []junitProperty{{"tool", s.Tool.String()}, {"status", string(s.Status())}, {"summary", s.Counts()}}
	if s.Verdict != nil {
		properties = append(properties, junitProperty{"verdict", string(s.Verdict.Code)})
	}
	for _, notice := range s.notices() {
		properties = append(properties, junitProperty{"notice", notice})
	}
	rows := newSuite("mailboxes", s.DurationMS, s.Started, properties)
	rows.Tests, rows.Failures, rows.Errors, rows.Skipped = d.cases.Tests, d.cases.Failures, d.cases.Errors, d.cases.Skipped
	// Rows that are not there must not look as if they had passed.
	if s.Stopped == evidence.StoppedByUser || s.Incomplete != "" {
		words := &junitWords{Message: s.notices()[0], Type: string(finding.Unknown)}
		rows.add(junitCase{Class: "ewsprobe.batch", Name: "the batch is whole", Error: words})
	}
	suites := []junitSuite{rows}
	if s.Endpoint != nil {
		suite := s.Endpoint.junitSuite()
		suite.Name = "endpoint " + suite.Name
		suites = []junitSuite{suite, rows}
	}
	// What stands before the rows is written as if there were none, and left open.
	out, err := junitDocument(s.Tool, suites...)
	if err != nil {
		return err
	}
	const end = "  </testsuite>\n</testsuites>\n"
	open, ok := bytes.CutSuffix(out, []byte(end))
	if !ok {
		return fmt.Errorf("report: the XML does not end with %q", end)
	}
	if _, err := w.Write(open); err != nil {
		return err
	}
	if err := copyKept(w, kept); err != nil {
		return err
	}
	_, err = io.WriteString(w, end)
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
