package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"

	"github.com/urfave/cli/v2"

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
	Body        template.HTML
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
		of.Guides = append(of.Guides, manualGuide{name, guide.Title(name), template.HTML(guide.Chapter(name, link))})
	}
	t, err := template.New("manual").Funcs(template.FuncMap{"sample": finding.Sample().Fill, "seeAlso": seeAlso}).Parse(manualSource)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, of); err != nil {
		return nil, err
	}
	return report.Page("The manual of ewsprobe", b.String(), version())
}
