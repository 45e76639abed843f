package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
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

As a page to be sent:  ewsprobe merge --format html --redact results.jsonl > results.html

Exit code: the worst of the rows, and 3 if rows are missing.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "json", Usage: "what to print: " + oneOf(mergeFormats, "or") + " (text: the summary alone)"},
			&cli.BoolFlag{Name: "redact", Usage: "numbered placeholders in the place of names; of a row only what this version knows is left"},
		},
		Action: func(c *cli.Context) error {
			if !c.Bool("redact") {
				return merge(c, std, nil)
			}
			mask, std := maskOf(std)
			return mask.refusal(merge(c, std, mask))
		},
	}
}

// mergeFormats are those that can be made of the lines of JSON: the columns of
// the input, which csv has, are not in them.
var mergeFormats = slices.DeleteFunc(report.Formats(), func(f report.Format) bool { return f == report.FormatCSV })

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
	partial string // why a run did not have all rows
	first   summaryRead
	sum     report.Summary
}

// rowRead and summaryRead are what merge needs to know of a line.
type rowRead struct {
	Schema      string          `json:"schema"`
	Row         int             `json:"row"`
	Mailbox     string          `json:"mailbox"`
	User        string          `json:"user"`
	Line        int             `json:"line"`
	Verdict     finding.Verdict `json:"verdict"`
	Tries       int             `json:"tries"`
	Duration    int64           `json:"duration_ms"`
	DuplicateOf int             `json:"duplicate_of"`
	Causes      []struct {
		Number int                 `json:"number"`
		Status finding.CauseStatus `json:"status"`
	} `json:"causes"`
}

// summaryRead keeps the report of the endpoint as it is written: a newer version
// may have more to say.
type summaryRead struct {
	report.Summary
	Endpoint json.RawMessage `json:"endpoint"`
}

// result is a row as a batch gives it out; raw is its line, nil where nothing but
// the verdict is asked for.
func (r rowRead) result(raw []byte) (batch.Result, error) {
	shape := &batch.Shape{Verdict: r.Verdict}
	if raw != nil {
		null := json.RawMessage("null")
		parts := struct{ Verdict, Causes, Findings json.RawMessage }{null, null, null}
		if err := json.Unmarshal(raw, &parts); err != nil {
			return batch.Result{}, err
		}
		shape.Fields = fmt.Sprintf(`"verdict":%s,"causes":%s,"findings":%s`, parts.Verdict, parts.Causes, parts.Findings)
	}
	for _, cause := range r.Causes {
		if cause.Status == finding.CauseConfirmed || cause.Status == finding.CauseLikely {
			shape.Causes = append(shape.Causes, cause.Number)
		}
	}
	if strings.Contains(r.Mailbox, "@") {
		// Without the name, so that rows which differ in nothing else are one.
		shape.Verdict.Summary = strings.ReplaceAll(r.Verdict.Summary, r.Mailbox, batch.Stand)
		shape.Fields = strings.ReplaceAll(shape.Fields, r.Mailbox, batch.Stand)
	}
	return batch.Result{
		Row:   batch.Row{Number: r.Row, Line: r.Line, Address: r.Mailbox, Account: batch.Account{User: r.User}},
		Shape: shape, Duration: time.Duration(r.Duration) * time.Millisecond, Tries: r.Tries, DuplicateOf: r.DuplicateOf,
	}, nil
}

// merged writes what was joined.
type merged struct {
	format report.Format
	raw    bool // JSON goes through as it is, with all that a newer version wrote
	w      io.Writer
	style  report.Style // of text, which is the summary alone
	sink   sink
	kept   *spool // nil: none is needed
	mask   *batchMask
}

func newMerged(std stdio, format report.Format, mask *batchMask) (*merged, error) {
	out := &merged{format: format, raw: format == report.FormatJSON && mask == nil, w: std.out, mask: mask}
	switch doc := report.NewBatchDocument(format); {
	case doc != nil:
		var err error
		if out.kept, err = newSpool(""); err != nil {
			return nil, unusable("there is no place for a temporary file (%v); set TMPDIR", err)
		}
		out.sink = &document{doc: doc, kept: out.kept, w: std.out}
	case format == report.FormatText:
		out.style = std.style()
	default:
		out.sink = &lines{w: std.out}
	}
	return out, nil
}

func (o *merged) close() {
	if o.kept != nil {
		o.kept.close()
	}
}

// row writes a row; raw is its line.
func (o *merged) row(r batch.Result, raw []byte) error {
	if o.raw {
		_, err := o.w.Write(append(raw, '\n'))
		return err
	}
	if o.format == report.FormatText {
		return nil
	}
	r, err := o.mask.result(r, 0)
	if err != nil {
		return err
	}
	return o.sink.row(r)
}

// summary writes the summary with the report of the endpoint, as it was read.
func (o *merged) summary(s report.Summary, endpoint json.RawMessage, std stdio) error {
	s = o.mask.summary(s)
	known := len(endpoint) > 0 && string(endpoint) != "null"
	if o.raw && known {
		raw, err := evidence.Encode(s)
		if err != nil {
			return err
		}
		raw = append(bytes.TrimSuffix(raw, []byte(`null}`)), append(endpoint, "}\n"...)...)
		_, err = o.w.Write(raw)
		return err
	}
	if known {
		rec, err := report.Load(endpoint)
		if err == nil {
			s.Endpoint = o.mask.endpoint(rec, std)
		} else {
			std.complain(fmt.Errorf("the report of the endpoint cannot be read (%w) and is left out", err))
		}
	}
	if o.format == report.FormatText {
		_, err := io.WriteString(o.w, s.Text(o.style))
		return err
	}
	return o.sink.summary(s)
}

