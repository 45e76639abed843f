package main

import (
	"embed"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// The scripts ask the program itself (__complete), so they never grow stale: a
// line for each candidate, with what it is behind a tab, and ":files" where a
// file name may stand.
//
//go:embed completion
var completionScripts embed.FS

func shells() []string { return []string{"bash", "fish", "powershell", "zsh"} }

// completionScript is the script of a shell, "" where there is none.
func completionScript(shell string) string {
	text, _ := completionScripts.ReadFile("completion/" + shell + ".txt")
	return string(text)
}

func completionCommand(std stdio) *cli.Command {
	return command("completion", nil, func(c *cli.Context) error {
		shell, err := one(c, "the shell")
		if err != nil {
			return err
		}
		if shell == "pwsh" {
			shell = "powershell"
		}
		script := completionScript(shell)
		if script == "" {
			return usage("there is no completion for %q; use %s", shell, config.OneOf(shells(), "or"))
		}
		fmt.Fprint(std.out, script)
		return nil
	})
}
