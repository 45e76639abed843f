package main

import (
	"context"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/config"
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
