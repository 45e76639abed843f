package main

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/guide"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// filesToo is the line by which the shells learn that a file name may stand
// here.
const filesToo = ":files"

// candidate is a word that may stand at the cursor, and what it is.
type candidate struct{ word, about string }

// completeCommand answers the completion scripts: what may stand in place of the
// last word. Before that word stands a dot, because Windows PowerShell drops an
// empty argument.
func completeCommand(std stdio) *cli.Command {
	c := command("__complete", nil, func(c *cli.Context) error {
		words := c.Args().Slice()
		if len(words) == 0 || !strings.HasPrefix(words[len(words)-1], ".") {
			return usage("__complete is for the scripts of `ewsprobe completion`")
		}
		cur := words[len(words)-1][1:]
		candidates, files := complete(c.App.Commands, words[:len(words)-1], cur)
		for _, k := range candidates {
			if strings.HasPrefix(k.word, cur) {
				fmt.Fprintln(std.out, strings.TrimSuffix(k.word+"\t"+k.about, "\t"))
			}
		}
		if files {
			fmt.Fprintln(std.out, filesToo)
		}
		return nil
	})
	c.Hidden, c.SkipFlagParsing = true, true
	return c
}

// complete is what may follow the words, and whether a file name may.
func complete(all []*cli.Command, words []string, cur string) (candidates []candidate, files bool) {
	c := &cli.Command{Subcommands: all}
	var waiting *config.Key // for its value
	arguments := 0
	var given []string
	flag := func(word string) (k *config.Key, name string, whole bool) {
		name, _, whole = strings.Cut(strings.TrimLeft(word, "-"), "=")
		if keys := keysOf(c); keys != nil {
			k = keys.Find(name)
		}
		return k, name, whole
	}
	for _, w := range words {
		switch {
		case w == "=" && waiting != nil: // as bash cuts --flag=value
		case waiting != nil:
			waiting = nil
		case strings.HasPrefix(w, "-") && w != "-":
			k, name, whole := flag(w)
			given = append(given, name)
			if k != nil && !whole && k.TakesValue() {
				waiting = k
			}
		default:
			if sub := c.Command(w); sub != nil && arguments == 0 {
				c = sub
				continue
			}
			arguments++
		}
	}
	if waiting != nil {
		return valuesOf(c, waiting, "")
	}
	if k, name, whole := flag(cur); whole && strings.HasPrefix(cur, "-") {
		if k == nil {
			return nil, false
		}
		return valuesOf(c, k, k.Flag()[:len(k.Flag())-len(name)]+name+"=")
	}
	switch {
	case strings.HasPrefix(cur, "-"):
		for _, f := range c.Flags {
			k := keyOf(f)
			if k == nil {
				continue
			}
			if k.Repeatable() || !slices.Contains(given, k.Name) {
				about, _, _ := strings.Cut(k.Help, ";") // what a line beside the candidate has room for
				candidates = append(candidates, candidate{k.Flag(), about})
			}
		}
		return append(candidates, candidate{"--help", "show help"}), false
	case arguments > 0 && c.Name != "diff" && c.Name != "merge":
		return nil, false // one argument is all that a command takes
	}
	for _, sub := range c.VisibleCommands() {
		candidates = append(candidates, candidate{sub.Name, sub.Usage})
	}
	switch c.Name {
	case "explain":
		for _, e := range finding.Heads() {
			candidates = append(candidates, candidate{string(e.Code), e.Title})
		}
		for _, name := range guide.Names() {
			candidates = append(candidates, candidate{name, guide.Title(name)})
		}
	case "completion":
		for _, shell := range shells() {
			candidates = append(candidates, candidate{word: shell})
		}
	case "schema":
		for _, name := range schemaNames() {
			candidates = append(candidates, candidate{word: name})
		}
	}
	return candidates, strings.Contains(c.ArgsUsage, "FILE") || strings.Contains(c.ArgsUsage, ".json")
}

// valuesOf are what a flag may be set to, with what stands before the value in the
// same word.
func valuesOf(c *cli.Command, k *config.Key, before string) (candidates []candidate, files bool) {
	for _, value := range k.Values {
		about := ""
		if known, ok := report.FindFormat(value); ok && k.Name == "format" {
			about = known.About
		}
		candidates = append(candidates, candidate{before + value, about})
	}
	if c.Name == "simulate" && k.Name == "scenario" {
		for _, s := range standin.Scenarios() {
			candidates = append(candidates, candidate{before + s.Name, s.Title})
		}
	}
	return candidates, k.IsFile()
}

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
		if shell = strings.ToLower(shell); shell == "pwsh" {
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