func merge(c *cli.Context, std stdio, mask *batchMask) error {
	names := c.Args().Slice()
	format := report.Format(c.String("format"))
	if !slices.Contains(mergeFormats, format) {
		return usage("--format %q is unknown; merge prints %s", format, oneOf(mergeFormats, "or"))
	}
	if len(names) == 0 {
		return usage("FILE is missing; give the results of `ewsprobe batch --format json`, one file for each shard or run")
	}
	m := &merging{}
	files := make([]*os.File, len(names))
	for i, name := range names {
		in, err := openNamed(c.Context, name)
		if err != nil {
			return unusable("%s cannot be read (%v)", name, err)
		}
		defer in.Close()
		f, ok := in.Reader.(*os.File)
		if !ok {
			return unusable("%s is no file; merge reads results twice, so save them first", name)
		}
		files[i] = f
		if err := m.read(f, i+1); err != nil {
			return unusable("%s: %v", name, err)
		}
	}
	out, err := newMerged(std, format, mask)
	if err != nil {
		return err
	}
	defer out.close()
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
		line := raw
		if mask == nil {
			line = nil
		}
		result, err := r.result(line)
		if err != nil {
			return unusable("%s: row %d: %v", names[p.file-1], number, err)
		}
		t.Add(result.Shape, report.Row{Mailbox: r.Mailbox, Line: r.Line}.Name(), r.Tries)
		if err := out.row(result, raw); err != nil {
			return fmt.Errorf("row %d could not be written: %w", number, err)
		}
	}
	return m.conclude(t, std, out)
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
		case report.RowSchema:
			if err := m.row(head, place{at: start, length: int32(len(raw) - 1), file: int16(number), open: head.Verdict.Code == "not-checked"}); err != nil {
				return fmt.Errorf("line %d: %w", line, err)
			}
		case report.SummarySchema:
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

// codeForm is what codes look like, those of a newer version too.
var codeForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

func (m *merging) row(r rowRead, p place) error {
	// The file may come from anywhere.
	switch v := r.Verdict; {
	case r.Row < 1 || r.Row > 1<<30:
		return fmt.Errorf("%d is no number of a row", r.Row)
	case !codeForm.MatchString(string(v.Code)):
		return fmt.Errorf("row %d has no code of a verdict", r.Row)
	case !slices.Contains([]finding.Status{finding.OK, finding.Warning, finding.Critical, finding.Unknown}, v.Status):
		return fmt.Errorf("row %d has no status", r.Row)
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
	m.whole = m.whole || s.Stopped != evidence.StoppedByUser && s.Incomplete == ""
	if s.Incomplete != "" {
		m.partial = report.Clean(s.Incomplete, 500)
	}
	if m.first.Schema == "" {
		m.first = s
	}
	if !s.Started.IsZero() && s.Started.Before(m.first.Started) {
		m.first.Started = s.Started
	}
	m.sum.DurationMS = max(m.sum.DurationMS, s.DurationMS)
	m.sum.Requests += s.Requests
	m.sum.Retries += s.Retries
	m.sum.Pauses += s.Pauses
	m.sum.PausedMS += s.PausedMS
	if m.sum.FrontEnds == nil {
		m.sum.FrontEnds = map[string]int{}
	}
	for k, n := range s.FrontEnds {
		m.sum.FrontEnds[k] += n
	}
	for _, note := range s.Notes {
		if !slices.Contains(m.sum.Notes, note) {
			m.sum.Notes = append(m.sum.Notes, note)
		}
	}
	m.sum.Slowest = append(m.sum.Slowest, s.Slowest...)
	slices.SortStableFunc(m.sum.Slowest, func(a, b report.SlowMailbox) int { return cmp.Compare(b.TookMS, a.TookMS) })
	m.sum.Slowest = m.sum.Slowest[:min(len(m.sum.Slowest), batch.MostSlowest)]
}

// conclude prints the summary of all, and says what is missing or double.
func (m *merging) conclude(t *batch.Totals, std stdio, out *merged) error {
	s := summaryOf(t.Summary())
	s.Started, s.DurationMS, s.Rows = m.first.Started, m.sum.DurationMS, m.most
	s.Requests, s.Retries, s.Pauses, s.PausedMS, s.FrontEnds, s.Slowest = m.sum.Requests, m.sum.Retries, m.sum.Pauses, m.sum.PausedMS, m.sum.FrontEnds, m.sum.Slowest
	s.Notes = m.sum.Notes
	if v := m.first.Verdict; v != nil && (s.Verdict == nil || v.Status.Rank() < s.Verdict.Status.Rank()) {
		s.Verdict = v // the endpoint's own
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
	switch {
	case m.first.Schema == "":
		s.Incomplete = "no file has a summary, so how many rows there should be is not known"
	case len(missing) > 0:
		s.Incomplete = fmt.Sprintf("%s missing: %s", count(len(missing), "row is", "rows are"), some(missing))
		if !m.whole {
			s.Incomplete += "; and no run came to the end of its input, so more can be missing; go on with --resume"
		}
	case !m.whole && m.partial != "":
		s.Incomplete = m.partial
	case !m.whole:
		s.Incomplete = "no run came to the end of its input; go on with --resume"
	}
	if s.Incomplete != "" {
		std.complain(errors.New(s.Incomplete))
	}
	if err := out.summary(s, m.first.Endpoint, std); err != nil {
		std.complain(fmt.Errorf("the results could not be written: %w", err))
		return exit(3)
	}
	if code := s.Status().ExitCode(); code != 0 && (s.Verdict != nil || s.Incomplete != "") {
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
