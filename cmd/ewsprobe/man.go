package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func manCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name:  "man",
		Usage: "prints the manual page, made of the same words as --help",
		Description: `For a package: ewsprobe man > /usr/local/share/man/man1/ewsprobe.1. To read it at once:
ewsprobe man | man -l -`,
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("man takes no argument")
			}
			page, err := c.App.ToManWithSection(1)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(std.out, page)
			return err
		},
	}
}
