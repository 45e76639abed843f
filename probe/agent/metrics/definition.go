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
	_ "embed"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"
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
