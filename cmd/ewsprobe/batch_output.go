package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/baseline"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// outlet is a sink with what it writes to.
type outlet struct {
	report.Sink
	file *config.Replacement // nil: standard output
	held bytes.Buffer        // whole lines until they are flushed, so that a few go in one write and a crash leaves none that is cut
	to   io.Writer
	err  error // the sink is of no use any more
}

func (out *outlet) flush() error {
	if out.err == nil {
		_, out.err = out.held.WriteTo(out.to)
	}
	return out.err
}

// outputs are all that the results of a batch go to.
type outputs struct {
	list       []*outlet
	found      *report.Report        // of the endpoint
	over       []evidence.Acceptance // entries of the baseline whose day is over
	unreadable bool                  // Dynamics, from where the rows came
	trouble    string                // why the run could not come to its end
	lost       []string              // files that were to be saved and could not be
	names      *redact.Redactor      // nil: names are shown
	mask       *report.Mask
	stdio      stdio
	all        bool // text: rows that are ok too
}

// openOutputs makes sure, before anything is sent, that the results can be given
// out as they were asked for.
func openOutputs(set *config.Settings, std stdio, in *batch.Input, mask *redact.Redactor) (*outputs, error) {
	o := &outputs{stdio: std, names: mask, mask: report.NewMask(mask, in.Column), all: set.AllRows}
	to, err := set.Output(in.Name, std.streams())
	if err != nil {
		return nil, err
	}
	format := to.Format
	if set.Resume != "" && format.Whole {
		return nil, usage("--format %s cannot be used with --resume; use --format json >> results.jsonl, "+
			"then `ewsprobe merge --format %s results.jsonl`",
			format.Name, format.Name)
	}
	if err := o.add(format, nil, in); err != nil {
		o.close()
		return nil, noPlace(err)
	}
	for _, s := range to.Saves {
		f, err := config.Replace(s.File)
		if err == nil {
			err = o.add(s.Format, f, in)
		}
		if err != nil {
			o.close()
			return nil, unusable("--save %s cannot be written (%s)", s.File, config.Reason(err))
		}
	}
	return o, nil
}

func noPlace(err error) error {
	return unusable("a temporary file cannot be written (%s); set TMPDIR", config.Reason(err))
}

// add adds a sink. What it keeps until the end is beside its file.
func (o *outputs) add(f report.Format, file *config.Replacement, in *batch.Input) (err error) {
	out := &outlet{file: file, to: o.stdio.out}
	folder := ""
	if file != nil {
		out.to, folder = file, filepath.Dir(file.Of)
	}
	o.list = append(o.list, out)
	w := io.Writer(&out.held)
	if f.Whole {
		w = out.to
	}
	header := o.mask.Header(in.Header)
	out.Sink, err = f.Batch(report.Output{W: w, Style: o.stdio.style(), Header: header, Temp: tempIn(folder), All: o.all})
	return err
}

// tempFile is a file that goes when it is closed.
type tempFile struct{ *os.File }

func (t tempFile) Close() error {
	err := t.File.Close()
	os.Remove(t.Name())
	return err
}

// tempIn makes temporary files in a folder; "" is the usual one.
func tempIn(folder string) func() (report.Temp, error) {
	return func() (report.Temp, error) {
		f, err := os.CreateTemp(folder, ".ewsprobe-*")
		if err != nil {
			return nil, err
		}
		_ = os.Remove(f.Name()) // nobody else is to find it; where an open file cannot be removed, Close does it
		return tempFile{f}, nil
	}
}

func (o *outputs) emit(r report.Row) error {
	return o.each(func(out *outlet) error { return out.Row(r) })
}

// flush writes what was emitted.
func (o *outputs) flush() error { return o.each((*outlet).flush) }

// each does something with all that can still be written. A file that cannot is
// given up: the run goes on, and says so now and in its summary. Without standard
// output there is nothing to go on for.
func (o *outputs) each(do func(*outlet) error) error {
	for _, out := range o.list {
		before := out.err
		if before == nil {
			out.err = do(out)
		}
		switch {
		case out.err != nil && out.file == nil:
			return out.err // the first time and ever after: what follows is not written either
		case out.err == nil || before != nil:
			continue
		}
		out.file.Abandon()
		lost := fmt.Errorf("--save %s was not written (%s)", out.file.Of, config.Reason(out.err))
		o.stdio.complain(lost)
		o.lost = append(o.lost, lost.Error())
	}
	return nil
}

