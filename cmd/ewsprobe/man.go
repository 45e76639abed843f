package main

import (
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/guide"
)

func manCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name:  "man",
		Usage: "prints the manual page, made of the same words as --help",
		Description: `For a package:  ewsprobe man > /usr/local/share/man/man1/ewsprobe.1
To read it at once:  ewsprobe man | man -l -`,
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("man takes no argument")
			}
			_, err := std.out.Write(md2man.Render([]byte(manual(c.App))))
			return err
		},
	}
}

// manual is the page in Markdown. urfave/cli has one of its own, which leaves
// out what a command's --help says beside the flags.
func manual(app *cli.App) string {
	var b strings.Builder
	section := func(title string) { b.WriteString("\n# " + title + "\n\n") }
	fmt.Fprintf(&b, "%% %s 1 \"%s\" \"%s %s\" \"User Commands\"\n", strings.ToUpper(app.Name), committed(), app.Name, app.Version)
	section("NAME")
	b.WriteString(app.Name + ` \- ` + marked(app.Usage) + "\n")
	commands := slices.DeleteFunc(app.VisibleCommands(), func(c *cli.Command) bool { return c.Name == "help" })
	section("SYNOPSIS")
	for _, c := range commands {
		if len(c.Subcommands) == 0 {
			fmt.Fprintf(&b, "**%s %s**%s  \n", app.Name, c.Name, arguments(c))
		}
		for _, sub := range c.Subcommands {
			fmt.Fprintf(&b, "**%s %s %s**%s  \n", app.Name, c.Name, sub.Name, arguments(sub))
		}
	}
	section("DESCRIPTION")
	described(&b, purpose+"\n\n"+app.UsageText)
	section("COMMANDS")
	for _, c := range commands {
		aboutCommand(&b, c, c.Name)
		for _, sub := range c.Subcommands {
			aboutCommand(&b, sub, c.Name+" "+sub.Name)
		}
	}
	section("EXIT STATUS")
	codes, _ := guide.Source("exit-codes")
	b.WriteString(codes[strings.Index(codes, "\n"):])
	section("ENVIRONMENT")
	for _, e := range environment {
		fmt.Fprintf(&b, "**%s**\n: %s\n\n", marked(e.name), marked(e.what))
	}
	section("FILES")
	for _, e := range filesKept {
		fmt.Fprintf(&b, "**%s**\n: %s\n\n", marked(e.name), marked(e.what))
	}
	section("SEE ALSO")
	for _, name := range guide.Names() {
		fmt.Fprintf(&b, "**ewsprobe explain %s**\n: %s\n\n", name, marked(guide.Title(name)))
	}
	return b.String()
}

// committed is the day of the commit of which the program was built, if known.
func committed() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			day, _, _ := strings.Cut(s.Value, "T")
			return day
		}
	}
	return ""
}

func aboutCommand(b *strings.Builder, c *cli.Command, name string) {
	fmt.Fprintf(b, "### %s\n\n%s.\n\n", name, marked(strings.ToUpper(c.Usage[:1])+c.Usage[1:]))
	described(b, c.Description)
	for _, f := range c.VisibleFlags() {
		if slices.Contains(f.Names(), "help") {
			continue
		}
		// The words of --help: the flag with its value, a tab, what it is for.
		term, what, _ := strings.Cut(f.String(), "\t")
		fmt.Fprintf(b, "%s\n: %s\n\n", flagName.ReplaceAllString(marked(term), "**$0**"), marked(strings.TrimSpace(what)))
	}
}

// arguments are what follows the name in a command's own synopsis.
func arguments(c *cli.Command) string {
	s := ""
	if len(c.VisibleFlags()) > 0 && !slices.Contains(c.VisibleFlags()[0].Names(), "help") {
		s = ` \[flags\]`
	}
	if c.ArgsUsage != "" {
		s += " " + marked(c.ArgsUsage)
	}
	return s
}

var (
	flagName = regexp.MustCompile(`--?[a-z][a-z-]*`)
	example  = regexp.MustCompile(`^(?:(\S.*:) +)?((?:ewsprobe|source) .*)$`)
	special  = regexp.MustCompile(`[\\*_\[\]<>#|~]`)
)

// described turns a description into Markdown: paragraphs, and examples with
// what they are for in front.
func described(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := example.FindStringSubmatch(line); m != nil {
			// A block, so that nothing in the command is broken or hyphenated.
			fmt.Fprintf(b, "\n%s\n\n    %s\n\n", marked(m[1]), m[2])
			continue
		}
		b.WriteString(marked(line) + "\n")
	}
	b.WriteString("\n")
}

// marked keeps the characters of a text that Markdown would read as marks; a
// command in backquotes stays one.
func marked(s string) string { return special.ReplaceAllString(s, `\$0`) }
