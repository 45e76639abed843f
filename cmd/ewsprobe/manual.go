package main

import (
	"bytes"
	_ "embed"
	htmltemplate "html/template"
	"slices"
	"strings"
	"text/template"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/guide"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

//go:embed manual.html.tmpl
var manualSource string

// wholeManual is what explain calls all guides together.
const wholeManual = "manual"

type manualGuide struct {
	Name, Title string
	Body        htmltemplate.HTML
}

type manualCommand struct{ Path, Anchor, Help string }

// manualPage is every guide, every verdict code and the help of every command as one
// page, with a link wherever one of them is named.
func manualPage(all []*cli.Command) ([]byte, error) {
	links := map[string]string{}
	var of struct {
		Purpose  string
		Guides   []manualGuide
		Codes    []finding.Entry
		Commands []manualCommand
	}
	of.Purpose, _, _ = strings.Cut(allWords()["ewsprobe"].about, "\n")
	of.Codes = finding.Catalogue()
	for _, e := range of.Codes {
		links[string(e.Code)] = string(e.Code)
	}
	eachCommand(all, "", func(c *cli.Command, path string) {
		if c.Hidden {
			return
		}
		showAll(c)
		c.HelpName = "ewsprobe " + path
		var help strings.Builder
		cli.HelpPrinter(screen{Writer: &help}, helpTemplate, c)
		anchor := strings.ReplaceAll(path, " ", "-")
		of.Commands = append(of.Commands, manualCommand{path, anchor, help.String()})
		links["ewsprobe "+path] = "command-" + anchor
	})
	for _, name := range guide.Names() {
		links[name] = name
	}
	link := func(code string) (string, bool) {
		if words := strings.Fields(code); len(words) == 3 && words[1] == "explain" {
			if name, known := guide.Find(words[2]); known {
				return name, true
			}
			code = words[2]
		}
		for { // `ewsprobe agent run --demo` is about the command
			if anchor, known := links[code]; known {
				return anchor, true
			}
			at := strings.LastIndexByte(code, ' ')
			if at < 0 {
				return "", false
			}
			code = code[:at]
		}
	}
	for _, name := range guide.Names() {
		of.Guides = append(of.Guides, manualGuide{name, guide.Title(name), htmltemplate.HTML(guide.Chapter(name, link))})
	}
	t, err := htmltemplate.New("manual").Funcs(htmltemplate.FuncMap{"sample": finding.Sample().Fill, "seeAlso": seeAlso}).Parse(manualSource)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, of); err != nil {
		return nil, err
	}
	return report.Page("The manual of ewsprobe", b.String(), version())
}

func manCommand(std stdio) *cli.Command {
	return printing(std, "man", nil, func(c *cli.Context) ([]byte, error) { return manual(c.App) })
}

// manSource is the manual page in the language of man(7).
//
//go:embed man.tmpl
var manSource string

// roff keeps a text from being read as requests and escapes; a hyphen stays one that
// can be copied.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, `-`, `\-`, "`", `\(ga`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

// namedCommand is a command with its name in full.
type namedCommand struct {
	*cli.Command
	Path string
}

func manual(app *cli.App) ([]byte, error) {
	of := struct {
		App            *cli.App
		Commands       []namedCommand
		Guides         []helpTerm
		Day, ExitCodes string
	}{App: app, Day: thisBuild().day()}
	eachCommand(app.Commands, "", func(c *cli.Command, path string) {
		if len(c.Subcommands) == 0 && !c.Hidden {
			showAll(c)
			of.Commands = append(of.Commands, namedCommand{c, path})
		}
	})
	_, of.ExitCodes, _ = strings.Cut(guide.Text("exit-codes", 70), "\n")
	for _, name := range guide.Names() {
		of.Guides = append(of.Guides, helpTerm{"ewsprobe explain " + name, guide.Title(name)})
	}
	t, err := template.New("man").Funcs(template.FuncMap{
		"roff": roff, "synopsis": synopsis, "groups": groups, "terms_of": termsOf,
		"lines":    func(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") },
		"indented": func(s string) bool { return strings.HasPrefix(s, " ") },
		"sentence": func(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." },
	}).Parse(manSource)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, of)
	return b.Bytes(), err
}

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