// endpoint takes what the endpoint's own check found.
func (o *outputs) endpoint(rec evidence.Record, judged rule.Judgement) {
	r := shown(rec, report.Of(rec, judged, version()), o.names, o.stdio)
	o.found = &r
	o.over = baseline.Over(rec.Target.Accepted, rec.Started)
}

// summary ends all outputs. A file takes the place of an older one only here.
func (o *outputs) summary(s report.Summary) (report.Summary, error) {
	var notes []string
	for _, a := range o.over {
		if s.ByCode[a.Code] > 0 || slices.ContainsFunc(o.found.Findings, func(f finding.Finding) bool { return string(f.Code) == a.Code }) {
			notes = append(notes, fmt.Sprintf("%s was accepted until %s (%s), which is past.", a.Code, a.Until, a.Reason))
		}
	}
	s.Notes = append(notes, s.Notes...)
	for _, lost := range o.lost {
		s.Notes = append(s.Notes, lost+".")
	}
	for i, note := range s.Notes {
		s.Notes[i] = o.names.Text(note)
	}
	s.Incomplete = o.names.Text(o.trouble)
	s.Tool.Version, s.Endpoint = version(), o.found
	if head, _ := finding.HeadOf("dynamics-unreadable"); o.unreadable && (s.Verdict == nil || s.Verdict.Status.Rank() > head.Status.Rank()) {
		s.Verdict = &finding.Verdict{Code: head.Code, Status: head.Status, Confidence: finding.Undetermined, Summary: s.Incomplete}
	}
	var errs []error
	for _, out := range o.list {
		if out.err != nil {
			continue // told when it failed
		}
		err := out.End(s)
		if err == nil {
			err = out.flush()
		}
		if err == nil && out.file != nil {
			err = out.file.Commit()
		}
		if err != nil && out.file != nil {
			err = fmt.Errorf("--save %s: %w", out.file.Of, err)
		}
		errs = append(errs, err)
	}
	return s, errors.Join(errs...)
}

// replaces says whether files are written that begin again.
func (o *outputs) replaces() bool {
	return slices.ContainsFunc(o.list, func(out *outlet) bool { return out.file != nil })
}

// sync makes what was written survive a power cut, where it goes to a file.
func (o *outputs) sync() {
	if p, ok := o.stdio.out.(*printer); ok {
		p.Sync()
	}
}

func (o *outputs) close() {
	for _, out := range o.list {
		if out.file != nil {
			out.file.Abandon()
		}
		if out.Sink != nil {
			out.Close()
		}
	}
}

// unnamed is what --redact takes names out with, and where to complain without names;
// nil without the flag.
func unnamed(redacted bool, std stdio) (*redact.Redactor, stdio) {
	if !redacted {
		return nil, std
	}
	m := redact.New()
	std.hide = m.Text
	return m, std
}

// withoutNames is an error that ends the command, without names.
func withoutNames(err error, m *redact.Redactor) error {
	var code exit
	if err == nil || errors.As(err, &code) {
		return err
	}
	why := refusalOf(err)
	return &refusal{code: why.code, text: m.Text(why.text)}
}

// openState opens the file of --resume; nil without one.
func openState(file string, cfg batch.Config, in *batch.Input, out *outputs) (*batch.State, error) {
	if file == "" {
		return nil, nil
	}
	if out.replaces() {
		return nil, usage("--resume and --save exclude each other: --save replaces its file; " +
			"append standard output to a file instead (>> results.jsonl)")
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, unusable("--resume %s is not a file; name a file", file)
	}
	about := sha256.Sum256([]byte(strings.Join(append([]string{
		cfg.Probe.URL.String(), cfg.Probe.User, fmt.Sprint(cfg.Impersonate), cfg.Probe.ProfileAuth, cfg.Shard.String(),
	}, in.About()...), "\x00")))
	s, err := batch.OpenState(file, hex.EncodeToString(about[:12]), bootID(), out.sync)
	switch {
	case errors.Is(err, batch.ErrInUse):
		return nil, unusable("--resume %s: another run uses this file; wait until it ends, or stop it", file)
	case errors.Is(err, batch.ErrOtherVersion):
		return nil, unusable("--resume %s cannot be used (%v); go on with that version, or give a new name to start over", file, err)
	case err != nil:
		return nil, unusable("--resume %s cannot be used (%s); give the file of the same run, or a new name to start over",
			file, config.Reason(err))
	}
	return s, nil
}

// bootID tells one start of this machine from another; "" where that is not
// known.
func bootID() string {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}
