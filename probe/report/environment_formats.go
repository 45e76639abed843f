package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"sync"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What Dynamics has, in each format: the same sections and findings.

func environmentNagios(r Environment, _ Style) ([]byte, error) {
	line := monitored(r.Status(), r.Code(), r.Summary(), r.DurationMS)
	return []byte(fmt.Sprintf("%s mailboxes=%d;;;0 failing=%d;;;0\n", line, r.Mailboxes.Total, r.Mailboxes.ByStatus["failure"])), nil
}

// environmentCSV has a row for each profile, status, alert and finding.
func environmentCSV(r Environment, _ Style) ([]byte, error) {
	r = Harmless(r)
	rows := [][]string{{"kind", "name", "status", "count", "last", "text", "command"}}
	for _, p := range r.Profiles {
		rows = append(rows, []string{"profile", p.Name, p.LastTest.Execution.Name(), "", p.LastTest.At, p.URL, ""})
	}
	for _, row := range r.Sections()[2].Rows {
		rows = append(rows, []string{"mailboxes", row[0], row[0], row[1], "", "", ""})
	}
	for i, row := range r.Sections()[3].Rows {
		rows = append(rows, []string{"alert", row[3], row[2], row[0], row[1], row[4], r.Alerts[i].Command})
	}
	for _, f := range r.Findings {
		command := ""
		if len(f.Remedies) > 0 {
			command = f.Remedies[0].Command
		}
		rows = append(rows, []string{"finding", string(f.Code), string(f.Status), "", "", f.Summary, command})
	}
	return spreadsheet(rows...)
}

func environmentJUnit(r Environment, _ Style) ([]byte, error) {
	r = Harmless(r)
	suite := newSuite("Dynamics "+r.Organization.URL, r.DurationMS, r.Started, [][2]string{
		{"tool", r.Tool.String()}, {"verdict", string(r.Code())}, {"status", string(r.Status())}, {"summary", r.Summary()},
	})
	if r.Status() == finding.OK {
		suite.add(judged("ewsprobe.dynamics", string(r.Code()), finding.OK, r.Summary(), ""))
	}
	suite.findings(r.Findings)
	return junitDocument(r.Tool, suite)
}

//go:embed environment.html.tmpl
var environmentSource string

var environmentTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.Must(pageTemplate().Clone()).New("environment").Parse(environmentSource))
})

func environmentHTML(r Environment, _ Style) ([]byte, error) {
	return filled(environmentTemplate(), "environment", Harmless(r))
}
