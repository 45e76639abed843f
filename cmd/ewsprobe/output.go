package main

import (
	"fmt"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// output is where a report goes to and in which form.
type output struct {
	config.Output
	mask *redact.Redactor // nil: names are shown
	std  stdio
}

func outputTo(to config.Output, std stdio) output {
	o := output{Output: to, std: std}
	if to.Redact {
		o.mask = redact.New()
	}
	return o
}

// follower writes the log to standard error: what each step came to, with -vv the wire
// too; nil: none is wanted.
func (o output) follower() func(evidence.Item) {
	if o.Verbose == 0 {
		return nil
	}
	return func(item evidence.Item) {
		for _, line := range report.Log(o.mask.Item(item), o.Verbose > 1) {
			o.std.log(line)
		}
	}
}

// reportOf judges a record; with a mask it is the report of the record without
// names.
func reportOf(rec evidence.Record, mask *redact.Redactor, std stdio) report.Report {
	return shown(rec, report.New(rec, version()), mask, std)
}

// shown is the report of a record, with a mask that of the record without names.
func shown(rec evidence.Record, r report.Report, mask *redact.Redactor, std stdio) report.Report {
	if mask == nil {
		return r
	}
	masked := report.New(mask.Record(rec), version())
	if a, b := r.Verdict, masked.Verdict; a.Code != b.Code || a.Status != b.Status || a.Cause != b.Cause || a.Confidence != b.Confidence {
		// The promise is that this does not happen; if it does, the reader must know.
		std.complain(fmt.Errorf("--redact: the verdict without names is %s, with names %s; a removed name matters here",
			b.Code, a.Code))
	}
	return masked
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
	style.Whole = o.Verbose > 0
	out, err := render(o.Format, style)
	if err != nil {
		return err
	}
	_, _ = o.std.out.Write(out) // run says so where it fails
	for _, s := range o.Saves {
		out, err := render(s.Format, report.Style{})
		if err == nil {
			err = s.Write(out)
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
