package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

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
			&cli.StringFlag{Name: "format", Value: "json", Usage: "what to print: " + oneOf(mergeFormats(), "or") + " (text: the summary alone)"},
			&cli.BoolFlag{Name: "redact", Usage: "numbered placeholders in the place of names; of a row only what this version knows is left"},
		},
		Action: func(c *cli.Context) error {
			mask, std := unnamed(c, std)
			return withoutNames(merge(c, std, mask), mask)
		},
	}
}

// mergeFormats are those that can be made of the lines of JSON: the columns of
// the input are not in them.
func mergeFormats() []string {
	return report.FormatNames(func(f report.Format) bool { return f.Columns })
}

func merge(c *cli.Context, std stdio, mask *report.Mask) error {
	names := c.Args().Slice()
	format, ok := report.FindFormat(c.String("format"))
	if !ok || format.Columns {
		return usage("--format %q is unknown; merge prints %s", c.String("format"), oneOf(mergeFormats(), "or"))
	}
	if len(names) == 0 {
		return usage("FILE is missing; give the results of `ewsprobe batch --format json`, one file for each shard or run")
	}
	m := &report.Merge{}
	for _, name := range names {
		in, err := openNamed(c.Context, name)
		if err != nil {
			return unusable("%s cannot be read (%v)", name, err)
		}
		defer in.Close()
		f, ok := in.Reader.(*os.File)
		if !ok {
			return unusable("%s is no file; merge reads results twice, so save them first", name)
		}
		if err := m.Add(f); err != nil {
			return unusable("%s: %v", name, err)
		}
	}
	sink, err := format.Batch(report.Output{W: std.out, Style: std.style(), Alone: true, Temp: tempIn("")})
	if err != nil {
		return noPlace(err)
	}
	defer sink.Close()
	var t report.Tally
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
	if format.Name != report.FormatJSON || mask != nil { // else it goes through as it is
		rec, found, err := m.Endpoint()
		if err != nil {
			std.complain(fmt.Errorf("the report of the endpoint cannot be read (%w) and is left out", err))
		}
		if found {
			s.Endpoint = endpointOf(rec, mask, std)
		}
	}
	if err := sink.End(s); err != nil {
		std.complain(fmt.Errorf("the results could not be written: %w", err))
		return exit(3)
	}
	if code := s.Status().ExitCode(); code != 0 && (s.Verdict != nil || s.Incomplete != "") {
		return exit(code)
	}
	return nil
}
