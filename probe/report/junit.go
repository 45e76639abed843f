package report

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

//go:embed junit.tmpl
var junitSource string

// junitTemplate is the XML that build servers read as JUnit's (Apache Ant's junit.xsd,
// and what Jenkins, GitLab and GitHub's readers made of it).
var junitTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("junit").Funcs(template.FuncMap{
		"xml": func(s string) (string, error) {
			var b strings.Builder
			err := xml.EscapeText(&b, []byte(s))
			return b.String(), err
		},
	}).Option("missingkey=zero").Parse(junitSource))
})

// junitSuite is a target, of which each cause and finding is a case.
type junitSuite struct {
	Name, Time, Timestamp string
	Properties            [][2]string
	Cases                 []junitCase
	Tests                 int            // how many cases there are
	Ended                 map[string]int // and in what
}

// junitCase ended in a failure where something holds, in an error where it could not be
// determined, and is skipped where it was not looked at: never passed.
type junitCase struct {
	Class, Name, Time   string
	Ended               string // failure, error, skipped; "": it has passed
	Message, Type, Text string
	Out                 string
}

// junitReport writes the report for a build server.
func junitReport(r Report, _ Style) ([]byte, error) {
	r = Harmless(r)
	return junitDocument(r.Tool, r.junitSuite())
}

func junitDocument(tool Tool, suites ...junitSuite) ([]byte, error) {
	var b bytes.Buffer
	err := junitHead(&b, tool, suites...)
	if err == nil {
		err = junitTemplate().ExecuteTemplate(&b, "foot", nil)
	}
	return b.Bytes(), err
}

// junitHead writes suites and leaves the last open. The time of all is that of the last.
func junitHead(w io.Writer, tool Tool, suites ...junitSuite) error {
	all := junitSuite{Ended: map[string]int{}}
	for _, s := range suites {
		all.Time, all.Tests = s.Time, all.Tests+s.Tests
		for how, n := range s.Ended {
			all.Ended[how] += n
		}
	}
	return junitTemplate().ExecuteTemplate(w, "head", map[string]any{"Tool": tool, "All": all, "Suites": suites})
}

// junitSuite is the suite of a report whose texts are harmless.
func (r Report) junitSuite() junitSuite {
	v := r.Verdict
	suite := newSuite(r.Subject(), r.DurationMS, r.Started, [][2]string{
		{"tool", r.Tool.String()},
		{"verdict", string(v.Code)},
		{"status", string(v.Status)},
		{"confidence", string(v.Confidence)},
		{"summary", v.Summary},
	})
	if r.Main() == nil {
		suite.add(judged("ewsprobe.verdict", string(v.Code), v.Status, v.Summary, ""))
	}
	suite.findings(r.Findings)
	for _, c := range r.Causes {
		suite.add(causeCase(c))
	}
	return suite
}

func newSuite(name string, ms int64, started time.Time, properties [][2]string) junitSuite {
	return junitSuite{Name: name, Time: seconds(ms), Timestamp: started.UTC().Format("2006-01-02T15:04:05"), Properties: properties}
}

func (s *junitSuite) findings(list []finding.Finding) {
	for _, f := range list {
		text := strings.Join(linesOf("finding", f), "\n") + "\n"
		s.add(judged("ewsprobe.findings", string(f.Code)+": "+f.Title, f.Status, f.Summary, text))
	}
}

func (s *junitSuite) add(c junitCase) {
	s.count(c)
	c.Time = seconds(0)
	s.Cases = append(s.Cases, c)
}

func (s *junitSuite) count(c junitCase) {
	if s.Tests++; s.Ended == nil {
		s.Ended = map[string]int{}
	}
	if c.Ended != "" {
		s.Ended[c.Ended]++
	}
}

func seconds(ms int64) string {
	return fmt.Sprintf("%.3f", (time.Duration(max(ms, 0)) * time.Millisecond).Seconds())
}

// judged is a case by its status. What is accepted or in order has only words.
func judged(class, name string, status finding.Status, message, text string) junitCase {
	c := junitCase{Class: class, Name: name, Ended: "failure", Message: message, Type: string(status), Text: text}
	switch status {
	case finding.OK:
		c.Ended, c.Out = "", cmp.Or(text, message)
	case finding.Unknown:
		c.Ended = "error"
	}
	return c
}

// causeCase is a cause. One that is ruled out or does not apply has passed.
func causeCase(about finding.CauseReport) junitCase {
	c := junitCase{Class: "ewsprobe.causes", Name: fmt.Sprintf("cause %d: %s", about.Number, finding.CauseTitle(about.Number))}
	c.Message = fmt.Sprintf("%s: %s", words(about.Status), about.Why)
	switch about.Status {
	case finding.CauseConfirmed, finding.CauseLikely:
		c.Ended, c.Type, c.Text = "failure", string(about.Status), about.Why+evidenceList(about.Evidence)
	case finding.CauseNotChecked, finding.CauseUndetermined:
		c.Ended = "skipped"
	default:
		c.Out = c.Message
	}
	return c
}

// rowCase is the case of a row.
func rowCase(r Row) junitCase {
	message := fmt.Sprintf("%s: %s", r.Verdict.Code, r.Verdict.Summary)
	c := judged("ewsprobe.mailboxes", fmt.Sprintf("row %d: %s", r.Number, r.Title()), r.Verdict.Status, message, "")
	c.Time = seconds(r.DurationMS)
	switch r.Verdict.Code {
	case "not-checked":
		c.Ended, c.Type = "skipped", ""
	case "ok":
		c.Out = ""
	}
	return c
}

// junitBatch is a batch for a build server: a suite for the endpoint, and one in which
// each row is a case.
func junitBatch(w io.Writer, s Summary, rows iter.Seq2[Row, error]) error {
	properties := [][2]string{{"tool", s.Tool.String()}, {"status", string(s.Status())}, {"summary", s.Counts()}}
	if s.Verdict != nil {
		properties = append(properties, [2]string{"verdict", string(s.Verdict.Code)})
	}
	for _, notice := range s.Notices() {
		properties = append(properties, [2]string{"notice", notice})
	}
	suite := newSuite("mailboxes", s.DurationMS, s.Started, properties)
	for r, err := range rows {
		if err != nil {
			return err
		}
		suite.count(rowCase(r))
	}
	// Rows that are not there must not look as if they had passed.
	if s.Stopped == evidence.StoppedByUser || s.Incomplete != "" {
		suite.add(judged("ewsprobe.batch", "the batch is whole", finding.Unknown, s.Notices()[0], ""))
	}
	suites := []junitSuite{suite}
	if s.Endpoint != nil {
		endpoint := s.Endpoint.junitSuite()
		endpoint.Name = "endpoint " + endpoint.Name
		suites = []junitSuite{endpoint, suite}
	}
	if err := junitHead(w, s.Tool, suites...); err != nil {
		return err
	}
	for r, err := range rows {
		if err == nil {
			err = junitTemplate().ExecuteTemplate(w, "case", rowCase(r))
		}
		if err != nil {
			return err
		}
	}
	return junitTemplate().ExecuteTemplate(w, "foot", nil)
}
