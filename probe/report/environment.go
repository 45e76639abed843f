package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// EnvironmentSchema names the form of what Dynamics has, as JSON.
const EnvironmentSchema = "ewsprobe/dynamics/1"

// Environment is what an environment of Dynamics has about Exchange.
type Environment struct {
	Schema       string            `json:"schema"`
	Tool         Tool              `json:"tool"`
	Started      time.Time         `json:"started"`
	DurationMS   int64             `json:"duration_ms"`
	Organization Organization      `json:"organization"`
	Profiles     []ServerProfile   `json:"profiles"`
	Mailboxes    MailboxCounts     `json:"mailboxes"`
	Alerts       []AlertGroup      `json:"alerts"` // warnings and errors of the last seven days, by kind
	Findings     []finding.Finding `json:"findings"`
	Evidence     []evidence.Item   `json:"evidence"`
	Stopped      string            `json:"stopped"`
}

// Organization is the environment itself.
type Organization struct {
	URL     string `json:"url"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Tenant  string `json:"tenant"`
}

// ServerProfile is an e-mail server profile.
type ServerProfile struct {
	Name           string               `json:"name"`
	ID             string               `json:"id"`
	Type           string               `json:"type"`
	URL            string               `json:"url"`
	AutoDiscover   *bool                `json:"auto_discover"`
	Authentication string               `json:"authentication"` // as --profile-auth has it
	Protocol       string               `json:"protocol"`
	Credentials    string               `json:"credentials"`
	Impersonation  *bool                `json:"impersonation"`
	User           string               `json:"user"`
	Application    string               `json:"application"` // of hybrid modern authentication
	Tenant         string               `json:"application_tenant"`
	Resource       string               `json:"resource"`
	LastTest       evidence.ProfileTest `json:"last_test"`
}

func serverProfile(p evidence.Profile) ServerProfile {
	return ServerProfile{
		Name: p.Name, ID: p.ID, Type: p.ServerType.Name(), URL: cmp.Or(p.Incoming.Location, p.Outgoing.Location), AutoDiscover: p.AutoDiscover,
		Authentication: p.Auth(), Protocol: p.Incoming.Protocol.Name(), Credentials: p.Incoming.Credentials.Name(),
		Impersonation: p.Incoming.Impersonation, User: p.Incoming.User, Application: p.Application, Tenant: p.ApplicationTenant,
		Resource: p.Resource, LastTest: p.LastTest,
	}
}

// MailboxCounts are the active mailboxes.
type MailboxCounts struct {
	Total    int            `json:"total"`
	ByStatus map[string]int `json:"by_status"` // success, failure, not-run
	Failing  []string       `json:"failing"`   // the first of them
	Whole    bool           `json:"whole"`     // all that can be seen were counted
}

// AlertGroup are alerts of one kind.
type AlertGroup struct {
	Text    string       `json:"text"`
	Code    finding.Code `json:"code"` // the verdict that it may turn out to be
	Count   int          `json:"count"`
	Last    *time.Time   `json:"last"`
	Number  int          `json:"number"` // tracecode
	Level   string       `json:"level"`
	Details string       `json:"details"`
	Meaning string       `json:"meaning"`
	Command string       `json:"command"`
}

// NewEnvironment makes the report of a record of what Dynamics has.
func NewEnvironment(rec evidence.Record, version string) Environment {
	r := Environment{
		Schema: EnvironmentSchema, Tool: Tool{Name: "ewsprobe", Version: version}, Started: rec.Started, DurationMS: rec.Duration.Milliseconds(),
		Organization: Organization{URL: rec.Target.DynamicsURL}, Mailboxes: MailboxCounts{ByStatus: map[string]int{}},
		Findings: rule.Environment(rec), Evidence: rec.Items, Stopped: rec.Stopped,
	}
	for _, item := range rec.Items {
		if item.Step == evidence.StepCloudDynamics && item.Cloud != nil {
			r.Organization.Tenant = item.Cloud.Tenant
		}
		d := item.Dataverse
		if d == nil {
			continue
		}
		if o := d.Organization; o != nil {
			r.Organization.ID, r.Organization.Name, r.Organization.Version = o.ID, o.Name, o.Version
		}
		for _, p := range d.Profiles {
			r.Profiles = append(r.Profiles, serverProfile(p))
		}
		for _, s := range d.Statuses {
			r.Mailboxes.Total += s.Count
			r.Mailboxes.ByStatus[strings.ReplaceAll(strings.ToLower(s.Status.Label), " ", "-")] += s.Count
			if s.Status.Number == evidence.MailboxFailure {
				r.Mailboxes.Failing = s.Examples
			}
		}
		if item.Step == evidence.StepDataverseMailboxes {
			r.Mailboxes.Whole = d.Visible && item.Cloud.Problem == ""
		}
		for _, a := range d.Alerts {
			code, meaning := rule.AlertCode(a)
			level := map[int]string{2: "warning", 3: "error"}[a.Level]
			r.Alerts = append(r.Alerts, AlertGroup{
				Text: a.Text, Code: code, Count: a.Count, Last: a.Last, Number: a.Number, Level: level, Details: a.Details, Meaning: meaning,
				Command: rule.CheckInDynamics(rec.Target, a.About),
			})
		}
	}
	return r
}

// Unreadable says whether anything could not be read.
func (r Environment) Unreadable() bool {
	return r.Stopped != "" || len(r.Findings) > 0 && r.Findings[0].Code == "dynamics-unreadable"
}

// Status: unknown if anything could not be read, a warning if mailboxes fail. What a
// profile or an alert gives is a direction, and decides nothing.
func (r Environment) Status() finding.Status {
	switch {
	case r.Unreadable():
		return finding.Unknown
	case r.Mailboxes.ByStatus["failure"] > 0:
		return finding.Warning
	}
	return finding.OK
}

// Code is that of the answer.
func (r Environment) Code() finding.Code {
	switch {
	case r.Stopped != "":
		return "inconclusive"
	case r.Unreadable():
		return r.Findings[0].Code
	case r.Status() == finding.OK:
		return "ok"
	}
	// The finding about mailboxes comes behind those of profiles.
	for _, f := range r.Findings {
		if f.Code != "profile-contradiction" {
			return f.Code
		}
	}
	return ""
}

// Summary is the answer in one line.
func (r Environment) Summary() string { return say("environment-summary", r, "") }

// AlertCount is how often there was an alert.
func (r Environment) AlertCount() (n int) {
	for _, a := range r.Alerts {
		n += a.Count
	}
	return n
}

// Began is when Dynamics was asked, as people read it.
func (r Environment) Began() string { return day(r.Started) }

// section is a part of the report: rows under headings.
type section struct {
	Title string
	Head  []string
	Rows  [][]string
	Pairs bool // a row is a name and a number
}

// Marks of the title of a section and of the end of a cell, which no harmless text has.
const titleMark, cellMark = "\x1d", "\x1f"

// Sections are what there is of an environment whose texts are harmless, in the order in
// which it is told.
func (r Environment) Sections() (list []section) {
	for _, line := range linesOf("sections", r) {
		cells := strings.Split(line, cellMark)
		if title, is := strings.CutPrefix(cells[0], titleMark); is {
			list = append(list, section{Title: title, Head: cells[1:], Pairs: len(cells) == 3})
		} else {
			last := &list[len(list)-1]
			last.Rows = append(last.Rows, cells)
		}
	}
	return list
}

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
