package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Merge joins the lines of JSON that several runs of a batch wrote. Of a row that
// is there twice the later result counts, and any before not-checked.
type Merge struct {
	places
	doubled []int
	ignored []string // lines that are cut off
	refused []string // runs that did not begin
	whole   bool     // a run came to the end of its input
	partial string   // why a run did not have all rows
	sum     Summary  // what the runs say together, with the endpoint and the verdict of the first
}

// Lines is a file, which is read twice: to see which rows are where, and in their
// order.
type Lines interface {
	io.Reader
	RowFile
}

// Add notes where the rows of a file are. A last line that was cut off is nothing.
func (m *Merge) Add(f Lines) error {
	m.files = append(m.files, f)
	in := bufio.NewReaderSize(f, 64<<10)
	var at int64
	for line := 1; ; line++ {
		raw, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if line == 1 && bytes.Contains(raw, schemaOfReport()) {
				return noRows(true)
			}
			if text := bytes.TrimSpace(raw); line == 1 && len(text) > 0 && text[0] != '{' {
				return noRows(false)
			}
			return nil // nothing, or a line without its end
		}
		if err != nil {
			return err
		}
		p := rowPlace{at: at, length: int32(len(raw) - 1), file: int16(len(m.files))}
		at += int64(len(raw))
		if len(raw) == 1 {
			continue
		}
		var r Row
		if err := decode(raw, &r); err != nil {
			if line == 1 {
				more, _ := in.Peek(4096)
				return noRows(bytes.Contains(more, schemaOfReport()))
			}
			// A kill leaves half a line; its row is asked for again by --resume.
			m.ignored = append(m.ignored, fmt.Sprintf("%s line %d is incomplete and was ignored", f.Name(), line))
			continue
		}
		switch r.Schema {
		case RowSchema:
			err = m.row(r, p)
		case SummarySchema:
			err = m.summary(raw)
		case Schema:
			if r.Verdict.Code != "bad-usage" && r.Verdict.Code != "config-invalid" {
				return noRows(true)
			}
			// A run that was refused before it asked for anything, in a file that
			// later runs were appended to.
			m.refused = append(m.refused, fmt.Sprintf("%s line %d: this run did not begin: %s", f.Name(), line, r.Verdict.Summary))
		default:
			err = fmt.Errorf("this is not a result of `ewsprobe batch --format json` (its schema is %q)", r.Schema)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// schemaOfReport is what is in every report of a check.
func schemaOfReport() []byte { return []byte(`"` + Schema + `"`) }

// noRows says what a file is that has no rows, and which command reads it.
func noRows(report bool) error {
	if report {
		return errors.New("this is the report of one check, not of a batch; use `ewsprobe diagnose`, or `ewsprobe diff` to compare two")
	}
	return errors.New("this is not a result of `ewsprobe batch --format json`")
}

// decode reads a line; a member that a newer version writes as something else is
// left out.
func decode(raw []byte, v any) error {
	err := json.Unmarshal(raw, v)
	if errors.As(err, new(*json.UnmarshalTypeError)) {
		return nil
	}
	return err
}

// codeForm is what codes look like, those of a newer version too.
var codeForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`) })

func (m *Merge) row(r Row, p rowPlace) error {
	// The file may come from anywhere.
	switch v := r.Verdict; {
	case r.Number < 1 || r.Number > 1<<30:
		return fmt.Errorf("%d is not a row number", r.Number)
	case !codeForm().MatchString(string(v.Code)):
		return fmt.Errorf("row %d has no verdict code", r.Number)
	case !slices.Contains(finding.WorstFirst(), v.Status):
		return fmt.Errorf("row %d has no status", r.Number)
	}
	m.rows = UpTo(m.rows, r.Number)
	before := m.rows[r.Number]
	p.open = r.Verdict.Code == "not-checked"
	if before.file != 0 {
		m.doubled = append(m.doubled, r.Number)
		if p.open && !before.open {
			return nil
		}
	}
	m.rows[r.Number] = p
	return nil
}

func (m *Merge) summary(raw []byte) error {
	var s Summary
	var more struct {
		Endpoint json.RawMessage `json:"endpoint"`
	}
	// The report of the endpoint is kept as it is written: a newer version may have
	// more to say.
	if err := json.Unmarshal(raw, &more); err != nil {
		return err
	}
	if err := decode(raw, &s); err != nil {
		return err
	}
	all := &m.sum
	if all.Schema == "" {
		all.Schema, all.Started, all.Verdict = s.Schema, s.Started, s.Verdict
		if len(more.Endpoint) > 0 && string(more.Endpoint) != "null" {
			all.endpoint = more.Endpoint
		}
	}
	if !s.Started.IsZero() && s.Started.Before(all.Started) {
		all.Started = s.Started
	}
	m.whole = m.whole || s.Stopped != evidence.StoppedByUser && s.Incomplete == ""
	if s.Incomplete != "" {
		m.partial = Clean(s.Incomplete, 500)
	}
	all.Rows, all.DurationMS = max(all.Rows, s.Rows), max(all.DurationMS, s.DurationMS)
	all.Requests, all.Retries = all.Requests+s.Requests, all.Retries+s.Retries
	all.Pauses, all.PausedMS = all.Pauses+s.Pauses, all.PausedMS+s.PausedMS
	if all.FrontEnds == nil {
		all.FrontEnds = map[string]int{}
	}
	for k, n := range s.FrontEnds {
		all.FrontEnds[k] += n
	}
	for _, note := range s.Notes {
		if !slices.Contains(all.Notes, note) {
			all.Notes = append(all.Notes, note)
		}
	}
	all.Slowest = Slower(all.Slowest, s.Slowest...)
	return nil
}

// Summary is the summary of all runs, of which t has counted the rows, and what
// there is to complain of.
func (m *Merge) Summary(t *Tally, mask *Mask, version string) (s Summary, complaints []string) {
	m.sum.Incomplete = m.partial
	s = t.Into(mask.Summary(m.sum))
	s.Retries, s.Tool.Version = m.sum.Retries, version
	var missing []int
	for i := 1; i <= s.Rows; i++ {
		if i >= len(m.rows) || m.rows[i].file == 0 {
			missing = append(missing, i)
		}
	}
	slices.Sort(m.doubled)
	if doubled := slices.Compact(m.doubled); len(doubled) > 0 {
		complaints = append(complaints, fmt.Sprintf("%s in the files more than once; each is written once: %s",
			count(len(doubled), "row was", "rows were"), some(doubled)))
	}
	complaints = append(complaints, m.refused[:min(len(m.refused), 10)]...)
	complaints = append(complaints, m.ignored[:min(len(m.ignored), 10)]...)
	switch {
	case m.sum.Schema == "":
		s.Incomplete = "no file has a summary, so how many rows there should be is not known"
	case len(missing) > 0:
		s.Incomplete = fmt.Sprintf("%s missing: %s", count(len(missing), "row is", "rows are"), some(missing))
		if !m.whole {
			s.Incomplete += "; no run reached the end of its input, so more rows can be missing; go on with --resume"
		}
	case m.whole:
		s.Incomplete = ""
	case m.partial == "":
		s.Incomplete = "no run reached the end of its input; go on with --resume"
	}
	if s.Incomplete != "" {
		complaints = append(complaints, s.Incomplete)
	}
	return s, complaints
}

// Endpoint is the record of the endpoint's own check, where one was read.
func (m *Merge) Endpoint() (rec evidence.Record, found bool, err error) {
	if m.sum.endpoint == nil {
		return rec, false, nil
	}
	rec, err = Load(m.sum.endpoint)
	return rec, err == nil, err
}

// some are the first of a list of rows, in runs.
func some(rows []int) string {
	var runs []string
	for i := 0; i < len(rows) && len(runs) <= 20; {
		first := i
		for i++; i < len(rows) && rows[i] == rows[i-1]+1; i++ {
		}
		run := fmt.Sprint(rows[first])
		if i-first > 1 {
			run += fmt.Sprintf("-%d", rows[i-1])
		}
		runs = append(runs, run)
	}
	if len(runs) > 20 {
		runs[20] = "..."
	}
	return strings.Join(runs, ", ")
}
