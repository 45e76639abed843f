package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

var (
	//go:embed report.html.tmpl
	pageSource string
	//go:embed page.css
	pageStyle template.CSS
)

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"style": func() template.CSS { return pageStyle },
		"cause": func(n int) string {
			about, _ := finding.LookupCause(n)
			return about.Title
		},
		"words":      words[any],
		"firstSteps": func(list []finding.Remedy) []finding.Remedy { return list[:min(len(list), mostSteps)] },
		"laterSteps": func(list []finding.Remedy) []finding.Remedy { return list[min(len(list), mostSteps):] },
		"clock":      func(s string) string { return strings.TrimSuffix(strings.Replace(s, "T", " ", 1), "Z") },
		"upper":      func(s any) string { return strings.ToUpper(fmt.Sprint(s)) },
	}).Parse(pageSource))
})

// htmlPage is what the template shows. Its texts are harmless already; the
// template escapes them.
type htmlPage struct {
	Report
	Subject    string
	Confidence string
	Began      string
	Lasted     string
	Seen       [][]string
	Legs       []Leg
	Servers    []serverFacts
	Empty      bool // nothing was asked
	Path       []hop
	Matrix     matrix
}

// serverFacts are a node's facts, in rows of name and value.
type serverFacts struct {
	Address string
	Rows    [][2]string
}

// reportTemplate is the page of a check. It is a copy, because html/template clones
// none that was executed, and the page of a batch is made of the same parts.
var reportTemplate = sync.OnceValue(func() *template.Template { return template.Must(pageTemplate().Clone()) })

// htmlReport is one page that needs nothing beside it: no script, no outside resource,
// and a policy in it that forbids both.
func htmlReport(r Report, _ Style) ([]byte, error) {
	return r.inHTML("report")
}

// inHTML is the report in a template of report.html.tmpl.
func (r Report) inHTML(name string) ([]byte, error) {
	page, err := newHTMLPage(harmless(r))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = reportTemplate().ExecuteTemplate(&b, name, page)
	return b.Bytes(), err
}

// HTMLPart is what the HTML of a report has between its head and its foot, to be put
// into another page that has PageStyle.
func (r Report) HTMLPart() (template.HTML, error) {
	part, err := r.inHTML("whole")
	return template.HTML(part), err
}

// PageStyle is the style of the pages of reports.
func PageStyle() template.CSS { return pageStyle }

// Harmless is a deep copy of a value, to be shown on a page, in which every text is
// one that Clean has made.
func Harmless[T any](v T) T { return harmless(v) }

// newHTMLPage takes a report whose texts are harmless.
func newHTMLPage(r Report) (htmlPage, error) {
	page := htmlPage{
		Report: r, Subject: r.subject(), Confidence: strings.Trim(certainty(r), " ()"),
		Began: day(r.Started), Lasted: took(float64(max(r.DurationMS, 0))),
		Seen: seenRows(r), Empty: len(r.Evidence) == 0,
		Path: pathOf(r), Matrix: matrixOf(r),
	}
	for _, n := range r.Nodes {
		page.Servers = append(page.Servers, serverFacts{n.Address, rows("node", n)})
	}
	var err error
	page.Legs, err = legs(r)
	return page, err
}

// Asked are the rows of the page's head: what was asked, and how.
func (p htmlPage) Asked() [][2]string { return rows("asked", p) }
