package main

import (
	"embed"
	"fmt"
	"strings"
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

func completionCommand(std stdio) *command {
	return &command{
		name: "completion", usage: "prints the completion script of a shell", args: strings.Join(shells(), "|"),
		about: "For the shell that is open; put the line into the file of its settings to have it for good.",
		examples: []example{
			{"bash, in ~/.bashrc", "source <(ewsprobe completion bash)"},
			{"zsh, in ~/.zshrc behind compinit", "source <(ewsprobe completion zsh)"},
			{"fish, in ~/.config/fish/config.fish", "ewsprobe completion fish | source"},
			{"PowerShell, in $PROFILE", "ewsprobe completion powershell | Out-String | Invoke-Expression"},
		},
		run: func(c *call) error {
			shell, err := c.one("the shell")
			if err != nil {
				return err
			}
			if shell == "pwsh" {
				shell = "powershell"
			}
			script := completionScript(shell)
			if script == "" {
				return usage("there is no completion for %q; use %s", shell, strings.Join(shells(), ", "))
			}
			fmt.Fprint(std.out, script)
			return nil
		},
	}
}
