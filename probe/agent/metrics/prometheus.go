package metrics

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

var (
	//go:embed text/rules.yaml
	agentRules []byte
	//go:embed text/scrape.yaml
	scrapeConfig string
	//go:embed text/dashboard.json
	dashboard []byte
)

// Dashboard is a dashboard for Grafana, as JSON to be imported.
func Dashboard() []byte { return dashboard }

type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name  string  `yaml:"name"`
	Rules []alert `yaml:"rules"`
}

type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// severity is made of the value of the alert's expression, which is the status of
// the target: the same code can be critical here and a warning there.
const severity = `{{ if eq $value 2.0 }}critical{{ else }}warning{{ end }}`

// Rules are alerting rules for Prometheus: one for each code of the catalogue that
// is not ok, and those about the agent itself.
func Rules() ([]byte, error) {
	verdicts, own := ruleGroup{Name: "ewsprobe-verdicts"}, ruleGroup{}
	for _, e := range finding.Catalogue() {
		if e.Status == finding.OK {
			continue
		}
		verdicts.Rules = append(verdicts.Rules, alert{
			Alert:  "Ews" + camel(string(e.Code)),
			Expr:   fmt.Sprintf("ewsprobe_target_status > 0 and ignoring (code, cause, confidence) ewsprobe_verdict_info{code=%q}", e.Code),
			For:    "2m",
			Labels: map[string]string{"severity": severity, "code": string(e.Code)},
			Annotations: map[string]string{
				"summary":     "{{ $labels.target }}: " + e.Title,
				"description": e.Meaning + " Run `ewsprobe explain " + string(e.Code) + "`, or open the page of the target on the agent.",
			},
		})
	}
	if err := yaml.Unmarshal(agentRules, &own); err != nil {
		return nil, err
	}
	b := bytes.NewBufferString("# Alerting rules for the metrics of ewsprobe agent. Made by `ewsprobe agent rules`.\n")
	y := yaml.NewEncoder(b)
	y.SetIndent(2)
	if err := y.Encode(ruleFile{Groups: []ruleGroup{verdicts, own}}); err != nil {
		return nil, err
	}
	return b.Bytes(), y.Close()
}

// camel is a code as part of the name of an alert: basic-disabled, BasicDisabled.
func camel(code string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(code, "-") {
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
	t, err := template.New("").Parse(scrapeConfig)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, s)
	return b.Bytes(), err
}
