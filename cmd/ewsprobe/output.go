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

// text is a text about the check, without names where they are not to be shown.
func (o output) text(s string) string {
	if o.mask == nil {
		return s
	}
	return o.mask.Text(s)
}

// follower writes the log to standard error: 1 what each step came to, 2 the wire
// too.
func (o output) follower(level int) func(evidence.Item) {
	return func(item evidence.Item) {
		if o.mask != nil {
			item = o.mask.Item(item)
		}
		for _, line := range report.Log(item, level > 1) {
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
		std.complain(fmt.Errorf("--redact: the record without names is judged %s, the whole one %s; what was taken out matters here",
			b.Code, a.Code))
	}
	return shown
}

// deliver judges a record, prints and saves the report, and makes its status the
// exit code.
func (o output) deliver(rec evidence.Record) error {
	r := reportOf(rec, o.mask, o.std)
	style := o.std.style()
	style.Whole = o.whole
	out, err := o.format.Report(r, style)
	if err != nil {
		return err
	}
	var saved error
	_, _ = o.std.out.Write(out) // run says so where it fails
	for _, s := range o.saves {
		out, saveErr := s.format.Report(r, report.Style{})
		if saveErr == nil {
			saveErr = writeWhole(s.file, out)
		}
		if saveErr != nil {
			o.std.complain(fmt.Errorf("the report could not be saved: %w", saveErr))
			saved = saveErr
		}
	}
	code := r.Verdict.Status.ExitCode()
	if saved != nil {
		code = finding.Unknown.ExitCode()
	}
	if code != 0 {
		return exit(code)
	}
	return nil
}
