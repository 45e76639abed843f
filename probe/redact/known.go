package redact

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// known.txt holds what may stay, one kind a line: the form that a text of a kind
// has where it names nobody (a code, a version, a word of a closed list), the
// form of the value of a header field, lists of words, what is looked for inside a
// text, and the table and the placeholder of what is replaced as a whole. A text that has not
// the form of its kind, or whose kind has none, is replaced.
//
//go:embed known.txt
var knownText string

type knowledge struct {
	forms map[string]*regexp.Regexp // by kind; of header fields by "header " and the name
	lists map[string][]string
	find  map[string]*regexp.Regexp
}

var known = sync.OnceValue(func() knowledge {
	k := knowledge{forms: map[string]*regexp.Regexp{}, lists: map[string][]string{}, find: map[string]*regexp.Regexp{}}
	for line := range strings.Lines(knownText) {
		about, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		what, names, _ := strings.Cut(about, " ")
		switch what {
		case "form":
			k.forms[names] = regexp.MustCompile("^(" + text + ")$")
		case "header":
			form := regexp.MustCompile("^(" + text + ")$")
			for _, name := range strings.Fields(names) {
				k.forms["header "+name] = form
			}
		case "find":
			k.find[names] = regexp.MustCompile(text)
		case "list":
			k.lists[names] = strings.Fields(text)
		case "whole":
			k.lists[about] = strings.Fields(text)
		default:
			k.lists[what] = strings.Split(text, "|")
		}
	}
	return k
})

// has says whether a text has the form of its kind.
func has(kind, s string) bool {
	form := known().forms[kind]
	return form != nil && form.MatchString(s)
}

func listed(list, s string) bool { return slices.Contains(known().lists[list], s) }
