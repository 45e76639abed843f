package report

import (
	"encoding/xml"
	"fmt"
)

// suiteRead is a suite as a build server reads it from a JUnit file.
type suiteRead struct {
	Name       string
	Properties map[string]string
	Tests      []caseRead
	Count      map[string]int // of the cases by their status, whatever the attributes say
}

// caseRead is a case, Status being passed, failed, error or skipped.
type caseRead struct{ Classname, Name, Status string }

// readJUnit reads a file as build servers do, after Apache Ant's junit.xsd: the element
// below a case says how it ended. A suite whose attributes count otherwise is an error.
func readJUnit(raw []byte) ([]suiteRead, error) {
	var doc struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []struct {
			Name       string `xml:"name,attr"`
			Tests      int    `xml:"tests,attr"`
			Failures   int    `xml:"failures,attr"`
			Errors     int    `xml:"errors,attr"`
			Skipped    int    `xml:"skipped,attr"`
			Properties []struct {
				Name  string `xml:"name,attr"`
				Value string `xml:"value,attr"`
			} `xml:"properties>property"`
			Cases []struct {
				Classname string    `xml:"classname,attr"`
				Name      string    `xml:"name,attr"`
				Failure   *struct{} `xml:"failure"`
				Error     *struct{} `xml:"error"`
				Skipped   *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	var suites []suiteRead
	for _, s := range doc.Suites {
		suite := suiteRead{Name: s.Name, Properties: map[string]string{}, Count: map[string]int{}}
		for _, p := range s.Properties {
			suite.Properties[p.Name] = p.Value
		}
		for _, c := range s.Cases {
			status := "passed"
			switch {
			case c.Error != nil:
				status = "error"
			case c.Failure != nil:
				status = "failed"
			case c.Skipped != nil:
				status = "skipped"
			}
			suite.Count[status]++
			suite.Tests = append(suite.Tests, caseRead{c.Classname, c.Name, status})
		}
		n := suite.Count
		if s.Tests != len(suite.Tests) || s.Failures != n["failed"] || s.Errors != n["error"] || s.Skipped != n["skipped"] {
			return nil, fmt.Errorf("suite %q counts %d, %d, %d, %d and has %v", s.Name, s.Tests, s.Failures, s.Errors, s.Skipped, n)
		}
		suites = append(suites, suite)
	}
	return suites, nil
}
