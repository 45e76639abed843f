package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
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
		"style":      func() template.CSS { return pageStyle },
		"cause":      finding.CauseTitle,
		"rows":       rows,
		"words":      words[any],
		"unbroken":   Unbroken,
		"firstSteps": func(list []finding.Remedy) []finding.Remedy { return list[:min(len(list), mostSteps)] },
		"laterSteps": func(list []finding.Remedy) []finding.Remedy { return list[min(len(list), mostSteps):] },
		"clock":      func(s string) string { return strings.TrimSuffix(strings.Replace(s, "T", " ", 1), "Z") },
		"upper":      func(s any) string { return strings.ToUpper(fmt.Sprint(s)) },
	}).Parse(pageSource))
})

// Unbroken is a command in which no line ends at the hyphen of a flag or a cmdlet.
func Unbroken(command string) template.HTML {
	words := strings.Split(command, " ")
	for i, word := range words {
		escaped := template.HTMLEscapeString(word)
		if strings.Contains(word, "-") && len(word) <= 32 {
			escaped = `<span class="word">` + escaped + "</span>"
		}
		words[i] = escaped
	}
	return template.HTML(strings.Join(words, " ")) // every word is escaped
}

// reportTemplate is the page of a check. It is a copy, because html/template clones
// none that was executed, and the page of a batch is made of the same parts.
var reportTemplate = sync.OnceValue(func() *template.Template { return template.Must(pageTemplate().Clone()) })

// htmlReport is one page that needs nothing beside it: no script, no outside resource,
// and a policy in it that forbids both.
func htmlReport(r Report, _ Style) ([]byte, error) {
	return r.inHTML("report")
}

// filled is what a template of a name makes of a value.
func filled(t interface {
	ExecuteTemplate(w io.Writer, name string, of any) error
}, name string, of any,
) ([]byte, error) {
	var b bytes.Buffer
	err := t.ExecuteTemplate(&b, name, of)
	return b.Bytes(), err
}

// inHTML is the report in a template of report.html.tmpl.
func (r Report) inHTML(name string) ([]byte, error) {
	return filled(reportTemplate(), name, Harmless(r))
}

// HTMLPart is what the HTML of a report has between its head and its foot, to be put
// into another page that has PageStyle.
func (r Report) HTMLPart() (template.HTML, error) {
	part, err := r.inHTML("whole")
	return template.HTML(part), err
}

// PageStyle is the style of the pages of reports.
func PageStyle() template.CSS { return pageStyle }

//go:embed page.html.tmpl
var plainPageSource string

// Page is a text of the program's own as one page, in the dress of the reports
// and as self-contained as they are. The body is trusted: it is not escaped.
func Page(title, body, version string) ([]byte, error) {
	t := template.Must(template.New("page").Parse(plainPageSource))
	return filled(t, "page", map[string]any{"Title": title, "Body": template.HTML(body), "Version": version, "Style": pageStyle})
}
