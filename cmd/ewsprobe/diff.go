package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

func diffCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "lays two saved JSON reports side by side: what differs, and which difference explains the verdicts",
		ArgsUsage: "A.json B.json",
		Description: `Inside and outside, before and after, works here and not there. Both records are judged by this
version's rules, then each difference is put from one into the other and judged again. No network.

Exit code: 0 the verdicts are the same, 1 they differ, 3 a file cannot be judged.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "text", Usage: "what to print: text or json"},
			&cli.BoolFlag{Name: "redact", Usage: "numbered placeholders for names, the same ones in both"},
		},
		Action: func(c *cli.Context) error { return compare(c, std) },
	}
}

func compare(c *cli.Context, std stdio) error {
	format := c.String("format")
	if format != "text" && format != "json" {
		return usage("--format %q is unknown; use text or json", format)
	}
	switch files := c.Args().Slice(); {
	case len(files) < 2:
		return usage("diff needs two files: `ewsprobe diff A.json B.json`")
	case len(files) > 2 && strings.HasPrefix(files[2], "-"):
		return usage("flags come before the files")
	case len(files) > 2:
		return usage("diff takes two files, and flags come before them")
	case files[0] == "-" && files[1] == "-":
		return usage("only one of the two can be standard input")
	}
	var records [2]evidence.Record
	mask := redact.New()
	for i, file := range c.Args().Slice() {
		raw, err := readRecord(c.Context, file, std.in)
		if err != nil {
			return unusable("%s cannot be read (%v)", file, err)
		}
		if records[i], err = report.Load(raw); err != nil {
			return unusable("%s cannot be judged: %v", file, err)
		}
		if c.Bool("redact") {
			records[i] = mask.Record(records[i])
		}
	}
	d := diff.Compare(records[0], records[1])
	if !c.Bool("redact") {
		// A file is often named after what it is about.
		d.A.File, d.B.File = c.Args().Get(0), c.Args().Get(1)
	}
	out := []byte(report.DiffText(d, std.style()))
	if format == "json" {
		var err error
		if out, err = report.DiffJSON(d); err != nil {
			return err
		}
	}
	if _, err := std.out.Write(out); err != nil {
		std.complain(fmt.Errorf("the comparison could not be printed: %w", err))
		return exit(finding.Unknown.ExitCode())
	}
	if !d.Same {
		return exit(finding.Warning.ExitCode())
	}
	return nil
}
