// Package report turns a judged record into something to read: text and HTML for
// a person, Markdown for a ticket, JSON for a script, JUnit's XML for a build
// server, a line for a monitoring system, a row for a spreadsheet; and back from
// JSON into a record that can be judged again. It renders; it does not judge,
// and it does not print.
//
// Everything that came from a server is an attacker's text until it has passed
// Clean (text) or an encoder (JSON), and what has a meaning in a format has to
// be escaped there too.
package report

import (
	"cmp"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// Schema names the form of the JSON report. It changes only when a field
// changes its meaning; added fields leave it.
const Schema = "ewsprobe/report/1"

// Tool is the program that made a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func (t Tool) String() string { return t.Name + " " + t.Version }

// day is a time as people read it.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Report is a judged record.
type Report struct {
	Schema     string                `json:"schema"`
	Tool       Tool                  `json:"tool"`
	Started    time.Time             `json:"started"`
	DurationMS int64                 `json:"duration_ms"`
	Target     evidence.Target       `json:"target"`
	Verdict    finding.Verdict       `json:"verdict"`
	Causes     []finding.CauseReport `json:"causes"`
	Findings   []finding.Finding     `json:"findings"`
	Schemes    []rule.Scheme         `json:"schemes"`
	Server     rule.Server           `json:"server"`
	Nodes      []rule.Node           `json:"nodes"`
	Attempts   []rule.Attempt        `json:"attempts"`
	Dynamics   *rule.Dynamics        `json:"dynamics"` // what Dynamics itself wrote down; null: not exported
	// Answers are what Exchange answered Dynamics, beside what it answers here.
	Answers *diff.Answers `json:"answers"`
	// Autodiscover is what it said of the mailbox.
	Autodiscover *rule.Autodiscover `json:"autodiscover"`
	Evidence     []evidence.Item    `json:"evidence"`
	Stopped      string             `json:"stopped"`
}

// New judges a record and makes the report of it.
func New(rec evidence.Record, version string) Report { return Of(rec, rule.Judge(rec), version) }

// Of is the report of a record that was judged already.
func Of(rec evidence.Record, j rule.Judgement, version string) Report {
	return Report{
		Schema: Schema, Tool: Tool{Name: "ewsprobe", Version: version}, Started: rec.Started, DurationMS: rec.Duration.Milliseconds(),
		Target: rec.Target, Verdict: j.Verdict, Causes: j.Causes, Findings: j.Findings,
		Schemes: j.Facts.Schemes, Server: j.Facts.Server, Nodes: j.Facts.Nodes, Attempts: j.Attempts,
		Dynamics: j.Facts.Dynamics, Answers: diff.WithDynamics(rec), Autodiscover: j.Facts.Autodiscover,
		Evidence: rec.Items, Stopped: rec.Stopped,
	}
}

// Refused is the report of a run that never began: wrong usage (bad-usage) or
// an unusable file (config-invalid).
func Refused(code finding.Code, target evidence.Target, why, version string, now time.Time) Report {
	r := New(evidence.Record{Started: now.UTC(), Target: target}, version)
	r.Verdict = finding.Verdict{Code: code, Status: finding.Unknown, Confidence: finding.Confirmed, Summary: why}
	r.Findings = nil
	for i := range r.Causes {
		if r.Causes[i].Status != finding.CauseNotApplicable {
			r.Causes[i] = finding.CauseReport{Number: r.Causes[i].Number, Status: finding.CauseNotChecked, Why: "nothing was asked"}
		}
	}
	return r
}

// Main is the finding that the verdict is, nil where it is none: ok, or why nothing
// was judged.
func (r Report) Main() *finding.Finding {
	if len(r.Findings) == 0 || r.Findings[0].Code != r.Verdict.Code {
		return nil
	}
	return &r.Findings[0]
}

// Others are the findings beside it.
func (r Report) Others() []finding.Finding {
	if r.Main() == nil {
		return r.Findings
	}
	return r.Findings[1:]
}

// StillFails is for whoever came with an error of Dynamics and meets an ok.
func (r Report) StillFails() string {
	if r.Verdict.Code != "ok" || len(r.Findings) > 0 {
		return ""
	}
	return say("still-fails", r, "")
}

// Subject is what the check was about, in a few words.
func (r Report) Subject() string {
	return cmp.Or(r.Target.URL, r.Target.FromAddress, r.Target.Host, "nothing")
}

// Began and Lasted are when the check began and how long it took, as people read it.
func (r Report) Began() string  { return day(r.Started) }
func (r Report) Lasted() string { return lasted(r.DurationMS) }
