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
		Config string `value:"FILE" common:"y" help:"the configuration of the agent; else an agent at its default address"`
	}{}
	printing := func(name, ending, usage, about string, made func(*cli.Context) ([]byte, error)) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, Description: about, UsageText: examples(
			"To read it", "ewsprobe agent "+name, "For Prometheus or Grafana", "ewsprobe agent "+name+" > ewsprobe-"+name+ending,
		), Action: func(c *cli.Context) error {
			if err := none(c, ""); err != nil {
				return err
			}
			out, err := made(c)
			if err == nil {
				_, _ = std.out.Write(out) // run says so where it fails
			}
			return err
		}}
	}
	scrape := printing("scrape-config", ".yaml", "prints a scrape configuration for Prometheus, whole or to be merged into one",
		"With --config the address, TLS and users are those of the agent.", func(c *cli.Context) ([]byte, error) {
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
		printing("rules", ".yaml", "prints alerting rules for Prometheus: one for each code that is not ok, and those about the agent",
			"Name the file under rule_files of Prometheus.", func(*cli.Context) ([]byte, error) { return metrics.Rules() }),
		printing("dashboard", ".json", "prints a dashboard for Grafana, as JSON to be imported", "", func(*cli.Context) ([]byte, error) { return metrics.Dashboard(), nil }),
		scrape,
	}
}
