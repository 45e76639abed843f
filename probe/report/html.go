package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"iter"
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
		"firstSteps": func(list []finding.Remedy) []finding.Remedy { return list[:min(len(list), maxSteps)] },
		"laterSteps": func(list []finding.Remedy) []finding.Remedy { return list[min(len(list), maxSteps):] },
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

// reportTemplate is the page of a check: it needs nothing beside it, no script and no outside
// resource, and a policy in it forbids both. It is a copy, because html/template clones
// none that was executed, and the page of a batch is made of the same parts.
var reportTemplate = sync.OnceValue(func() *template.Template { return template.Must(pageTemplate().Clone()) })

// executor is a template of text or of HTML.
type executor interface {
	ExecuteTemplate(w io.Writer, name string, of any) error
}

// filled is what a template of a name makes of a value.
func filled(t executor, name string, of any) ([]byte, error) {
	var b bytes.Buffer
	err := t.ExecuteTemplate(&b, name, of)
	return b.Bytes(), err
}

// filling is the renderer that a template is, of a value whose texts are harmless.
func filling[T any, E executor](t func() E, name string) func(T, Style) ([]byte, error) {
	return func(of T, _ Style) ([]byte, error) { return filled(t(), name, Harmless(of)) }
}

// HTMLPart is what the HTML of a report has between its head and its foot, to be put
// into another page that has PageStyle.
func (r Report) HTMLPart() (template.HTML, error) {
	part, err := filled(reportTemplate(), "whole", Harmless(r))
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

var (
	//go:embed batch.html.tmpl
	batchSource string
	//go:embed batch.css
	batchStyle template.CSS
	//go:embed batch.js
	batchScript string
)

// batchTemplate has the parts of the page of a batch, beside those of a report's.
var batchTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.Must(pageTemplate().Clone()).Funcs(template.FuncMap{
		"batchstyle": func() template.CSS { return batchStyle },
		"script":     func() template.JS { return template.JS(batchScript) },
		"policy":     batchPolicy,
		"bar":        func(i, within int) int { return i*46 + within }, // the height of one
		"took":       took,
		"lasted":     lasted,
	}).Parse(batchSource))
})

// batchPolicy allows nothing but the page's own style and its one script, which
// only hides rows: everything can be read without it.
func batchPolicy() string {
	sum := sha256.Sum256([]byte(batchScript))
	return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'"
}

// chunk is how many rows are one part of the table: a browser lays out only the
// parts in sight.
const chunk = 100

// htmlBatch is a batch as one page that needs nothing beside it.
func htmlBatch(w io.Writer, s Summary, rows iter.Seq2[Row, error]) error {
	page := struct {
		Summary
		Filters []counted // a choice of rows
	}{Summary: s}
	for _, status := range finding.WorstFirst() {
		if n := s.ByStatus[string(status)]; n > 0 {
			page.Filters = append(page.Filters, counted{string(status), n})
		}
	}
	if err := batchTemplate().ExecuteTemplate(w, "batch-head", page); err != nil {
		return err
	}
	for _, part := range page.Filters {
		if err := writeChunks(w, part.Name, rows); err != nil {
			return err
		}
	}
	return batchTemplate().ExecuteTemplate(w, "batch-foot", page)
}

// writeChunks puts the rows with a status into parts of the table, so that a browser can
// leave out those whose status is not chosen.
func writeChunks(w io.Writer, status string, rows iter.Seq2[Row, error]) error {
	var part bytes.Buffer
	n := 0
	flush := func(whole string) (err error) { // of less, the height is not known beforehand
		if n > 0 {
			_, err = fmt.Fprintf(w, "<tbody role=\"rowgroup\" class=\"has-%s%s\">\n%s</tbody>\n", status, whole, part.Bytes())
		}
		part.Reset()
		n = 0
		return err
	}
	for r, err := range rows {
		if err == nil && string(r.Verdict.Status) == status {
			n++
			err = batchTemplate().ExecuteTemplate(&part, "batch-row", r)
		}
		if err == nil && n == chunk {
			err = flush(" whole")
		}
		if err != nil {
			return err
		}
	}
	return flush("")
}
