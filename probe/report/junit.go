package report

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

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

// JUnit writes the report for a build server. What holds is a failure, what
// could not be determined an error, what was not looked at is skipped: never
// passed. A cause that is ruled out or does not apply has passed.
func (r Report) JUnit() ([]byte, error) {
	r = r.harmless()
	suite := r.junitSuite()
	all := junitSuites{
		Name: r.Tool.Name, Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Skipped: suite.Skipped,
		Time: suite.Time, Suites: []junitSuite{suite},
	}
	out, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(append([]byte(xml.Header), out...), '\n'), nil
}

// junitSuite is the suite of a report whose texts are harmless.
func (r Report) junitSuite() junitSuite {
	suite := junitSuite{
		Name: r.subject(), Time: seconds(r.DurationMS), Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
		Properties: []junitProperty{
			{"tool", r.Tool.Name + " " + r.Tool.Version},
			{"verdict", string(r.Verdict.Code)},
			{"status", string(r.Verdict.Status)},
			{"confidence", string(r.Verdict.Confidence)},
			{"summary", r.Verdict.Summary},
		},
	}
	if len(r.Findings) == 0 || r.Findings[0].Code != r.Verdict.Code {
		suite.add(verdictCase(r.Verdict))
	}
	for _, f := range r.Findings {
		suite.add(findingCase(f))
	}
	for _, c := range r.Causes {
		suite.add(causeCase(c))
	}
	return suite
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

// verdictCase is a verdict that is no finding: ok, or why nothing was judged.
func verdictCase(v finding.Verdict) junitCase {
	c := junitCase{Class: "ewsprobe.verdict", Name: string(v.Code), Out: v.Summary}
	if v.Status != finding.OK {
		c.Error, c.Out = &junitWords{Message: v.Summary, Type: string(v.Status)}, ""
	}
	return c
}

func findingCase(f finding.Finding) junitCase {
	c := junitCase{Class: "ewsprobe.findings", Name: string(f.Code) + ": " + f.Title}
	words := &junitWords{Message: f.Summary, Type: string(f.Status), Text: findingText(f)}
	switch f.Status {
	case finding.Unknown:
		c.Error = words
	case finding.OK:
		c.Out = words.Text
	default:
		c.Failure = words
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
	words := &junitWords{Message: fmt.Sprintf("%s: %s", strings.ReplaceAll(string(about.Status), "-", " "), about.Why)}
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
