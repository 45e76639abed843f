package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/guide"
)

func manCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name:  "man",
		Usage: "prints the manual page, made of the same words as --help",
		UsageText: examples(
			"For a package", "ewsprobe man > /usr/local/share/man/man1/ewsprobe.1",
			"To read it at once", "ewsprobe man | man -l -",
		),
		Action: func(c *cli.Context) error {
			if err := none(c, ""); err != nil {
				return err
			}
			_, err := std.out.Write([]byte(manual(c.App.Commands)))
			return err
		},
	}
}

// page is a manual page in the language of man(7).
type page struct{ strings.Builder }

// roff keeps a text from being read as requests and escapes; a hyphen stays one that
// can be copied.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, `-`, `\-`, "`", `\(ga`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

func (p *page) macro(name, text string) { p.WriteString("." + name + " " + roff(text) + "\n") }

// text has a paragraph for each line; one that begins with blanks stays as it is.
func (p *page) text(s string) {
	for line := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		switch {
		case strings.HasPrefix(line, " "):
			p.literal(line)
		case line != "":
			p.WriteString(".PP\n" + roff(line) + "\n")
		}
	}
}

// literal is text that is neither filled nor hyphenated.
func (p *page) literal(s string) {
	p.WriteString(".PP\n.RS 4\n.nf\n")
	for line := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		p.WriteString(roff(line) + "\n")
	}
	p.WriteString(".fi\n.RE\n")
}

func (p *page) terms(list []helpTerm) {
	for _, t := range list {
		p.WriteString(".TP\n\\fB" + roff(t.name) + "\\fR\n" + roff(t.what) + "\n")
	}
}

func manual(all []*cli.Command) string {
	p := &page{}
	p.WriteString(`.TH EWSPROBE 1 "` + thisBuild().day() + `" "ewsprobe ` + version() + "\" \"User Commands\"\n")
	p.macro("SH", "NAME")
	p.WriteString(`ewsprobe \- ` + roff(tagline) + "\n")
	p.macro("SH", "SYNOPSIS")
	about := func(do func(c *cli.Command, path string)) {
		eachCommand(all, "", func(c *cli.Command, path string) {
			if len(c.Subcommands) == 0 && !c.Hidden {
				do(c, path)
			}
		})
	}
	about(func(c *cli.Command, path string) {
		p.WriteString("\\fBewsprobe " + roff(path) + "\\fR" + roff(synopsis(c.Flags, c.ArgsUsage)) + "\n.br\n")
	})
	p.macro("SH", "DESCRIPTION")
	p.text(purpose + "\n" + start)
	p.macro("SH", "COMMANDS")
	about(p.command)
	p.macro("SH", "EXIT STATUS")
	codes, _ := guide.Text("exit-codes", 70)
	p.literal(codes[strings.Index(codes, "\n")+1:])
	p.macro("SH", "ENVIRONMENT")
	p.terms(environment())
	p.macro("SH", "FILES")
	p.terms(filesKept())
	p.macro("SH", "SEE ALSO")
	for _, name := range guide.Names() {
		p.terms([]helpTerm{{"ewsprobe explain " + name, guide.Title(name)}})
	}
	return p.String()
}

func (p *page) command(c *cli.Command, path string) {
	p.macro("SS", path)
	p.text(strings.ToUpper(c.Usage[:1]) + c.Usage[1:] + ".")
	p.text(c.Description)
	p.text(c.UsageText)
	showAll(c)
	for _, g := range groups(c.Flags) {
		p.text(g.Title + ":")
		p.terms(g.Flags)
	}
}
