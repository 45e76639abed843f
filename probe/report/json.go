package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// JSON writes the report as one object, indented, with a final line end.
func (r Report) JSON() ([]byte, error) { return indented(r) }

func asJSON[T any](r T, _ Style) ([]byte, error) { return indented(r) }

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

// lines writes a batch as JSON, one object per line. What was read from such lines
// goes through as it is, with all that a newer version wrote.
type lines struct {
	open
	w io.Writer
}

func newLines(o Output) (Sink, error) { return &lines{w: o.W}, nil }

func (l *lines) Row(r Row) error { return l.line(r, r.raw) }

func (l *lines) End(s Summary) error {
	if s.endpoint == nil {
		return l.line(s, nil)
	}
	s.Endpoint = nil
	raw, err := evidence.Encode(s)
	if err != nil {
		return err
	}
	return l.line(nil, append(bytes.TrimSuffix(raw, []byte(`null}`)), append(s.endpoint, '}')...))
}

// line writes v, or raw where there is such a thing.
func (l *lines) line(v any, raw []byte) (err error) {
	if raw == nil {
		if raw, err = evidence.Encode(v); err != nil {
			return err
		}
	}
	_, err = l.w.Write(append(raw, '\n'))
	return err
}

//go:embed *-1.schema.json
var schemas embed.FS

// SchemaNames are what has a schema: the report, and the two kinds of lines that
// a batch writes.
var SchemaNames = []string{"report", "row", "summary"}

// SchemaDocument is the JSON Schema (draft 2020-12) of what is called by name,
// one of SchemaNames. It describes everything since the first version: what later
// versions added is not required.
func SchemaDocument(name string) ([]byte, bool) {
	raw, err := schemas.ReadFile(name + "-1.schema.json")
	return raw, err == nil
}

// Errors of Load: the file is no report, not one of this program, or damaged.
var (
	ErrForeign = errors.New("it is not a report of `ewsprobe check`")
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
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Value == "array" {
			return evidence.Record{}, fmt.Errorf("%w: it is an array; save each report in a file of its own", ErrForeign)
		}
		return evidence.Record{}, fmt.Errorf("%w: it is not JSON at byte %d; save one with `ewsprobe check --save report.json`",
			ErrForeign, d.InputOffset()+1)
	}
	if head.Schema == RowSchema || head.Schema == SummarySchema {
		return evidence.Record{}, fmt.Errorf("%w: these are the results of a batch, which `ewsprobe merge` reads; "+
			"for one mailbox save a report with `ewsprobe check --save`", ErrForeign)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return evidence.Record{}, fmt.Errorf("%w: something follows the report", ErrDamaged)
	}
	if head.Schema != Schema {
		var version int
		if n, _ := fmt.Sscanf(head.Schema, "ewsprobe/report/%d", &version); n == 1 && version > 1 {
			return evidence.Record{}, fmt.Errorf("%w (schema %q; this one reads %q)", ErrNewer, head.Schema, Schema)
		}
		return evidence.Record{}, fmt.Errorf("%w (its schema is %q, not %q); write one with `ewsprobe check --save report.json`",
			ErrForeign, head.Schema, Schema)
	}
	var r Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return evidence.Record{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for i := range r.Evidence {
		r.Evidence[i].Recognize()
	}
	took := time.Duration(r.DurationMS) * time.Millisecond
	rec := evidence.Record{Started: r.Started, Duration: took, Target: r.Target, Stopped: r.Stopped, Items: r.Evidence}
	return rec, validate(rec)
}

func validate(rec evidence.Record) error {
	damaged := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
	}
	if rec.Started.IsZero() {
		return damaged("it has no start time")
	}
	if len(rec.Items) == 0 {
		return damaged("it has no evidence")
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
	results := []evidence.Result{evidence.Accepted, evidence.Refused, evidence.Unfinished, evidence.Skipped}
	seen := map[string]bool{}
	for i, item := range rec.Items {
		switch {
		case item.ID == "" || seen[item.ID]:
			return damaged("evidence %d has no unique identifier", i+1)
		case item.Step == "":
			return damaged("evidence %s names no step", item.ID)
		case item.Step == evidence.StepUserAgent && item.Request == nil, item.Step == evidence.StepAutodiscoverLogon && item.Logon == nil:
			return damaged("evidence %s does not match its step %s", item.ID, item.Step)
		case item.Logon != nil && !slices.Contains(results, item.Logon.Result):
			return damaged("evidence %s has a logon with the result %q", item.ID, item.Logon.Result)
		case item.AtDirectory():
			if !decidedThere(item) {
				return damaged("evidence %s has a logon with the result %q, which its domain controller did not give", item.ID, item.Logon.Result)
			}
		case item.Logon != nil && item.Logon.Result == evidence.Accepted && !answeredBy(item):
			return damaged("evidence %s calls a logon accepted without an answer of the service", item.ID)
		case item.Logon != nil && item.Logon.Result == evidence.Refused && item.Response == nil:
			return damaged("evidence %s calls a logon refused without an answer", item.ID)
		}
		seen[item.ID] = true
	}
	return nil
}

// answeredBy: the service itself answered.
func answeredBy(item evidence.Item) bool {
	return item.Response != nil && (item.EWS.Answered() || item.Step.Autodiscover() && item.Discovery.Answered())
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
