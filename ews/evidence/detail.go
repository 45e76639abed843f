package evidence

import (
	"cmp"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Detail is a sentence of this program's own in a record, as data: which one it
// is, and what it names. Rules look at the code; the sentence beside it is made
// of both and is for people.
type Detail struct {
	Code  DetailCode `json:"code" keep:"word"`
	Args  []string   `json:"args" keep:"argument,said"` // what the sentence names, in its order
	Inner []Detail   `json:"inner"`                     // what was said by what it speaks of
}

// DetailCode names a sentence; detail.txt has them all.
type DetailCode string

// Say makes a detail of a code and what the sentence names: texts, numbers, a
// failure, or another detail.
func Say(code DetailCode, about ...any) *Detail {
	d := &Detail{Code: code}
	for _, a := range about {
		switch v := a.(type) {
		case *Detail:
			if v != nil {
				d.Inner = append(d.Inner, *v)
			}
		case *Failure:
			d.Inner = append(d.Inner, *v.Said())
		case error:
			d.Args = append(d.Args, v.Error())
		case int:
			d.Args = append(d.Args, strconv.Itoa(v))
		default:
			d.Args = append(d.Args, fmt.Sprint(v))
		}
	}
	return d
}

// Is says whether a detail that is there has one of the codes.
func (d *Detail) Is(codes ...DetailCode) bool { return d != nil && slices.Contains(codes, d.Code) }

// Kinds of what a sentence names. Redaction treats each as a field of the
// record that is tagged so.
const (
	ArgError    = "error"    // the words of a library; without them the sentence has another form
	ArgFailure  = "failure"  // a FailureCode
	ArgRefusals = "refusals" // a number of refused logons
	ArgFailed   = "failed"   // a number of logons that were refused or got no answer
	ArgHosts    = "hosts"    // names of a certificate, separated by commas
)

// String is the sentence. A code of a later version has none: it is shown as it
// is.
func (d *Detail) String() string {
	if d == nil {
		return ""
	}
	form, known := detailForms()[d.Code]
	if !known {
		return string(d.Code)
	}
	usual, other, either := strings.Cut(form, "|")
	text, after, empty := d.fill(usual, 0)
	if either && empty {
		text, _, _ = d.fill(other, after)
	}
	return strings.TrimSpace(text)
}

// fill puts what the sentence names into its form, from an argument on. empty
// says that words of a library are missing.
func (d *Detail) fill(form string, next int) (text string, after int, empty bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(form, "{")
		b.WriteString(before)
		if !found {
			return b.String(), next, empty
		}
		kind, more, _ := strings.Cut(rest, "}")
		form = more
		switch kind {
		case "inner":
			b.WriteString(d.inner(0, len(d.Inner)))
		case "first":
			b.WriteString(strings.TrimSuffix(d.inner(0, 1), "."))
		case "second":
			b.WriteString(d.inner(1, 2))
		default:
			arg := ""
			if next < len(d.Args) {
				arg = d.Args[next]
			}
			next++
			empty = empty || kind == ArgError && arg == ""
			b.WriteString(shown(kind, arg))
		}
	}
}

func (d *Detail) inner(from, to int) string {
	var list []string
	for i := from; i < min(to, len(d.Inner)); i++ {
		list = append(list, d.Inner[i].String())
	}
	return strings.Join(list, "; ")
}

func shown(kind, arg string) string {
	switch kind {
	case ArgFailure:
		return cmp.Or(failurePhrases()[FailureCode(arg)], strings.ReplaceAll(arg, "-", " "))
	case ArgRefusals, ArgFailed:
		what := map[string]string{ArgRefusals: " refused logon", ArgFailed: " failed or unanswered logon"}[kind]
		if arg != "1" {
			what += "s"
		}
		return arg + what
	case ArgHosts:
		names := strings.Split(arg, ", ")
		switch {
		case arg == "":
			return "no host name at all"
		case len(names) > 5:
			return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
		}
	}
	return arg
}

// ArgKinds are the kinds of what a code's sentence names, in their order.
func (c DetailCode) ArgKinds() []string {
	var kinds []string
	for _, part := range strings.Split(detailForms()[c], "{")[1:] {
		if kind, _, _ := strings.Cut(part, "}"); kind != "inner" && kind != "first" && kind != "second" {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// Recognized is the detail of a sentence that names nothing, nil for any other
// text: a record that was saved without codes has only the text.
func Recognized(text string) *Detail {
	if code, ok := detailCodes()[text]; ok {
		return &Detail{Code: code}
	}
	return nil
}

//go:embed detail.txt
var detailText string

var detailForms = sync.OnceValue(func() map[DetailCode]string {
	m := Table[DetailCode](detailText)
	for code, text := range m {
		m[code], _, _ = strings.Cut(text, "\t")
	}
	return m
})

// detailCodes finds a code by its text of today, or by one that an earlier version
// had: detail.txt has that behind it.
var detailCodes = sync.OnceValue(func() map[string]DetailCode {
	m := map[string]DetailCode{}
	for code, texts := range Table[DetailCode](detailText) {
		for text := range strings.SplitSeq(texts, "\t") {
			m[text] = code
		}
	}
	return m
})

// Table reads a file of codes and their texts, one a line.
func Table[C ~string](file string) map[C]string {
	m := map[C]string{}
	for line := range strings.Lines(file) {
		code, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		m[C(code)] = text
	}
	return m
}

// Rows are the lines of a file, each in its parts. What has one part is a comment.
func Rows(file, separator string) (rows [][]string) {
	for line := range strings.Lines(file) {
		if parts := strings.Split(strings.TrimSuffix(line, "\n"), separator); len(parts) > 1 {
			rows = append(rows, parts)
		}
	}
	return rows
}

//go:embed failure.txt
var failureText string

var failurePhrases = sync.OnceValue(func() map[FailureCode]string { return Table[FailureCode](failureText) })

// Fail is a failure told in a sentence of this program's own.
func Fail(code FailureCode, phase string, why DetailCode, about ...any) *Failure {
	d := Say(why, about...)
	return &Failure{Code: code, Phase: phase, Text: d.String(), Detail: d}
}

// Said is the failure as a detail: of its own, or the system's words.
func (f *Failure) Said() *Detail {
	switch {
	case f == nil:
		return &Detail{}
	case f.Detail != nil:
		return f.Detail
	}
	return &Detail{Code: "system", Args: []string{f.Text, string(f.Code)}}
}

// Recognize gives the sentences of a saved item their details, where they can be
// known: records of earlier versions have none.
func (i *Item) Recognize() {
	Walk(i, Visitor{Sentence: func(text *string, d **Detail) {
		if *d == nil {
			*d = Recognized(*text)
		}
	}})
}

// Expression is a regular expression that is compiled when it is first used.
func Expression(form string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(form) })
}
