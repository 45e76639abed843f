package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// maxRecord bounds what diagnose reads: a check writes some tens of kilobytes.
const maxRecord = 32 << 20

func diagnose(c *cli.Context, s *config.Settings, std stdio) error {
	accepted := s.ReadBaseline(c.Context)
	file, err := one(c, "FILE.json")
	if err := config.Join(s.Keys.Err(), err); err != nil {
		return err
	}
	to, err := s.Output(file, std.streams())
	if err != nil {
		return err
	}
	raw, err := readRecord(c.Context, file, std.in)
	if err != nil {
		return unusable("%s %v", file, err)
	}
	rec, err := report.Load(raw)
	if err != nil {
		return unusable("%s cannot be evaluated: %v", file, err)
	}
	if accepted != nil {
		rec.Target.Accepted = accepted
	}
	return outputTo(to, std).deliver(rec)
}

// readRecord reads a saved report, or another text; the error is the rest of a sentence.
func readRecord(ctx context.Context, file string, in io.Reader) (raw []byte, err error) {
	if file == "-" {
		raw, err = config.ReadAll(in, maxRecord)
	} else {
		raw, err = config.Read(ctx, file, maxRecord)
	}
	if err != nil {
		return nil, err
	}
	text, err := config.Decode(raw) // Windows PowerShell's > writes UTF-16
	return []byte(text), err
}

type diffFlags struct {
	Format string `default:"text" values:"text json" help:"what to print"`
	Redact bool   `help:"replace names by numbered placeholders, the same in both records"`
}

func diffCommand(std stdio) *cli.Command {
	f := &diffFlags{}
	return command("diff", f, func(c *cli.Context) error { return compare(c, *f, std) })
}

func compare(c *cli.Context, f diffFlags, std stdio) error {
	switch files := c.Args().Slice(); {
	case len(files) < 2:
		return usage("diff needs two files: `ewsprobe diff A.json B.json`")
	case len(files) > 2:
		return usage("diff takes only two files: `ewsprobe diff A.json B.json`")
	case files[0] == "-" && files[1] == "-":
		return usage("only one of the two files can be standard input")
	}
	var records [2]evidence.Record
	mask := redact.New()
	for i, file := range c.Args().Slice() {
		raw, err := readRecord(c.Context, file, std.in)
		if err != nil {
			return unusable("%s %v", file, err)
		}
		if records[i], err = report.Load(raw); err != nil {
			return unusable("%s cannot be evaluated: %v", file, err)
		}
		if f.Redact {
			records[i] = mask.Record(records[i])
		}
	}
	d := diff.Compare(records[0], records[1])
	if !f.Redact {
		// A file is often named after what it is about.
		d.A.File, d.B.File = c.Args().Slice()[0], c.Args().Slice()[1]
	}
	out := []byte(report.DiffText(d, std.style()))
	if f.Format == "json" {
		var err error
		if out, err = report.DiffJSON(d); err != nil {
			return err
		}
	}
	_, _ = std.out.Write(out) // run says so where it fails
	if !d.Same {
		return exit(finding.Warning.ExitCode())
	}
	return nil
}

// mergeFlags has the formats that can be made of the lines of JSON: the columns of the
// input are not in them.
type mergeFlags struct {
	Format string `default:"json" values:"-" help:"what to print; text prints only the summary"`
	Redact bool   `help:"replace names by numbered placeholders; fields that this version does not know are removed"`
}

// Choices are the values of a key.
func (*mergeFlags) Choices(string) []string {
	return report.FormatNames(func(f report.Format) bool { return f.Columns })
}

func mergeCommand(std stdio) *cli.Command {
	f := &mergeFlags{}
	return command("merge", f, func(c *cli.Context) error {
		mask, std := unnamed(f.Redact, std)
		return withoutNames(merge(c, f.Format, std, mask), mask)
	})
}

func merge(c *cli.Context, name string, std stdio, hide *redact.Redactor) error {
	mask := report.NewMask(hide, 0)
	names := c.Args().Slice()
	format, _ := report.FindFormat(name)
	if len(names) == 0 {
		return usage("FILE is missing; give the results of `ewsprobe batch --format json`, one file for each shard or run")
	}
	m := &report.Merge{}
	for _, name := range names {
		in, err := config.Open(c.Context, name)
		if err != nil {
			return unusable("%s cannot be read (%s)", name, config.Reason(err))
		}
		defer in.Close()
		f, ok := in.Reader.(*os.File)
		if !ok {
			return unusable("%s is not a file; merge reads its files twice, so save the results first", name)
		}
		lines, err := inUTF8(f)
		if err != nil {
			return noPlace(err)
		}
		defer lines.Close()
		if err := m.Add(lines); err != nil {
			return unusable("%s: %v", name, err)
		}
	}
	sink, err := format.Batch(report.Output{W: std.out, Style: std.style(), Alone: true, Temp: tempIn("")})
	if err != nil {
		return noPlace(err)
	}
	defer sink.Close()
	var t report.Tally
	var endpoint *report.Report
	if format.Name != report.FormatJSON || mask != nil { // else it goes through as it is
		rec, found, err := m.Endpoint()
		if err != nil {
			std.complain(fmt.Errorf("the report of the endpoint cannot be read and is left out (%w)", err))
		}
		if found { // before the rows: the names in them are known then
			r := reportOf(rec, hide, std)
			endpoint = &r
		}
	}
	for r, err := range m.Rows() {
		if err != nil {
			return unusable("%v", err)
		}
		r = mask.Row(r)
		t.Add(r, false)
		if err := sink.Row(r); err != nil {
			return fmt.Errorf("row %d could not be written: %w", r.Number, err)
		}
	}
	s, complaints := m.Summary(&t, mask, version())
	for _, text := range complaints {
		std.complain(errors.New(text))
	}
	if endpoint != nil {
		s.Endpoint = endpoint
	}
	if err := sink.End(s); err != nil {
		return fmt.Errorf("the results could not be written: %w", err)
	}
	if s.Verdict == nil && s.Incomplete == "" {
		return nil
	}
	return exitWith(s.Status())
}

// lineFile is a file of results under the name that it was given by.
type lineFile struct {
	*os.File
	name string
	free func() error
}

func (l lineFile) Name() string { return l.name }

func (l lineFile) Close() error { return l.free() }

// inUTF8 is a file as it is, or, where it is UTF-16 as Windows PowerShell's >> writes
// it, a copy in UTF-8: merge reads every row once more by its place.
func inUTF8(f *os.File) (lineFile, error) {
	as := lineFile{File: f, name: f.Name(), free: func() error { return nil }}
	mark := make([]byte, 2)
	if _, err := f.ReadAt(mark, 0); err != nil || !config.IsUTF16(mark) {
		return as, nil
	}
	temp, err := tempIn("")()
	if err != nil {
		return as, err
	}
	as.File, as.free = temp.(tempFile).File, temp.Close
	if _, err = io.Copy(as.File, config.NewDecoder(f)); err == nil {
		_, err = as.Seek(0, io.SeekStart)
	}
	return as, err
}
