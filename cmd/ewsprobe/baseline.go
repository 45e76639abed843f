package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/baseline"
)

// maxBaseline bounds --baseline: an entry has some hundred bytes.
const maxBaseline = 1 << 20

func readBaseline(c *cli.Context) ([]evidence.Acceptance, error) {
	file := c.String("baseline")
	if file == "" {
		if c.IsSet("baseline") {
			return nil, usage("--baseline is empty; give its value, or leave the flag out")
		}
		return nil, nil
	}
	f, err := openNamed(c.Context, file)
	if err != nil {
		return nil, unusable("--baseline cannot be read (%v)", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxBaseline+1))
	if err != nil {
		return nil, unusable("--baseline cannot be read (%v)", err)
	}
	if len(raw) > maxBaseline {
		return nil, unusable("--baseline %s is larger than 1 MiB; is it the right file?", file)
	}
	text, err := decodeText(raw)
	if err != nil {
		return nil, unusable("--baseline %s is %v; save it as UTF-8", file, err)
	}
	list, err := baseline.Parse(text)
	if err != nil {
		return nil, unusable("--baseline %s: %v", file, err)
	}
	return list, nil
}
