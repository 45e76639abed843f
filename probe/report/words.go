package report

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

//go:embed words.tmpl
var wordsSource string

var definitions = sync.OnceValue(func() finding.Definitions { return finding.ReadDefinitions(wordsSource) })

func functions() template.FuncMap {
	return template.FuncMap{
		"schemes":    func(r *evidence.Response) []string { return front.Names(front.Offers(r)) }, // as sent
		"urls":       pointURLs,
		"join":       strings.Join,
		"both":       func(s []string) string { return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1] },
		"lower":      strings.ToLower,
		"count":      count,
		"ids":        evidenceList,
		"next":       next,
		"took":       took,
		"words":      words[any],
		"brief":      func(s string) string { return Clean(s, sawLimit) },
		"blockOf":    blockOf,
		"say":        say,
		"statuses":   finding.WorstFirst,
		"moment":     finding.Moment,
		"stepName":   StepName,
		"authorizer": authorizer,
		"protection": finding.LookupProtection,
		"is":         func(b bool) bool { return b },
		"title":      func(texts ...string) string { return titleMark + strings.Join(texts, cellMark) },
		"cells":      func(texts ...string) string { return strings.Join(texts, cellMark) },
	}
}

// next is the number of what stands at a place, for a reader.
func next(i int) int { return i + 1 }

// common has the functions, and the templates that were needed so far.
var (
	common  = template.New("")
	started sync.Once
)

// compile is the template of that name together with those that it names.
func compile(name string) *template.Template {
	started.Do(func() { common.Funcs(functions()) })
	if err := definitions().AddTo(common, fmt.Sprintf("{{template %q}}", name)); err != nil {
		panic(err) // a test parses all
	}
	return common.Lookup(name)
}

// sawLimit bounds what is shown of Dynamics' own words; the JSON report has them.
const sawLimit = 300

// linesOf are the lines of what words.tmpl says of something under a name. Of a record
// from elsewhere that lacks what a template asks for, it is what comes before that.
func linesOf(name string, of any) []string {
	var b strings.Builder
	_ = compile(name).Execute(&b, of)
	return slices.DeleteFunc(strings.Split(b.String(), "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
}

// parts are these lines without blanks around them and without one that repeats the one
// before.
func parts(name string, of any) []string {
	list := linesOf(name, of)
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return slices.Compact(list)
}

func say(name string, of any, between string) string { return strings.Join(parts(name, of), between) }

// rows are what words.tmpl says in lines of the form NAME | TEXT, without those that have
// nothing to say. Tabs before a name are not of it.
func rows(name string, of any) (list [][2]string) {
	for _, line := range linesOf(name, of) {
		if name, text, _ := strings.Cut(line, " | "); strings.TrimSpace(text) != "" {
			list = append(list, [2]string{strings.TrimLeft(name, "\t"), strings.TrimRight(text, " ")})
		}
	}
	return list
}

// words are a word of a closed list as people write it.
func words[T any](s T) string { return strings.ReplaceAll(fmt.Sprint(s), "-", " ") }

// pointURLs are the URLs of service connection points, with the place of each; of many
// the first.
func pointURLs(points []evidence.ServicePoint) []string {
	var urls []string
	for _, one := range points {
		where := map[evidence.Nearness]string{evidence.NearOwn: " (own site)", evidence.NearOther: " (other site)"}[one.Place]
		if one.Pointer {
			where = " (pointer)"
		}
		if line := one.URL + where; !slices.Contains(urls, line) {
			urls = append(urls, line)
		}
	}
	const most = 5
	if more := len(urls) - most; more > 0 {
		urls = append(urls[:most], fmt.Sprintf("%d more", more))
	}
	return urls
}
