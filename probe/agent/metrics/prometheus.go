package metrics

import (
	"bytes"
	_ "embed"
	"strings"
	"text/template"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

var (
	//go:embed text/rules.tmpl
	rules string
	//go:embed text/scrape.yaml
	scrapeConfig string
	//go:embed text/dashboard.json
	dashboard []byte
)

// Dashboard is a dashboard for Grafana, as JSON to be imported.
func Dashboard() []byte { return dashboard }

// Rules are alerting rules for Prometheus. Its own templates stand in them, so that
// these have other brackets.
func Rules() ([]byte, error) {
	return filled(template.New("").Delims("[[", "]]").Funcs(template.FuncMap{"camel": camel}), rules, finding.Catalogue())
}

func filled(t *template.Template, text string, data any) ([]byte, error) {
	t, err := t.Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, data)
	return b.Bytes(), err
}

// camel is a code as part of the name of an alert: basic-disabled, BasicDisabled.
func camel(code finding.Code) string {
	var b strings.Builder
	for word := range strings.SplitSeq(string(code), "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// Scrape is where Prometheus finds an agent.
type Scrape struct {
	Address string // HOST:PORT
	TLS     bool
	Users   bool // a user of web_config is asked for
}

// Config is a whole scrape_configs document for an agent.
func (s Scrape) Config() ([]byte, error) {
	return filled(template.New(""), scrapeConfig, s)
}
