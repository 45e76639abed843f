package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Position is where in a file a setting was read; the zero value elsewhere.
type Position struct {
	File         string
	Line, Column int
}

// Problem is one thing that is wrong. Text is a sentence that begins with the name
// by which the value was given, and says what to do.
type Problem struct {
	Position
	Text    string
	Invalid bool // of a file, not of the command line: config-invalid, else bad-usage
}

// Problems are all that is wrong, in the order in which it was found.
type Problems []Problem

func (p Problems) Error() string {
	texts := make([]string, len(p))
	for i, one := range p {
		texts[i] = one.Error()
		if len(p) > 1 {
			texts[i] = fmt.Sprintf("(%d) %s", i+1, texts[i])
		}
	}
	return strings.Join(texts, "; ")
}

func (p Problem) Error() string {
	if p.Line == 0 {
		return p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Usage refuses a wrong command line: what is wrong and how to fix it.
func Usage(format string, args ...any) error { return Problem{Text: fmt.Sprintf(format, args...)} }

// Unusable refuses a file.
func Unusable(format string, args ...any) error {
	return Problem{Text: fmt.Sprintf(format, args...), Invalid: true}
}

// Invalid: only files are wrong.
func (p Problems) Invalid() bool {
	return !slices.ContainsFunc(p, func(one Problem) bool { return !one.Invalid })
}

// Join puts the problems of several steps together; another error goes before them,
// alone. nil where there are none.
func Join(errs ...error) error {
	var all Problems
	for _, err := range errs {
		var p Problems
		var one Problem
		switch {
		case errors.As(err, &p):
			all = append(all, p...)
		case errors.As(err, &one):
			all = append(all, one)
		case err != nil:
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// Require notes each key that nobody gave a value.
func (ks *Keys) Require(names ...string) {
	for _, name := range names {
		if ks.from[name] == (origin{}) && !ks.failed[name] {
			ks.Invalid("{"+name+"} is missing: %s", ks.Find(name).Help)
		}
	}
}

// Err are the problems of the keys so far.
func (ks *Keys) Err() error { return Join(ks.problems) }

// usage notes what is wrong with how the program is called: format is a sentence in
// which {profile-auth} is the name of a key.
func (ks *Keys) usage(format string, args ...any) { ks.note(false, format, args...) }

// Invalid notes what is wrong with a file.
func (ks *Keys) Invalid(format string, args ...any) { ks.note(true, format, args...) }

func (ks *Keys) note(invalid bool, format string, args ...any) {
	p := Problem{Text: fmt.Sprintf(ks.named(format), args...), Invalid: invalid || ks.place.File != ""}
	if ks.node != nil {
		p.Position = ks.at(ks.node)
	}
	if _, rest, ok := strings.Cut(format, "{"); ok {
		name, _, _ := strings.Cut(rest, "}")
		if from := ks.from[name]; from != (origin{}) {
			p.Position = from.Position
		}
		ks.failed[name] = true
	}
	if !slices.Contains(ks.problems, p) { // a key may be read for several purposes
		ks.problems = append(ks.problems, p)
	}
}

// named puts the names of keys in the place of {key}: as they were given, else as
// they would be given here.
func (ks *Keys) named(format string) string {
	names := []string{"{target}", ks.name("target"), "{mailbox}", ks.name("mailbox")}
	for _, k := range ks.List {
		names = append(names, "{"+k.Name+"}", ks.name(k.Name))
	}
	return strings.NewReplacer(names...).Replace(format)
}

func (ks *Keys) name(key string) string {
	from := ks.from[key]
	switch {
	case from.rank > byProfile:
		return from.name
	case ks.place.File != "":
		return strings.ReplaceAll(key, "-", "_")
	case key == "target" && ks.command != "batch":
		return "TARGET"
	}
	return "--" + key
}
