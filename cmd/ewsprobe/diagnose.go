package main

import (
	"context"
	"errors"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/report"
)

// maxRecord bounds what diagnose reads: a check writes some tens of kilobytes.
const maxRecord = 32 << 20

func diagnoseCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name:      "diagnose",
		Usage:     "judges a saved JSON report again, without any network",
		ArgsUsage: "FILE.json",
		Description: `The evidence in the file is judged by this version's rules; the verdict stored in it is
ignored. - reads standard input.`,
		Flags: outputFlags(),
		Action: func(c *cli.Context) error {
			file, err := oneArgument(c, "FILE.json")
			if err != nil {
				return err
			}
			out, err := planOutput(c, std, file)
			if err != nil {
				return err
			}
			raw, err := readRecord(c.Context, file, std.in)
			if err != nil {
				return unusable("%s cannot be read (%v)", file, err)
			}
			rec, err := report.Load(raw)
			if err != nil {
				return unusable("%s cannot be judged: %v", file, err)
			}
			if accepted, err := readBaseline(c); err != nil {
				return err
			} else if accepted != nil {
				rec.Target.Accepted = accepted
			}
			return out.deliver(rec)
		},
	}
}

func readRecord(ctx context.Context, file string, in io.Reader) ([]byte, error) {
	if file != "-" {
		f, err := openNamed(ctx, file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxRecord+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxRecord {
		return nil, errors.New("it is larger than 32 MiB")
	}
	// Windows PowerShell's > writes UTF-16.
	text, err := decodeText(raw)
	return []byte(text), err
}
