package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/baseline"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// sink is one place that results go to, in one format.
type sink interface {
	row(batch.Result) error
	summary(report.Summary) error
}

// outlet is a sink and, where it writes to a file, what is to become that file.
type outlet struct {
	sink
	file *replacing // nil: standard output
	held *held      // of a sink that writes rows as they come; nil: it writes at the end
	err  error      // the sink is of no use any more
}

// held keeps whole lines until they are flushed, so that a few go in one write
// and a crash leaves none that is cut.
type held struct {
	bytes.Buffer
	to io.Writer
}

func (out *outlet) flush() error {
	if out.held == nil || out.err != nil {
		return out.err
	}
	_, out.err = out.held.WriteTo(out.held.to)
	return out.err
}

// outputs are all of them.
type outputs struct {
	list    []*outlet
	spools  []*spool
	column  int                   // of the addresses
	found   *report.Report        // of the endpoint
	over    []evidence.Acceptance // entries of the baseline whose day is over
	trouble string                // why the run could not come to its end
	lost    []string              // files that were to be saved and could not be
	mask    *batchMask            // nil: names are shown
	stdio   stdio
}

// batchFormat is what the ending of a file tells in a batch, whose JSON is lines.
func batchFormat(ending string) (report.Format, bool) {
	if strings.EqualFold(ending, ".jsonl") {
		return report.FormatJSON, true
	}
	return report.ByExtension(ending)
}

// openOutputs makes sure, before anything is sent, that the results can be given
// out as they were asked for.
func openOutputs(c *cli.Context, std stdio, in *input, mask *batchMask) (*outputs, error) {
	o := &outputs{stdio: std, mask: mask, column: in.column}
	saves, err := planSaves(c.StringSlice("save"), batchFormat, append(report.Extensions(), ".jsonl"))
	if err == nil {
		err = keepApart(c, saves, in.name, std)
	}
	if err != nil {
		return nil, err
	}
	format := report.Format(c.String("format"))
	if c.IsSet("resume") && report.NewBatchDocument(format) != nil {
		return nil, usage("--format %s cannot be gone on with by --resume; use json (>> results.jsonl), and then ewsprobe merge --format %s", format, format)
	}
	if err := o.add(format, nil, "", in); err != nil {
		o.close()
		return nil, unusable("there is no place for a temporary file (%v); set TMPDIR", err)
	}
	for _, s := range saves {
		f, err := replace(s.file)
		if err == nil {
			err = o.add(s.format, f, filepath.Dir(s.file), in)
		}
		if err != nil {
			o.close()
			return nil, unusable("--save %s cannot be written (%v)", s.file, err)
		}
	}
	return o, nil
}

// add adds a sink; folder is where it may keep what it needs until the end.
func (o *outputs) add(f report.Format, file *replacing, folder string, in *input) error {
	out := &outlet{file: file}
	o.list = append(o.list, out)
	w := o.stdio.out
	if file != nil {
		w = file
	}
	if doc := report.NewBatchDocument(f); doc != nil {
		s, err := newSpool(folder)
		if err != nil {
			return err
		}
		o.spools = append(o.spools, s)
		out.sink = &document{doc: doc, kept: s, w: w}
		return nil
	}
	out.held = &held{to: w}
	switch f {
	case report.FormatJSON:
		out.sink = &lines{w: out.held}
	case report.FormatCSV:
		out.sink = newTable(out.held, o.mask.header(in.table.Header, in.column))
	default:
		out.sink = &prose{w: out.held, style: o.stdio.style()}
	}
	return nil
}

func (o *outputs) emit(r batch.Result) error {
	r, err := o.mask.result(r, o.column)
	if err != nil {
		return err
	}
	for _, out := range o.list {
		if out.err == nil {
			if out.err = out.row(r); out.err != nil {
				o.drop(out)
			}
		}
		if out.err != nil && out.file == nil {
			return out.err // without standard output there is nothing to go on for
		}
	}
	return nil
}

// drop gives up a file that cannot be written: the run goes on, and says so now
// and in its summary.
func (o *outputs) drop(out *outlet) {
	if out.file == nil {
		return
	}
	out.file.abandon()
	lost := fmt.Errorf("--save %s was given up: it cannot be written (%w)", out.file.name, out.err)
	o.stdio.complain(lost)
	o.lost = append(o.lost, lost.Error())
}

// flush writes what was emitted.
func (o *outputs) flush() error {
	for _, out := range o.list {
		if out.err == nil && out.flush() != nil {
			o.drop(out)
		}
		if out.err != nil && out.file == nil {
			return out.err
		}
	}
	return nil
}

// endpoint takes what the endpoint's own check found.
func (o *outputs) endpoint(rec evidence.Record) {
	o.found = o.mask.endpoint(rec, o.stdio)
	o.over = baseline.Over(rec.Target.Accepted, rec.Started)
}

// summary ends all outputs. A file takes the place of an older one only here.
func (o *outputs) summary(found batch.Summary) error {
	s := summaryOf(found)
	for _, a := range o.over {
		found := slices.ContainsFunc(o.found.Findings, func(f finding.Finding) bool { return string(f.Code) == a.Code })
		if found || s.ByCode[a.Code] > 0 {
			s.Notes = append(s.Notes, fmt.Sprintf("%s was accepted until %s (%s); that is over.", a.Code, a.Until, a.Reason))
		}
	}
	if found.Note != "" {
		s.Notes = append(s.Notes, found.Note)
	}
	for _, lost := range o.lost {
		s.Notes = append(s.Notes, lost+".")
	}
	s = o.mask.summary(s)
	s.Endpoint = o.found
	if o.trouble != "" {
		s.Incomplete = o.mask.text(o.trouble)
	}
	var errs []error
	for _, out := range o.list {
		if out.err != nil {
			continue // told when it failed
		}
		err := out.sink.summary(s)
		if err == nil {
			err = out.flush()
		}
		if err == nil && out.file != nil {
			err = out.file.commit()
		}
		if err != nil && out.file != nil {
			err = fmt.Errorf("--save %s: %w", out.file.name, err)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// replaces says whether files are written that begin anew.
func (o *outputs) replaces() bool {
	return slices.ContainsFunc(o.list, func(out *outlet) bool { return out.file != nil })
}

// sync makes what was written survive a power cut, where it goes to a file.
func (o *outputs) sync() {
	if f, ok := o.stdio.out.(*os.File); ok {
		_ = f.Sync() // a pipe has nothing to sync
	}
}

func (o *outputs) close() {
	for _, out := range o.list {
		if out.file != nil {
			out.file.abandon()
		}
	}
	for _, s := range o.spools {
		s.close()
	}
}

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
	l.b.WriteString(`{"schema":"` + report.RowSchema + `","row":`)
	l.b.WriteString(strconv.Itoa(r.Number))
	l.b.WriteString(`,"line":`)
	l.b.WriteString(strconv.Itoa(r.Line))
	l.b.WriteString(`,"mailbox":`)
	l.b.Write(mailbox)
	user := []byte("null")
	if r.Account.User != "" {
		if user, err = evidence.Encode(r.Account.User); err != nil {
			return err
		}
	}
	l.b.WriteString(`,"user":`)
	l.b.Write(user)
	l.b.WriteString(`,` + body + `,"duration_ms":`)
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

func (l *lines) summary(s report.Summary) error {
	raw, err := evidence.Encode(s)
	if err != nil {
		return err
	}
	if !json.Valid(raw) {
		return fmt.Errorf("the summary is no JSON")
	}
	_, err = l.w.Write(append(raw, '\n'))
	return err
}
