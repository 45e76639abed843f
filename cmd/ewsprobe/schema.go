package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// schemaNames are those of the reports, and that of the agent's configuration.
func schemaNames() []string { return append(slices.Clone(report.SchemaNames), "config") }

func schemaCommand(std stdio) *cli.Command {
	return command("schema", nil, func(c *cli.Context) error {
		name := report.SchemaNames[0]
		if c.NArg() > 0 {
			var err error
			if name, err = one(c, "the name of a schema"); err != nil {
				return err
			}
		}
		doc, ok := report.SchemaDocument(name)
		if name == "config" {
			doc, ok = agentfile.Schema(), true
		}
		if !ok {
			return usage("there is no schema %q; use %s", name, config.OneOf(schemaNames(), "or"))
		}
		_, err := std.out.Write(doc)
		return err
	})
}
