package main

import (
	"context"
	"io"

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
