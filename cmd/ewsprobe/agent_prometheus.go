package main

import (
	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/agent/metrics"
	"github.com/ewsprobe/ewsprobe/probe/agent/web"
	"github.com/ewsprobe/ewsprobe/probe/config"
)

// prometheusCommands print what is made for Prometheus and Grafana.
func prometheusCommands(std stdio) []*cli.Command {
	f := &struct {
		Config string `value:"FILE" common:"y" help:"the configuration of the agent; without it the default address is used"`
	}{}
	scrape := printing(std, "scrape-config", func(c *cli.Context) ([]byte, error) {
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
	scrape.Flags = flagsOf(config.KeysOf(f, "agent scrape-config"))
	return []*cli.Command{
		printing(std, "rules", func(*cli.Context) ([]byte, error) { return metrics.Rules() }),
		printing(std, "dashboard", func(*cli.Context) ([]byte, error) { return metrics.Dashboard(), nil }),
		scrape,
	}
}
