package main

import (
	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/agent/metrics"
	"github.com/ewsprobe/ewsprobe/probe/agent/web"
)

// prometheusCommands print what is made for Prometheus and Grafana.
func prometheusCommands(std stdio) []*cli.Command {
	f := &struct {
		Config string `value:"FILE" common:"y" help:"the configuration of the agent; without it the default address is used"`
	}{}
	scrape := printing(std, "agent scrape-config", f, func(c *cli.Context) ([]byte, error) {
		s := metrics.Scrape{Address: "127.0.0.1:9719"}
		if f.Config != "" {
			file, err := loadAgent(c.Context, f.Config, std)
			if err != nil {
				return nil, tellEach(err, std)
			}
			s.Address = file.Listen
			if s.TLS, s.Users, err = web.About(file.WebConfig); err != nil {
				return nil, unusable("%s %v", file.WebConfig, err)
			}
		}
		return s.Config()
	})
	return []*cli.Command{
		printing(std, "agent rules", nil, func(*cli.Context) ([]byte, error) { return metrics.Rules() }),
		printing(std, "agent dashboard", nil, func(*cli.Context) ([]byte, error) { return metrics.Dashboard(), nil }),
		scrape,
	}
}
