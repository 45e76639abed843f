package report

import (
	"bytes"
	_ "embed"
	"html/template"
)

//go:embed page.html.tmpl
var plainPageSource string

// Page is a text of the program's own as one page, in the dress of the reports
// and as self-contained as they are. The body is trusted: it is not escaped.
func Page(title, body, version string) ([]byte, error) {
	var b bytes.Buffer
	t := template.Must(template.New("page").Parse(plainPageSource))
	err := t.Execute(&b, map[string]any{"Title": title, "Body": template.HTML(body), "Version": version, "Style": pageStyle})
	return b.Bytes(), err
}
