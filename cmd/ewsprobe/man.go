package main

import (
	"runtime/debug"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/guide"
)

func manCommand(std stdio) *command {
	return &command{
		name:  "man",
		usage: "prints the manual page, made of the same words as --help",
		examples: []example{
			{"For a package", "ewsprobe man > /usr/local/share/man/man1/ewsprobe.1"},
			{"To read it at once", "ewsprobe man | man -l -"},
		},
		run: func(c *call) error {
			if err := c.none(""); err != nil {
				return err
			}
			_, err := std.out.Write([]byte(manual(c.all)))
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

func (p *page) text(s string) {
	for line := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		p.WriteString(".PP\n" + roff(line) + "\n")
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

func manual(all []*command) string {
	p := &page{}
	p.WriteString(`.TH EWSPROBE 1 "` + committed() + `" "ewsprobe ` + version() + "\" \"User Commands\"\n")
	p.macro("SH", "NAME")
	p.WriteString(`ewsprobe \- ` + roff(tagline) + "\n")
	p.macro("SH", "SYNOPSIS")
	var about func(list []*command, above string, each func(c *command, path string))
	about = func(list []*command, above string, each func(c *command, path string)) {
		for _, c := range list {
			if path := above + c.name; len(c.subs) > 0 {
				about(c.subs, path+" ", each)
			} else if !c.hidden {
				each(c, path)
			}
		}
	}
	about(all, "", func(c *command, path string) {
		p.WriteString("\\fBewsprobe " + roff(path) + "\\fR" + roff(synopsis(c)) + "\n.br\n")
	})
	p.macro("SH", "DESCRIPTION")
	p.text(purpose + "\n" + start)
	p.macro("SH", "COMMANDS")
	about(all, "", func(c *command, path string) { p.command(c, path) })
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

func (p *page) command(c *command, path string) {
	p.macro("SS", path)
	p.text(strings.ToUpper(c.usage[:1]) + c.usage[1:] + ".")
	if c.about != "" {
		p.text(c.about)
	}
	if c.exits != "" {
		p.text("Exit code: " + c.exits)
	}
	for _, e := range c.examples {
		p.text(e.purpose + ":")
		p.literal(e.line)
	}
	if c.keys == nil {
		return
	}
	group := ""
	for _, k := range c.keys.List {
		if k.Group != group {
			group = k.Group
			p.text(group + ":")
		}
		p.terms([]helpTerm{flagTerm(k)})
	}
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
