package main

import (
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

func schemaCommand(std stdio) *command {
	return &command{
		name:  "schema",
		usage: "prints the JSON Schema of the report, or of the lines of a batch",
		args:  "[" + strings.Join(report.SchemaNames, "|") + "]",
		about: "report is what check and diagnose print with --format json and save as .json; row and summary are the lines that batch " +
			"and merge print with --format json: one for each mailbox, and the last. Each describes what this version writes and all " +
			"before it (draft 2020-12).",
		run: func(c *call) error {
			name := report.SchemaNames[0]
			if len(c.args) > 0 {
				var err error
				if name, err = c.one("the name of a schema"); err != nil {
					return err
				}
			}
			doc, ok := report.SchemaDocument(name)
			if !ok {
				return usage("there is no schema %q; there are %s", name, config.OneOf(report.SchemaNames, "and"))
			}
			_, err := std.out.Write(doc)
			return err
		},
	}
}
