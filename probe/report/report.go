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
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
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
	// Autodiscover is what it said of the mailbox.
	Autodiscover *rule.Autodiscover `json:"autodiscover"`
	Evidence     []evidence.Item    `json:"evidence"`
	Stopped      string             `json:"stopped"`
}

// New judges a record and makes the report of it.
func New(rec evidence.Record, version string) Report {
	j := rule.Judge(rec)
	return Report{
		Schema: Schema, Tool: Tool{Name: "ewsprobe", Version: version}, Started: rec.Started, DurationMS: rec.Duration.Milliseconds(),
		Target: rec.Target, Verdict: j.Verdict, Causes: j.Causes, Findings: j.Findings,
		Schemes: j.Facts.Schemes, Server: j.Facts.Server, Nodes: j.Facts.Nodes, Attempts: j.Attempts,
		Dynamics: j.Facts.Dynamics, Autodiscover: j.Facts.Autodiscover, Evidence: rec.Items, Stopped: rec.Stopped,
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

// JSON writes the report as one object, indented, with a final line end.
func (r Report) JSON() ([]byte, error) { return indented(r) }

func indented(v any) ([]byte, error) {
	raw, err := evidence.Encode(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// Errors of Load: the file is no report, not one of this program, or damaged.
var (
	ErrForeign = errors.New("not a report of ewsprobe check")
	ErrNewer   = errors.New("written by a newer ewsprobe")
	ErrDamaged = errors.New("damaged")
)

// Load reads a JSON report and gives back the record it holds. The stored
// verdict is ignored. Nothing missing is made up: a file that lacks what judging
// needs is an error.
func Load(raw []byte) (evidence.Record, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&head); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return evidence.Record{}, fmt.Errorf("%w: the file ends too early (%d bytes)", ErrDamaged, len(raw))
		}
		return evidence.Record{}, fmt.Errorf("%w: it is not JSON (%w)", ErrForeign, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return evidence.Record{}, fmt.Errorf("%w: something follows the report", ErrDamaged)
	}
	if head.Schema != Schema {
		var version int
		if n, _ := fmt.Sscanf(head.Schema, "ewsprobe/report/%d", &version); n == 1 && version > 1 {
			return evidence.Record{}, fmt.Errorf("%w (schema %q; this one reads %q)", ErrNewer, head.Schema, Schema)
		}
		return evidence.Record{}, fmt.Errorf("%w (its schema is %q, not %q)", ErrForeign, head.Schema, Schema)
	}
	var r Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return evidence.Record{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for i := range r.Evidence {
		r.Evidence[i].Recognize()
	}
	rec := evidence.Record{Started: r.Started, Duration: time.Duration(r.DurationMS) * time.Millisecond, Target: r.Target, Stopped: r.Stopped, Items: r.Evidence}
	return rec, validate(rec)
}

func validate(rec evidence.Record) error {
	damaged := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
	}
	if rec.Started.IsZero() {
		return damaged("it does not say when it was started")
	}
	if len(rec.Items) == 0 {
		return damaged("it holds no evidence")
	}
	if u, err := url.Parse(rec.Target.URL); (err != nil || u.Hostname() == "") && (rec.Target.URL != "" || rec.Target.FromAddress == "") {
		return damaged("its target has no URL")
	}
	if !slices.Contains([]string{"basic", "ntlm", "negotiate", "oauth", "auto"}, rec.Target.ProfileAuth) {
		return damaged("target.profile_auth %q is unknown", rec.Target.ProfileAuth)
	}
	if !slices.Contains([]string{"inside", "public"}, rec.Target.View) {
		return damaged("target.view %q is unknown", rec.Target.View)
	}
	if !slices.Contains([]string{"", evidence.StoppedByUser}, rec.Stopped) {
		return damaged("stopped %q is unknown", rec.Stopped)
	}
	seen := map[string]bool{}
	for i, item := range rec.Items {
		switch {
		case item.ID == "" || seen[item.ID]:
			return damaged("evidence %d has no identifier of its own", i+1)
		case item.Step == "":
			return damaged("evidence %s names no step", item.ID)
		case item.Step == evidence.StepUserAgent && item.Request == nil, item.Step == evidence.StepAutodiscoverLogon && item.Logon == nil:
			return damaged("evidence %s does not hold what its step %s is about", item.ID, item.Step)
		case item.Logon != nil && !slices.Contains([]evidence.Result{evidence.Accepted, evidence.Refused, evidence.Unfinished, evidence.Skipped}, item.Logon.Result):
			return damaged("evidence %s has a logon with the result %q", item.ID, item.Logon.Result)
		case item.AtDirectory():
			if !decidedThere(item) {
				return damaged("evidence %s has a logon with the result %q, which its domain controller did not give", item.ID, item.Logon.Result)
			}
		case item.Logon != nil && item.Logon.Result == evidence.Accepted && (item.Response == nil || !item.EWS.Answered() && !(item.Step.Autodiscover() && item.Discovery.Answered())):
			return damaged("evidence %s calls a logon accepted without an answer of the service", item.ID)
		case item.Logon != nil && item.Logon.Result == evidence.Refused && item.Response == nil:
			return damaged("evidence %s calls a logon refused without an answer", item.ID)
		}
		seen[item.ID] = true
	}
	return nil
}

// decidedThere: a logon at a domain controller has no HTTP answer; what was
// accepted or refused shows in the controller's own.
func decidedThere(item evidence.Item) bool {
	if item.Logon == nil {
		return true
	}
	const success, invalidCredentials = 0, 49 // RFC 4511 4.1.9
	k, b := item.Kerberos, item.Bind
	answered := func(code int) bool { return b != nil && b.Result != nil && *b.Result == code && item.Error == nil }
	ldap := item.Logon.Scheme == evidence.SchemeLDAPS
	switch item.Logon.Result {
	case evidence.Accepted:
		return ldap && answered(success) || !ldap && k != nil && k.Error == "" && k.EncType != ""
	case evidence.Refused:
		return ldap && answered(invalidCredentials) || !ldap && k != nil && k.Error != ""
	}
	return true
}
