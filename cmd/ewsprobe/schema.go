package main

import (
	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/report"
)

func schemaCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "prints the JSON Schema of the report",
		ArgsUsage: "[report]",
		Description: `It describes what check and diagnose print with --format json and save as .json, of this version
and of all before it (JSON Schema, draft 2020-12).`,
		Action: func(c *cli.Context) error {
			name := "report"
			if c.NArg() > 0 {
				var err error
				if name, err = oneArgument(c, "the name of a schema"); err != nil {
					return err
				}
			}
			doc, ok := report.SchemaDocument(name)
			if !ok {
				return usage("there is no schema %q; there is one of the report: `ewsprobe schema`", name)
			}
			_, err := std.out.Write(doc)
			return err
		},
	}
}
