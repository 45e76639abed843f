package report

import (
	"bytes"
	"html/template"
)

// Page is a text of the program's own as one page, in the dress of the reports
// and as self-contained as they are. The body is trusted: it is not escaped.
func Page(title, body, version string) ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate.ExecuteTemplate(&b, "page", map[string]any{"Title": title, "Body": template.HTML(body), "Version": version})
	return b.Bytes(), err
}
