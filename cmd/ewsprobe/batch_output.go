package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// sink is one place that results go to, in one format.
type sink interface {
	row(batch.Result) error
	summary(batch.Summary, *report.Report) error
}

// outputs are all of them.
type outputs struct {
	sinks []sink
	held  []*held // where they write
	files []*os.File
	found *report.Report // of the endpoint
	stdio stdio
}

func openOutputs(c *cli.Context, std stdio, in *input) (*outputs, error) {
	o := &outputs{stdio: std}
	out := o.hold(std.out)
	switch c.String("format") {
	case "json":
		o.sinks = append(o.sinks, &lines{w: out})
	case "csv":
		o.sinks = append(o.sinks, newTable(out, in.table.Header))
	default:
		o.sinks = append(o.sinks, &prose{w: out, style: std.style()})
	}
	for _, name := range c.StringSlice("save") {
		ext := strings.ToLower(filepath.Ext(name))
		if ext != ".json" && ext != ".jsonl" && ext != ".csv" {
			o.close()
			return nil, usage("--save %s: the format is told by the extension, and batch writes .json (one object per line) and .csv", name)
		}
		f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
		if err != nil {
			o.close()
			return nil, unusable("--save %s cannot be written (%v)", name, err)
		}
		o.files = append(o.files, f)
		if ext == ".csv" {
			o.sinks = append(o.sinks, newTable(o.hold(f), in.table.Header))
		} else {
			o.sinks = append(o.sinks, &lines{w: o.hold(f)})
		}
	}
	return o, nil
}

// held keeps whole lines until they are flushed, so that a few go in one write
// and a crash leaves none that is cut.
type held struct {
	bytes.Buffer
	to io.Writer
}

func (o *outputs) hold(w io.Writer) *held {
	h := &held{to: w}
	o.held = append(o.held, h)
	return h
}

func (o *outputs) flush() error {
	for _, h := range o.held {
		if _, err := h.WriteTo(h.to); err != nil {
			return err
		}
	}
	return nil
}

func (o *outputs) emit(r batch.Result) error {
	for _, s := range o.sinks {
		if err := s.row(r); err != nil {
			return err
		}
	}
	return nil
}

func (o *outputs) endpoint(r report.Report) { o.found = &r }

func (o *outputs) summary(s batch.Summary) error {
	for _, sink := range o.sinks {
		if err := sink.summary(s, o.found); err != nil {
			return err
		}
	}
	return o.flush()
}

// sync makes what was written survive a power cut, where it goes to a file.
func (o *outputs) sync() {
	if f, ok := o.stdio.out.(*os.File); ok {
		_ = f.Sync() // a pipe has nothing to sync
	}
	for _, f := range o.files {
		_ = f.Sync()
	}
}

func (o *outputs) close() {
	for _, f := range o.files {
		f.Close()
	}
}

// Schemas of the lines of a batch.
const (
	rowSchema     = "ewsprobe/row/1"
	summarySchema = "ewsprobe/summary/1"
)

// lines writes JSON, one object per line.
type lines struct {
	w io.Writer
	b bytes.Buffer
}

func (l *lines) row(r batch.Result) error {
	body, err := r.Shape.JSON(r.Address)
	if err != nil {
		return err
	}
	mailbox := []byte("null")
	if r.Address != "" {
		if mailbox, err = evidence.Encode(r.Address); err != nil {
			return err
		}
	}
	l.b.Reset()
	l.b.WriteString(`{"schema":"` + rowSchema + `","row":`)
	l.b.WriteString(strconv.Itoa(r.Number))
	l.b.WriteString(`,"line":`)
	l.b.WriteString(strconv.Itoa(r.Line))
	l.b.WriteString(`,"mailbox":`)
	l.b.Write(mailbox)
	if user := r.Account.User; user != "" {
		quoted, err := evidence.Encode(user)
		if err != nil {
			return err
		}
		l.b.WriteString(`,"user":`)
		l.b.Write(quoted)
	}
	l.b.WriteByte(',')
	l.b.WriteString(body)
	l.b.WriteString(`,"duration_ms":`)
	l.b.WriteString(strconv.FormatInt(r.Duration.Milliseconds(), 10))
	l.b.WriteString(`,"tries":`)
	l.b.WriteString(strconv.Itoa(r.Tries))
	l.b.WriteString(`,"duplicate_of":`)
	if r.DuplicateOf > 0 {
		l.b.WriteString(strconv.Itoa(r.DuplicateOf))
	} else {
		l.b.WriteString("null")
	}
	l.b.WriteString("}\n")
	_, err = l.w.Write(l.b.Bytes())
	return err
}

