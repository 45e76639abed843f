package finding

import (
	"strings"
	"text/template"
)

// Definitions are templates by their names, as text. To parse all of a file takes longer
// than a logon, and a report needs few.
type Definitions map[string]string

// ReadDefinitions splits a text whose definitions begin at the start of a line.
func ReadDefinitions(source string) Definitions {
	d := Definitions{}
	for _, definition := range strings.Split(source, "\n{{define ")[1:] {
		name, _, _ := strings.Cut(definition[1:], `"`)
		d[name] = "{{define " + definition
	}
	return d
}

// AddTo parses into t the definitions that a text names, and those that they name.
func (d Definitions) AddTo(t *template.Template, text string) error {
	for _, named := range strings.Split(text, `template "`)[1:] {
		name, _, _ := strings.Cut(named, `"`)
		definition, known := d[name]
		if !known || t.Lookup(name) != nil {
			continue
		}
		if _, err := t.Parse(definition); err != nil {
			return err
		}
		if err := d.AddTo(t, definition); err != nil {
			return err
		}
	}
	return nil
}
