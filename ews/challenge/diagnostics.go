package challenge

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Diagnostic is what Exchange says of a token that it refuses: a value of
// x-ms-diagnostics, NUMBER;reason="WORDS";error_category="WORD". The words stand
// between the quotes as they are, and may hold quotes and semicolons.
type Diagnostic struct {
	Number   int // 0: the form of a back end, which has none
	Category string
	Reason   string
}

var diagnostic = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*(\d{1,9})\s*;(.*)$`)
})

// another begins a further value in the same field.
var another = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"\s*,\s*\d{7}\s*;`) })

// Diagnostics reads the fields x-ms-diagnostics. What is of no such form is the
// reason of a diagnostic without a number.
func Diagnostics(fields []string) []Diagnostic {
	var list []Diagnostic
	for _, field := range fields {
		for field != "" && len(list) < MaxChallenges {
			value := field
			if at := another().FindStringIndex(field); at != nil {
				value = field[:at[0]+1]
				field = strings.TrimLeft(field[at[0]+1:], " \t,")
			} else {
				field = ""
			}
			list = append(list, readDiagnostic(value))
		}
	}
	return list
}

func readDiagnostic(value string) Diagnostic {
	m := diagnostic().FindStringSubmatch(value)
	if m == nil {
		return Diagnostic{Reason: strings.TrimSpace(value)}
	}
	number, _ := strconv.Atoi(m[1])
	d := Diagnostic{Number: number}
	rest := m[2]
	const category, reason = `error_category="`, `reason="`
	if at := strings.LastIndex(rest, category); at >= 0 {
		d.Category, _, _ = strings.Cut(rest[at+len(category):], `"`)
		rest = strings.TrimRight(strings.TrimSpace(rest[:at]), ";")
	}
	if _, words, ok := strings.Cut(rest, reason); ok {
		d.Reason = strings.TrimSuffix(strings.TrimSpace(words), `"`)
	}
	return d
}

// BackEndDiagnostics reads the fields x-ms-diagnostics-from-backend, NAME|WORDS, as a
// back end says it to a front end: the name is the category.
func BackEndDiagnostics(fields []string) []Diagnostic {
	var list []Diagnostic
	for _, field := range fields {
		name, words, both := strings.Cut(field, "|")
		if !both {
			name, words = "", field
		}
		list = append(list, Diagnostic{Category: strings.TrimSpace(name), Reason: strings.TrimSpace(words)})
	}
	return list
}

var quotedWords = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|[\s(\[,:])'([^']*)'`) })

// Quoted are what the reason names, in its order.
func (d Diagnostic) Quoted() []string {
	var list []string
	for _, m := range quotedWords().FindAllStringSubmatch(d.Reason, MaxParams) {
		list = append(list, m[1])
	}
	return list
}