// summaryLine is the last line.
type summaryLine struct {
	Schema     string           `json:"schema"`
	Started    time.Time        `json:"started"`
	DurationMS int64            `json:"duration_ms"`
	Rows       int              `json:"rows"`
	Reported   int              `json:"reported"`
	Resumed    int              `json:"resumed"`
	Shard      string           `json:"shard"`
	ByStatus   map[string]int   `json:"by_status"`
	ByCode     map[string]int   `json:"by_code"`
	ByCause    map[string]int   `json:"by_cause"`
	Requests   int              `json:"requests"`
	Retries    int              `json:"retries"`
	PausedMS   int64            `json:"paused_ms"`
	AnswersMS  *percentiles     `json:"answers_ms"`
	Slowest    []slowMailbox    `json:"slowest"`
	FrontEnds  map[string]int   `json:"front_ends"`
	Groups     []groupLine      `json:"groups"`
	Verdict    *finding.Verdict `json:"verdict"`
	Stopped    string           `json:"stopped"`
	Endpoint   *report.Report   `json:"endpoint"`
}

type percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

type slowMailbox struct {
	Mailbox string  `json:"mailbox"`
	TookMS  float64 `json:"took_ms"`
}

type groupLine struct {
	Code     finding.Code   `json:"code"`
	Status   finding.Status `json:"status"`
	Summary  string         `json:"summary"`
	Count    int            `json:"count"`
	Examples []string       `json:"examples"`
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func summaryOf(s batch.Summary, endpoint *report.Report) summaryLine {
	l := summaryLine{
		Schema: summarySchema, Started: s.Started, DurationMS: s.Duration.Milliseconds(), Rows: s.Rows, Reported: s.Reported, Resumed: s.Resumed, Shard: s.Shard,
		ByStatus: map[string]int{}, ByCode: map[string]int{}, ByCause: map[string]int{}, Requests: s.Requests, Retries: s.Retries,
		PausedMS: s.Paused.Milliseconds(), FrontEnds: s.FrontEnds, Stopped: s.Stopped, Endpoint: endpoint,
	}
	for k, n := range s.ByStatus {
		l.ByStatus[string(k)] = n
	}
	for k, n := range s.ByCode {
		l.ByCode[string(k)] = n
	}
	for k, n := range s.ByCause {
		l.ByCause[strconv.Itoa(k)] = n
	}
	if s.Answers.Max > 0 {
		l.AnswersMS = &percentiles{millis(s.Answers.P50), millis(s.Answers.P90), millis(s.Answers.P99), millis(s.Answers.Max)}
	}
	for _, slow := range s.Slowest {
		l.Slowest = append(l.Slowest, slowMailbox{slow.Mailbox, millis(slow.Took)})
	}
	for _, g := range s.Groups {
		example := ""
		if len(g.Examples) > 0 {
			example = g.Examples[0]
		}
		l.Groups = append(l.Groups, groupLine{g.Verdict.Code, g.Verdict.Status, strings.ReplaceAll(g.Verdict.Summary, batch.Stand, example), g.Count, g.Examples})
	}
	if s.Verdict.Code != "" {
		l.Verdict = &s.Verdict
	}
	return l
}

func (l *lines) summary(s batch.Summary, endpoint *report.Report) error {
	raw, err := evidence.Encode(summaryOf(s, endpoint))
	if err != nil {
		return err
	}
	if !json.Valid(raw) {
		return fmt.Errorf("the summary is no JSON")
	}
	_, err = l.w.Write(append(raw, '\n'))
	return err
}

// table writes CSV: the columns of the input, then the verdict's.
type table struct {
	out   *bufio.Writer
	csv   *csv.Writer
	width int
	begun bool
	head  []string
	row_  []string
}

func newTable(w io.Writer, header []string) *table {
	t := &table{out: bufio.NewWriter(w), width: len(header)}
	t.csv = csv.NewWriter(t.out)
	t.head = append(append(t.head, header...), "verdict", "status", "cause", "summary")
	return t
}

func (t *table) write(cells []string) error {
	for i, c := range cells {
		cells[i] = harmless(c)
	}
	if err := t.csv.Write(cells); err != nil {
		return err
	}
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return err
	}
	return t.out.Flush()
}

func (t *table) header() error {
	if t.begun {
		return nil
	}
	t.begun = true
	return t.write(append([]string(nil), t.head...))
}

func (t *table) row(r batch.Result) error {
	if err := t.header(); err != nil {
		return err
	}
	cells := t.row_[:0]
	for i := range t.width {
		cell := ""
		if i < len(r.Cells) {
			cell = r.Cells[i]
		}
		cells = append(cells, cell)
	}
	cause := ""
	if r.Verdict.Cause > 0 {
		cause = strconv.Itoa(r.Verdict.Cause)
	}
	cells = append(cells, string(r.Verdict.Code), string(r.Verdict.Status), cause, report.Clean(r.Shape.Summary(r.Address), 2000))
	t.row_ = cells
	return t.write(cells)
}

// summary writes nothing but, for a file without rows, the header: the table has
// a row per mailbox and nothing else.
func (t *table) summary(batch.Summary, *report.Report) error { return t.header() }

// harmless keeps a spreadsheet from taking a cell for a formula: one that begins
// like one gets an apostrophe in front, which shows that it is text.
func harmless(cell string) string {
	trimmed := strings.TrimLeft(cell, " \u00a0")
	if trimmed == "" {
		return cell
	}
	r := []rune(trimmed[:min(len(trimmed), 4)])[0]
	if strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", r) {
		return "'" + cell
	}
	return cell
}

// seconds is a duration as people read it.
func seconds(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", millis(d))
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
