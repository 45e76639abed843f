package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

func mergeCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name:      "merge",
		Usage:     "joins the results of shards, or of runs that were resumed",
		ArgsUsage: "FILE...",
		Description: `FILE are results of batch --format json. The rows are printed once each, in the order of the input, then a summary
of all. A row that is there twice is named on standard error, and so are rows that are missing. Of two results the later one
counts, and any before not-checked.

Exit code: the worst of the rows, and 3 if rows are missing.`,
		Flags:  []cli.Flag{&cli.StringFlag{Name: "format", Value: "json", Usage: "what to print: json, or text (the summary alone)"}},
		Action: func(c *cli.Context) error { return merge(c, std) },
	}
}

// place is where a row stands.
type place struct {
	at     int64
	length int32
	file   int16 // counts from 1; 0: nowhere
	open   bool  // not-checked
}

// merging is what was found in the files.
type merging struct {
	rows    []place // by number
	doubled []int
	ignored []string // lines that are cut off
	refused []string // runs that did not begin
	most    int      // rows of the input, as the summaries say
	whole   bool
	first   summaryRead
	sum     summaryLine
}

// rowRead and summaryRead are what merge needs to know of a line.
type rowRead struct {
	Schema   string          `json:"schema"`
	Row      int             `json:"row"`
	Mailbox  string          `json:"mailbox"`
	Line     int             `json:"line"`
	Verdict  finding.Verdict `json:"verdict"`
	Tries    int             `json:"tries"`
	Duration int64           `json:"duration_ms"`
	Causes   []struct {
		Number int                 `json:"number"`
		Status finding.CauseStatus `json:"status"`
	} `json:"causes"`
}

type summaryRead struct {
	Schema     string          `json:"schema"`
	Started    time.Time       `json:"started"`
	DurationMS int64           `json:"duration_ms"`
	Rows       int             `json:"rows"`
	Requests   int             `json:"requests"`
	Retries    int             `json:"retries"`
	PausedMS   int64           `json:"paused_ms"`
	FrontEnds  map[string]int  `json:"front_ends"`
	Stopped    string          `json:"stopped"`
	Endpoint   json.RawMessage `json:"endpoint"`
	Verdict    finding.Verdict `json:"verdict"`
}

func merge(c *cli.Context, std stdio) error {
	names := c.Args().Slice()
	format := c.String("format")
	if format != "json" && format != "text" {
		return usage("--format %q is unknown; merge prints json or text", format)
	}
	if len(names) == 0 {
		return usage("FILE is missing; give the results of `ewsprobe batch --format json`, one file for each shard or run")
	}
	m := &merging{}
	files := make([]*os.File, len(names))
	for i, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return unusable("%s cannot be read (%v)", name, err)
		}
		defer f.Close()
		files[i] = f
		if err := m.read(f, i+1); err != nil {
			return unusable("%s: %v", name, err)
		}
	}
	t := batch.NewTotals()
	for number, p := range m.rows {
		if p.file == 0 {
			continue
		}
		raw := make([]byte, p.length)
		if _, err := files[p.file-1].ReadAt(raw, p.at); err != nil {
			return unusable("%s: row %d cannot be read again (%v)", names[p.file-1], number, err)
		}
		var r rowRead
		if err := json.Unmarshal(raw, &r); err != nil {
			return unusable("%s: row %d: %v", names[p.file-1], number, err)
		}
		shape := &batch.Shape{Verdict: r.Verdict}
		for _, cause := range r.Causes {
			if cause.Status == finding.CauseConfirmed || cause.Status == finding.CauseLikely {
				shape.Causes = append(shape.Causes, cause.Number)
			}
		}
		name := r.Mailbox
		if name == "" {
			name = fmt.Sprintf("line %d", r.Line)
		}
		t.Add(shape, name, r.Tries)
		if format == "json" {
			if _, err := std.out.Write(append(raw, '\n')); err != nil {
				return err
			}
		}
	}
	return m.conclude(t, std, format)
}

// read notes where the rows of a file are. A last line that was cut off is
// nothing.
func (m *merging) read(f *os.File, number int) error {
	in := bufio.NewReaderSize(f, 64<<10)
	var at int64
	for line := 1; ; line++ {
		raw, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // nothing, or a line without its end
		}
		if err != nil {
			return err
		}
		start := at
		at += int64(len(raw))
		var head rowRead
		if err := json.Unmarshal(raw, &head); err != nil {
			if len(raw) == 1 {
				continue
			}
			// A kill leaves half a line; its row is asked for again by --resume.
			m.ignored = append(m.ignored, fmt.Sprintf("%s line %d", f.Name(), line))
			if line == 1 {
				return errors.New("this is no result of ewsprobe batch --format json")
			}
			continue
		}
		switch head.Schema {
		case rowSchema:
			if err := m.row(head, place{at: start, length: int32(len(raw) - 1), file: int16(number), open: head.Verdict.Code == "not-checked"}); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
		case summarySchema:
			var s summaryRead
			if err := json.Unmarshal(raw, &s); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
			m.summary(s)
		case report.Schema:
			// A run that was refused before it asked for anything, in a file that
			// later runs were appended to.
			m.refused = append(m.refused, fmt.Sprintf("%s line %d: this run did not begin: %s", f.Name(), line, head.Verdict.Summary))
		default:
			return fmt.Errorf("line %d is no result of ewsprobe batch --format json (its schema is %q)", line, head.Schema)
		}
	}
}

