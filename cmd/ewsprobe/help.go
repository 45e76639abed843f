package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/mitchellh/go-wordwrap"
	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/guide"
)

// commandTexts are the words of each command: below its name and its arguments what it
// does, then paragraphs about it, then what its examples are for, each with its line.
//
//go:embed commands.txt
var commandTexts string

// words are those of one command.
type words struct{ args, usage, about, examples string }

// allWords are the words of the program, of its commands by their names in full, and of
// the environment and files, what outside the command line the program heeds. A name is
// in small letters, what follows it are the arguments.
var allWords = sync.OnceValue(func() map[string]words {
	all := map[string]words{}
	for part := range strings.SplitSeq(strings.TrimPrefix(commandTexts, "# "), "\n# ") {
		head, rest, _ := strings.Cut(part, "\n")
		name, args := strings.Fields(head), ""
		if at := slices.IndexFunc(name, func(word string) bool { return strings.Trim(word, "abcdefghijklmnopqrstuvwxyz-") != "" }); at >= 0 {
			name, args = name[:at], strings.Join(name[at:], " ")
		}
		w := words{args: args}
		w.usage, rest, _ = strings.Cut(rest, "\n")
		for text := range strings.SplitSeq(strings.TrimSpace(rest), "\n\n") {
			if strings.Contains(text, ":\n  ") {
				w.examples = text
			} else {
				w.about = strings.TrimPrefix(w.about+"\n"+strings.ReplaceAll(text, "\n", " "), "\n")
			}
		}
		all[strings.Join(name, " ")] = w
	}
	return all
})

// helpTerm is a word and what it means.
type helpTerm struct{ Name, What string }

// termsOf are the terms of the environment or the files.
func termsOf(name string) (list []helpTerm) {
	for line := range strings.SplitSeq(allWords()[name].examples, "\n") {
		if what, ok := strings.CutPrefix(line, "  "); ok {
			list[len(list)-1].What = what
		} else {
			list = append(list, helpTerm{Name: strings.TrimSuffix(line, ":")})
		}
	}
	return list
}

// helpTemplate is the help of the program and of each command.
//
//go:embed help.txt
var helpTemplate string

// screen is where help is printed, and how wide that is.
type screen struct {
	io.Writer
	width int
}

func init() { cli.HelpPrinter = printHelp }

// printHelp wraps the help to the terminal, within what is easy to read.
func printHelp(w io.Writer, template string, of any) {
	width := 80
	if s, ok := w.(screen); ok && s.width > 0 {
		width = min(max(s.width, 40), 120)
	}
	cli.HelpPrinterCustom(w, template, of, map[string]any{
		"wrapAt": func() int { return width }, "terms": func(rows []helpTerm, most int) string { return table(rows, most, width) },
		"synopsis": synopsis, "groups": groups, "commands": commandTerms, "terms_of": termsOf,
		"upper": strings.ToUpper, "examples": func(text string) string { return inShell(text, width-3, runtime.GOOS == "windows") },
	})
}

// table has what a term means behind it, or below it where it is longer than most.
func table(rows []helpTerm, most, width int) string {
	column := 0
	for _, r := range rows {
		if len(r.Name) <= most {
			column = max(column, len(r.Name))
		}
	}
	if width-column < 45 {
		column = 0
	}
	var b strings.Builder
	for _, r := range rows {
		name := r.Name
		if len(name) > column {
			b.WriteString("   " + name + "\n")
			name = ""
		}
		b.WriteString(guide.Hang(3, fmt.Sprintf("%-*s  ", column, name), r.What, width))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// flagGroup is a part of the flags of a command.
type flagGroup struct {
	Title string
	Part  bool // there are more flags than these
	Flags []helpTerm
}

// groups are the flags of a command in groups, or those that are used most and no
// others, until showAll.
func groups(flags []cli.Flag) (list []flagGroup) {
	part := slices.ContainsFunc(flags, hidden)
	for _, f := range flags {
		k := keyOf(f)
		if k == nil || hidden(f) {
			continue
		}
		title := cmp.Or(k.Group, "Flags")
		if part {
			title = "Common flags"
		}
		if len(list) == 0 || list[len(list)-1].Title != title {
			list = append(list, flagGroup{Title: title, Part: part})
		}
		last := &list[len(list)-1]
		last.Flags = append(last.Flags, helpTerm{strings.TrimSpace(k.Flag() + " " + k.Value()), k.About()})
	}
	return list
}

func hidden(f cli.Flag) bool {
	g, ok := f.(keyFlag)
	return ok && g.Hidden
}

// showAll makes the help of a command list every flag.
func showAll(c *cli.Command) {
	for _, f := range c.Flags {
		if g, ok := f.(keyFlag); ok {
			g.Hidden = false
		}
	}
}

// commandTerms are commands and what they do; those below another are listed with
// what they take.
func commandTerms(list []*cli.Command) (rows []helpTerm) {
	for _, c := range list {
		name := c.Name
		if strings.Count(c.HelpName, " ") > 1 {
			name += " " + c.ArgsUsage
		}
		rows = append(rows, helpTerm{name, c.Usage})
	}
	return rows
}

// synopsis are the flags and the arguments of a command, for a line behind its name.
func synopsis(flags []cli.Flag, args string) string {
	s := ""
	if len(flags) > 0 && keyOf(flags[0]) != nil {
		s = " [flags]"
	}
	return strings.TrimRight(s+" "+args, " ")
}

// inPairs keeps a flag and its value on one line.
func inPairs(command string) string {
	words := strings.Fields(command)
	var b strings.Builder
	for i, w := range words {
		b.WriteString(w)
		switch {
		case i == len(words)-1:
		case (strings.HasPrefix(w, "--") || strings.HasPrefix(w, ">")) && !strings.HasPrefix(words[i+1], "--"):
			b.WriteString("\u00a0")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// inShell is the text of examples with command lines that fit and can be copied into a
// shell. Windows PowerShell 5.1 writes what > takes as UTF-16, so cmd does it there.
func inShell(text string, width int, windows bool) string {
	next := " \\\n    "
	if windows {
		next = " `\n    "
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		command, isCommand := strings.CutPrefix(line, "  ")
		switch {
		case !isCommand:
			line = wordwrap.WrapString(line, uint(width))
		case windows && strings.Contains(command, " > ") || windows && strings.Contains(command, " >> "):
			line = `  cmd /c "` + command + `"`
		case !strings.Contains(command, `"`):
			line = "  " + strings.NewReplacer("\n", next, "\u00a0", " ").Replace(wordwrap.WrapString(inPairs(command), uint(width-6)))
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
