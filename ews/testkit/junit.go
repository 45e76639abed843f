package testkit

import (
	"encoding/xml"
	"fmt"
)

// JUnitSuite is a suite as a build server reads it from a JUnit file.
type JUnitSuite struct {
	Name       string
	Properties map[string]string
	Tests      []JUnitCase
	Totals     JUnitTotals // counted from the cases, whatever the attributes say
}

// JUnitCase is a case, Status being passed, failed, error or skipped.
type JUnitCase struct{ Classname, Name, Status string }

// JUnitTotals are how many cases there are of each status.
type JUnitTotals struct{ Tests, Passed, Failed, Error, Skipped int }

// JUnit reads a file as build servers do, after Apache Ant's junit.xsd: the element
// below a case says how it ended. A suite whose attributes count otherwise is an error.
func JUnit(raw []byte) ([]JUnitSuite, error) {
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
	var suites []JUnitSuite
	for _, s := range doc.Suites {
		suite := JUnitSuite{Name: s.Name, Properties: map[string]string{}}
		for _, p := range s.Properties {
			suite.Properties[p.Name] = p.Value
		}
		n := &suite.Totals
		for _, c := range s.Cases {
			status, count := "passed", &n.Passed
			switch {
			case c.Error != nil:
				status, count = "error", &n.Error
			case c.Failure != nil:
				status, count = "failed", &n.Failed
			case c.Skipped != nil:
				status, count = "skipped", &n.Skipped
			}
			*count++
			n.Tests++
			suite.Tests = append(suite.Tests, JUnitCase{c.Classname, c.Name, status})
		}
		if s.Tests != n.Tests || s.Failures != n.Failed || s.Errors != n.Error || s.Skipped != n.Skipped {
			return nil, fmt.Errorf("suite %q counts %d, %d, %d, %d and has %+v", s.Name, s.Tests, s.Failures, s.Errors, s.Skipped, *n)
		}
		suites = append(suites, suite)
	}
	return suites, nil
}
