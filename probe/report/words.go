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

var functions = sync.OnceValue(func() template.FuncMap {
	return template.FuncMap{
		"schemes":    func(r *evidence.Response) []string { return front.Names(front.Offers(r)) }, // as sent
		"urls":       pointURLs,
		"join":       strings.Join,
		"both":       func(s []string) string { return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1] },
		"lower":      strings.ToLower,
		"count":      count,
		"took":       took,
		"words":      words[any],
		"brief":      func(s string) string { return Clean(s, sawLimit) },
		"protection": protectionLine,
		"is":         func(b bool) bool { return b },
	}
})

var made sync.Map // name to *template.Template

// compile is the template of that name together with those that it names.
func compile(name string) *template.Template {
	if t, ok := made.Load(name); ok {
		return t.(*template.Template)
	}
	t := template.New(name).Funcs(functions())
	if err := definitions().AddTo(t, fmt.Sprintf("{{template %q}}", name)); err != nil {
		panic(err) // a test parses all
	}
	made.Store(name, t)
	return t
}

// sawLimit bounds what is shown of Dynamics' own words; the JSON report has them.
const sawLimit = 300

// parts are what words.tmpl says of something under a name, without one that repeats the
// one before. Of a record from elsewhere that lacks what a template asks for, it is what
// comes before that.
func parts(name string, of any) []string {
	var b strings.Builder
	_ = compile(name).Execute(&b, of)
	list := strings.Split(b.String(), "\n")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return slices.Compact(slices.DeleteFunc(list, func(s string) bool { return s == "" }))
}

func say(name string, of any, between string) string { return strings.Join(parts(name, of), between) }

// rows are parts of the form NAME | TEXT, without those that have nothing to say.
func rows(name string, of any) [][2]string {
	var list pairs
	for _, part := range parts(name, of) {
		name, text, _ := strings.Cut(part, " | ")
		list.some(name, text)
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

// outcome is an item's answer: its status, or a dash for none, and what came.
func outcome(item evidence.Item) string {
	said := say("outcome", &item, "; ")
	switch {
	case item.Response != nil:
		return strings.TrimSpace(fmt.Sprintf("%d  %s", item.Response.Status, said))
	case item.Error != nil:
		return "-    " + said
	}
	return said
}
