package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/standin"
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
// empty argument. urfave/cli's own completion knows no values and no arguments.
func completeCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name: "__complete", Hidden: true, SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 || !strings.HasPrefix(words[len(words)-1], ".") {
				return usage("__complete is for the scripts of `ewsprobe completion`")
			}
			cur := words[len(words)-1][1:]
			candidates, files := complete(c.App, words[:len(words)-1], cur)
			for _, k := range candidates {
				if strings.HasPrefix(k.word, cur) {
					fmt.Fprintln(std.out, strings.TrimSuffix(k.word+"\t"+k.about, "\t"))
				}
			}
			if files {
				fmt.Fprintln(std.out, filesToo)
			}
			return nil
		},
	}
}

// complete is what may follow the words, and whether a file name may.
func complete(app *cli.App, words []string, cur string) (candidates []candidate, files bool) {
	command := &cli.Command{Subcommands: app.VisibleCommands(), Flags: app.VisibleFlags()}
	var waiting cli.Flag // for its value
	arguments := 0
	var given []string
	for _, w := range words {
		switch {
		case w == "=" && waiting != nil: // as bash cuts --flag=value
		case waiting != nil:
			waiting = nil
		case strings.HasPrefix(w, "-") && w != "-":
			name, _, whole := strings.Cut(strings.TrimLeft(w, "-"), "=")
			given = append(given, name)
			if f := findFlag(command, name); f != nil && !whole && takesValue(f) {
				waiting = f
			}
		default:
			if sub := findCommand(command, w); sub != nil && arguments == 0 {
				command = sub
				continue
			}
			arguments++
		}
	}
	if waiting != nil {
		return flagValues(command, waiting, "")
	}
	if name, _, whole := strings.Cut(cur, "="); whole && strings.HasPrefix(cur, "-") {
		if f := findFlag(command, strings.TrimLeft(name, "-")); f != nil {
			return flagValues(command, f, name+"=")
		}
		return nil, false
	}
	switch {
	case strings.HasPrefix(cur, "-"):
		for _, f := range command.VisibleFlags() {
			if _, repeatable := f.(*cli.StringSliceFlag); repeatable || !slices.Contains(given, f.Names()[0]) {
				candidates = append(candidates, candidate{dashed(f.Names()[0]), firstWords(usageOf(f))})
			}
		}
		return candidates, false
	case arguments > 0 && command.Name != "diff" && command.Name != "merge":
		return nil, false // one argument is all that a command takes
	}
	for _, sub := range command.Subcommands {
		if !sub.Hidden {
			candidates = append(candidates, candidate{sub.Name, sub.Usage})
		}
	}
	switch command.Name {
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
		for _, name := range report.SchemaNames {
			candidates = append(candidates, candidate{word: name})
		}
	}
	return candidates, strings.Contains(command.ArgsUsage, "FILE") || strings.Contains(command.ArgsUsage, ".json")
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func findCommand(parent *cli.Command, name string) *cli.Command {
	for _, c := range parent.Subcommands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func findFlag(c *cli.Command, name string) cli.Flag {
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

func usageOf(f cli.Flag) string {
	if d, ok := f.(cli.DocGenerationFlag); ok {
		return strings.ReplaceAll(d.GetUsage(), "`", "")
	}
	return ""
}

// firstWords are what a line beside the candidate has room for: up to the
// semicolon.
func firstWords(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return s
}

var (
	placeholder = regexp.MustCompile("`(FILE|STATE)`")
	inBrackets  = regexp.MustCompile(`\s*\([^)]*\)`)
	choice      = regexp.MustCompile(`^[a-z0-9-]+((, or|,| or) [a-z0-9-]+)+$`)
	separator   = regexp.MustCompile(`, or |, | or `)
)

// flagValues are what a flag may be set to, with what stands before the value
// in the same word. Choices are read from the words of --help, which end with
// them, or go on behind a semicolon: "what to print: text, json or csv".
func flagValues(c *cli.Command, f cli.Flag, before string) (candidates []candidate, files bool) {
	name := f.Names()[0]
	if c.Name == "simulate" && name == "scenario" {
		for _, s := range standin.Scenarios() {
			candidates = append(candidates, candidate{before + s.Name, s.Title})
		}
		return candidates, false
	}
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return nil, false
	}
	if placeholder.MatchString(d.GetUsage()) {
		return nil, true
	}
	_, list, _ := strings.Cut(firstWords(inBrackets.ReplaceAllString(d.GetUsage(), "")), ": ")
	if !choice.MatchString(list) {
		return nil, false
	}
	for _, value := range separator.Split(list, -1) {
		about := ""
		if known, ok := report.FindFormat(value); ok && name == "format" {
			about = known.About
		}
		candidates = append(candidates, candidate{before + value, about})
	}
	return candidates, false
}
