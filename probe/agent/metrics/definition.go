// Package metrics is what Prometheus reads of the agent, and what is made for
// Prometheus and Grafana: alerting rules, a dashboard, a scrape configuration.
// The folder text has all of it; a test holds that a rule or a panel names no
// metric that the agent does not have.
//
// A scrape reads the agent's snapshot. It causes no logon, sends nothing and
// reads nothing from the disk. No label holds a mailbox, an account or an address
// but the node's, and no text that a server chose.
package metrics

import (
	"bytes"
	_ "embed"
	"strings"
	"sync"
	"text/template"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Definition is a metric: its name, what it means, and its labels beside target
// and the target's own.
type Definition struct {
	Name   string
	Help   string
	Type   string // gauge, counter, histogram
	Labels []string
	desc   *prometheus.Desc
}

//go:embed text/metrics.yaml
var definitions []byte

// Definitions are all metrics by their names.
var Definitions = sync.OnceValue(func() map[string]Definition {
	var list []Definition
	if err := yaml.Unmarshal(definitions, &list); err != nil { // a test reads it
		panic(err)
	}
	byName := map[string]Definition{}
	for _, d := range list {
		d.desc = prometheus.NewDesc(d.Name, d.Help, d.Labels, nil)
		byName[d.Name] = d
	}
	return byName
})

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
