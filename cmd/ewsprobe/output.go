package main

import (
	"fmt"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// saving is a file that the report is to be written to.
type saving struct {
	file   string
	format report.Format
}

// output is where a report goes to and in which form.
type output struct {
	format report.Format
	saves  []saving
	mask   *redact.Redactor // nil: names are shown
	whole  bool             // text: nothing is folded
	std    stdio
}

// planOutput makes sure, before anything is sent, that the report can be given
// out as it was asked for. input is the file that is read, "" without one.
func planOutput(s *config.Settings, std stdio, input string) (output, error) {
	o := output{std: std, whole: s.Verbose > 0}
	o.format, _ = report.FindFormat(s.Format)
	var err error
	if o.saves, err = planSaves(s.Save, report.ByExtension, report.Extensions()); err != nil {
		return o, err
	}
	if err := keepApart(s, o.saves, input, std); err != nil {
		return o, err
	}
	if s.Redact {
		o.mask = redact.New()
	}
	return o, nil
}

// follower writes the log to standard error: 1 what each step came to, 2 the wire
// too; nil: none is wanted.
func (o output) follower(level int) func(evidence.Item) {
	if level == 0 {
		return nil
	}
	return func(item evidence.Item) {
		for _, line := range report.Log(o.mask.Item(item), level > 1) {
			o.std.log(line)
		}
	}
}

// reportOf judges a record; with a mask it is the report of the record without
// names.
func reportOf(rec evidence.Record, mask *redact.Redactor, std stdio) report.Report {
	r := report.New(rec, version())
	if mask == nil {
		return r
	}
	shown := report.New(mask.Record(rec), version())
	if a, b := r.Verdict, shown.Verdict; a.Code != b.Code || a.Status != b.Status || a.Cause != b.Cause || a.Confidence != b.Confidence {
		// The promise is that this does not happen; if it does, the reader must know.
		std.complain(fmt.Errorf("--redact: the verdict without names is %s, with names %s; a removed name matters here",
			b.Code, a.Code))
	}
	return shown
}

// deliver judges a record, prints and saves the report, and makes its status the
// exit code.
func (o output) deliver(rec evidence.Record) error {
	r := reportOf(rec, o.mask, o.std)
	return o.give(r.Verdict.Status, func(f report.Format, s report.Style) ([]byte, error) { return f.Report(r, s) })
}

// give prints and saves what render makes of each format.
func (o output) give(status finding.Status, render func(report.Format, report.Style) ([]byte, error)) error {
	style := o.std.style()
	style.Whole = o.whole
	out, err := render(o.format, style)
	if err != nil {
		return err
	}
	_, _ = o.std.out.Write(out) // run says so where it fails
	for _, s := range o.saves {
		out, err := render(s.format, report.Style{})
		if err == nil {
			err = writeWhole(s.file, out)
		}
		if err != nil {
			o.std.complain(fmt.Errorf("the report could not be saved (%s)", config.Reason(err)))
			status = finding.Unknown
		}
	}
	return exitWith(status)
}

// exitWith is the end of a command with a status.
func exitWith(status finding.Status) error {
	if status == finding.OK {
		return nil
	}
	return exit(status.ExitCode())
}
