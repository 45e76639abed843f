package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

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
		"moment": moment, "roughly": roughly, "changes": changes, "diffOf": diffOf,
		"unbroken": report.Unbroken,
		"upper":    func(s any) string { return strings.ToUpper(fmt.Sprint(s)) },
	}).Parse(pageSource))
})

// hashOf is how a policy names a style or a script.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// show answers with a page. Every text in it is made harmless here, so that no page
// can forget to.
func show[T any](s *Server, w http.ResponseWriter, r *http.Request, name, title string, content T) {
	var body, whole bytes.Buffer
	err := pages().ExecuteTemplate(&body, name, report.Harmless(content))
	if err == nil {
		err = pages().ExecuteTemplate(&whole, "page", map[string]any{
			"Title": report.Clean(title, 100), "Version": s.o.Version, "Now": moment(time.Now()), "Refreshes": name == "overview",
			"Body": template.HTML(body.String()),
		})
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(whole.Bytes())
}

func number(n int) string { return strconv.Itoa(n) }