func (m *merging) row(r rowRead, p place) error {
	if r.Row < 1 || r.Row > 1<<30 {
		return fmt.Errorf("%d is no number of a row", r.Row)
	}
	for r.Row >= len(m.rows) {
		m.rows = append(m.rows, make([]place, max(r.Row+1-len(m.rows), len(m.rows)/4, 1024))...)
	}
	before := m.rows[r.Row]
	if before.file != 0 {
		m.doubled = append(m.doubled, r.Row)
		if p.open && !before.open {
			return nil
		}
	}
	m.rows[r.Row] = p
	return nil
}

func (m *merging) summary(s summaryRead) {
	m.most = max(m.most, s.Rows)
	m.whole = m.whole || s.Stopped != evidence.StoppedByUser
	if m.first.Schema == "" {
		m.first = s
	}
	if !s.Started.IsZero() && s.Started.Before(m.first.Started) {
		m.first.Started = s.Started
	}
	m.sum.DurationMS = max(m.sum.DurationMS, s.DurationMS)
	m.sum.Requests += s.Requests
	m.sum.Retries += s.Retries
	m.sum.PausedMS += s.PausedMS
	if m.sum.FrontEnds == nil {
		m.sum.FrontEnds = map[string]int{}
	}
	for k, n := range s.FrontEnds {
		m.sum.FrontEnds[k] += n
	}
}

// conclude prints the summary of all, and says what is missing or double.
func (m *merging) conclude(t *batch.Totals, std stdio, format string) error {
	s := t.Summary()
	s.Started, s.Duration = m.first.Started, time.Duration(m.sum.DurationMS)*time.Millisecond
	s.Rows, s.Requests, s.Retries, s.Paused, s.FrontEnds = m.most, m.sum.Requests, m.sum.Retries, time.Duration(m.sum.PausedMS)*time.Millisecond, m.sum.FrontEnds
	worst := s.Verdict
	if v := m.first.Verdict; v.Code != "" && (worst.Code == "" || v.Status.Rank() < worst.Status.Rank()) {
		worst = v // the endpoint's own
		s.Verdict = v
	}
	var missing []int
	for i := 1; i <= m.most; i++ {
		if i >= len(m.rows) || m.rows[i].file == 0 {
			missing = append(missing, i)
		}
	}
	slices.Sort(m.doubled)
	m.doubled = slices.Compact(m.doubled)
	if len(m.doubled) > 0 {
		std.complain(fmt.Errorf("%s there more than once and written once: %s", count(len(m.doubled), "row was", "rows were"), some(m.doubled)))
	}
	for _, why := range m.refused[:min(len(m.refused), 10)] {
		std.complain(errors.New(why))
	}
	for _, where := range m.ignored[:min(len(m.ignored), 10)] {
		std.complain(fmt.Errorf("%s is cut off and was ignored", where))
	}
	incomplete := len(missing) > 0
	switch {
	case m.first.Schema == "":
		incomplete = true
		std.complain(errors.New("no file has a summary, so how many rows there should be is not known"))
	case incomplete:
		std.complain(fmt.Errorf("%s missing: %s", count(len(missing), "row is", "rows are"), some(missing)))
	case !m.whole:
		incomplete = true
		std.complain(errors.New("every run was stopped before the last row of its input; go on with --resume"))
	}
	var err error
	if format == "json" {
		line := summaryOf(s, nil)
		raw, encodeErr := evidence.Encode(line)
		if encodeErr != nil {
			return encodeErr
		}
		// The report of the endpoint's check goes through as it is.
		if len(m.first.Endpoint) > 0 {
			raw = append(raw[:len(raw)-len(`"endpoint":null}`)], append([]byte(`"endpoint":`), append(m.first.Endpoint, '}')...)...)
		}
		_, err = std.out.Write(append(raw, '\n'))
	} else {
		_, err = io.WriteString(std.out, report.Batch(batchReport(s, nil), std.style()))
	}
	if err != nil || incomplete {
		return exit(3)
	}
	if code := worst.Status.ExitCode(); worst.Code != "" && code != 0 {
		return exit(code)
	}
	return nil
}

// some are the first of a list of rows, in runs.
func some(rows []int) string {
	text, shown := "", 0
	for i := 0; i < len(rows); {
		j := i
		for j+1 < len(rows) && rows[j+1] == rows[j]+1 {
			j++
		}
		if shown == 20 {
			return text + ", ..."
		}
		if shown > 0 {
			text += ", "
		}
		text += fmt.Sprint(rows[i])
		if j > i {
			text += fmt.Sprintf("-%d", rows[j])
		}
		shown++
		i = j + 1
	}
	return text
}
