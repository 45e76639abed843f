package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

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
	mask := report.NewMask(hide)
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
		r = mask.Row(r, 0)
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
