package metrics

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// job is the name of the scrape job, by which a rule finds the agents.
const job = "ewsprobe"

// Scrape is where Prometheus finds an agent.
type Scrape struct {
	Address string // HOST:PORT
	TLS     bool
	Users   bool // a user of web_config is asked for
}

type scrapeFile struct {
	Configs []scrapeJob `yaml:"scrape_configs"`
}

type scrapeJob struct {
	Name     string         `yaml:"job_name"`
	Interval string         `yaml:"scrape_interval"`
	Scheme   string         `yaml:"scheme,omitempty"`
	Auth     *scrapeUser    `yaml:"basic_auth,omitempty"`
	Static   []staticConfig `yaml:"static_configs"`
}

type scrapeUser struct {
	Name         string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
}

type staticConfig struct {
	Targets []string `yaml:"targets"`
}

// Config is a whole scrape_configs document for an agent.
func (s Scrape) Config() ([]byte, error) {
	j := scrapeJob{Name: job, Interval: "1m", Static: []staticConfig{{Targets: []string{s.Address}}}}
	if s.TLS {
		j.Scheme = "https"
	}
	if s.Users {
		j.Auth = &scrapeUser{Name: "prometheus", PasswordFile: "ewsprobe-password.txt"}
	}
	var b bytes.Buffer
	b.WriteString("# A scrape of `ewsprobe agent`. It reads the last runs and causes none. Add further agents to targets.\n")
	if s.Users {
		b.WriteString("# username is a user of web_config; password_file holds its password.\n")
	}
	y := yaml.NewEncoder(&b)
	y.SetIndent(2)
	if err := y.Encode(scrapeFile{[]scrapeJob{j}}); err != nil {
		return nil, err
	}
	return b.Bytes(), y.Close()
}
