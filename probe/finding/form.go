package finding

import (
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// expression is one of text/forms.yaml. Most texts lack what every match of it has, and to
// look for that is faster by far than to match.
type expression struct {
	may    func(low string) bool // a text may match, by itself in lower case
	regexp func() *regexp.Regexp
}

var forms = sync.OnceValue(func() map[string]expression {
	var sources map[string]fragments
	decode(file("text/forms.yaml"), &sources)
	m := map[string]expression{}
	for name, s := range sources {
		source := strings.Join(s, "")
		tree, err := syntax.Parse(source, syntax.Perl)
		if err != nil {
			panic(err) // a test reads them all
		}
		m[name] = expression{mayMatch(tree), sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(source) })}
	}
	return m
})

// mayMatch looks for the plain pieces of an expression in a text.
func mayMatch(re *syntax.Regexp) func(string) bool {
	var parts []func(string) bool
	for _, sub := range re.Sub {
		parts = append(parts, mayMatch(sub))
	}
	switch {
	case re.Op == syntax.OpLiteral:
		piece := strings.ToLower(string(re.Rune))
		return func(low string) bool { return strings.Contains(low, piece) }
	case re.Op == syntax.OpCapture, re.Op == syntax.OpPlus, re.Op == syntax.OpRepeat && re.Min > 0:
		return parts[0]
	case re.Op == syntax.OpConcat:
		return func(low string) bool {
			return !slices.ContainsFunc(parts, func(may func(string) bool) bool { return !may(low) })
		}
	case re.Op == syntax.OpAlternate:
		return func(low string) bool {
			return slices.ContainsFunc(parts, func(may func(string) bool) bool { return may(low) })
		}
	}
	return func(string) bool { return true }
}

// nothing matches no text.
var nothing = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A[^\x00-\x{10FFFF}]`) })

// form is what a number or a name looks like: nothing where the text has none.
func form(name, text string) *regexp.Regexp { return formIn(name, strings.ToLower(text)) }

// formIn is form where many are looked for in one text, which is given in lower case.
func formIn(name, low string) *regexp.Regexp {
	e := forms()[name]
	if !e.may(low) {
		return nothing()
	}
	return e.regexp()
}

// marks are the forms whose name is added to a text that has them, for rules to name.
var marks = sync.OnceValue(func() []string {
	names := slices.Sorted(maps.Keys(forms()))
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, "mark-") && n != "of-ews" && n != "smtp-reply" })
})
