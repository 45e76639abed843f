package main

import (
	"bytes"
	_ "embed"
	"strings"
	"text/template"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/guide"
)

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
