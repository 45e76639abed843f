package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

var (
	//go:embed page.html.tmpl
	pageSource string
	//go:embed page.css
	ownStyle string
	//go:embed page.js
	pageScript string
)

var pageStyle = sync.OnceValue(func() string { return string(report.PageStyle()) + ownStyle })

var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(pageStyle()) },
		"script": func() template.JS { return template.JS(pageScript) },
		"moment": moment, "ago": ago, "roughly": roughly, "count": count, "expiry": expiry, "changes": changes, "tally": tally,
		"diffOf": diffOf, "sinceBefore": sinceBefore,
		"ahead":    func(at time.Time) bool { return time.Until(at) > 0 },
		"last":     func(runs []history.Run) history.Run { return runs[len(runs)-1] },
		"ranges":   func() []span { return ranges[:] },
		"unbroken": report.Unbroken,
		"upper":    func(s any) string { return strings.ToUpper(fmt.Sprint(s)) },
	}).Parse(pageSource))
})

// hashOf is how a policy names a style or a script.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// show answers with a page, at the end of which a report may stand. Every other text in
// it is made harmless here, so that no page can forget to.
func show[T any](s *Server, w http.ResponseWriter, name, title string, content T, last template.HTML) error {
	var body, whole bytes.Buffer
	err := pages().ExecuteTemplate(&body, name, report.Harmless(content))
	if err == nil {
		err = pages().ExecuteTemplate(&whole, "page", map[string]any{
			"Title": report.Clean(title, 100), "Version": s.o.Version, "Now": moment(time.Now()), "Refreshes": name == "overview",
			"Body": template.HTML(body.String()), "Report": last,
		})
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(whole.Bytes())
	return nil
}
