package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

func demoCommand(std stdio) *cli.Command {
	return bare("demo", nil, "; to run one scenario as a server: `ewsprobe simulate --scenario NAME`", func(ctx context.Context) error {
		return runDemo(ctx, std)
	})
}

// demoAtOnce is how many scenarios run beside each other: most of their time
// is waiting.
const demoAtOnce = 4

func runDemo(ctx context.Context, std stdio) error {
	scenarios := standin.Scenarios()
	results := make([]chan showing, len(scenarios))
	places := make(chan struct{}, demoAtOnce)
	for i, s := range scenarios {
		results[i] = make(chan showing, 1)
		go func() {
			places <- struct{}{}
			defer func() { <-places }()
			results[i] <- show(ctx, s)
		}()
	}
	fmt.Fprintf(std.out, "Each scenario is a server with one fault. The check must find it with no more refused logons than needed.\n\n"+
		"%-7s  %-26s %-9s %-24s %s\n", "RESULT", "SCENARIO", "STATUS", "VERDICT", "NOTE")
	different := 0
	for i, s := range scenarios {
		got := <-results[i]
		mark := "ok     "
		if got.differs != "" {
			mark = "DIFFERS"
			different++
		}
		fmt.Fprintf(std.out, "%s  %-26s %-9s %-24s %s\n", mark, s.Name, got.verdict.Status, got.verdict.Code, got.note())
		if got.differs != "" {
			fmt.Fprintf(std.out, "         %s\n", got.differs)
		}
	}
	if ctx.Err() != nil {
		return exit(finding.Unknown.ExitCode())
	}
	if different > 0 {
		fmt.Fprintf(std.out, "\n%d of %d scenarios differ from what is expected.\n", different, len(scenarios))
		return exit(finding.Critical.ExitCode())
	}
	fmt.Fprintf(std.out, "\nAll %d scenarios are as expected.\n", len(scenarios))
	return nil
}

// showing is one scenario and what the check made of it.
type showing struct {
	report  report.Report
	verdict finding.Verdict
	view    standin.View
	took    time.Duration
	differs string
}

func (s showing) note() string {
	note := fmt.Sprintf("%d refused logons, %d ms", s.view.BadLogons, s.took.Milliseconds())
	if s.verdict.Cause != 0 {
		note = fmt.Sprintf("cause %d, ", s.verdict.Cause) + note
	}
	return note
}

// causes are the statuses of the six causes.
func (s showing) causes() string {
	var list []string
	for _, c := range s.report.Causes {
		list = append(list, string(c.Status))
	}
	return strings.Join(list, " ")
}

// show runs the check of one scenario against its server and compares.
func show(ctx context.Context, s standin.Scenario) showing {
	var got showing
	server, err := standin.Start(s.Behaviour, standin.Options{})
	if err != nil {
		got.differs = fmt.Sprintf("the stand-in did not start: %v", err)
		return got
	}
	defer server.Close()
	cfg, err := scenarioConfig(ctx, s.Check, server)
	if err != nil {
		got.differs = err.Error()
		return got
	}
	started := time.Now()
	rec, _ := probe.Run(ctx, cfg)
	got.took = time.Since(started)
	got.report = report.New(rec, version())
	got.verdict, got.view = got.report.Verdict, server.View()
	v := got.verdict
	want := fmt.Sprintf("%s %s cause %d", s.Expect.Status, s.Expect.Code, s.Expect.Cause)
	switch have := fmt.Sprintf("%s %s cause %d", v.Status, v.Code, v.Cause); {
	case have != want:
		got.differs = "expected " + want + ", but: " + v.Summary
	case s.Expect.Causes != "" && got.causes() != s.Expect.Causes:
		got.differs = fmt.Sprintf("expected the causes %s, but: %s", s.Expect.Causes, got.causes())
	case got.view.BadLogons > s.Expect.MaxBadLogons:
		got.differs = fmt.Sprintf("the server counted %d refused logons, expected at most %d", got.view.BadLogons, s.Expect.MaxBadLogons)
	}
	return got
}

// scenarioConfig is the configuration of a scenario's check, as its command line
// makes it. This machine's own settings have no part in it.
func scenarioConfig(ctx context.Context, c standin.Check, server *standin.Server) (probe.Config, error) {
	dir, err := os.MkdirTemp("", "ewsprobe-demo-")
	if err != nil {
		return probe.Config{}, err
	}
	defer os.RemoveAll(dir)
	args, err := server.Line(c).Arguments(dir)
	if err != nil {
		return probe.Config{}, err
	}
	s := config.New("check", version())
	s.Argument(s.Keys.Parse(args))
	var before []evidence.Item
	if env, err := s.Environment(ctx); err != nil {
		return probe.Config{}, err
	} else if env != nil {
		found := env.ReadMailbox(ctx)
		s.TakeDynamics(found.Profile)
		before = found.Items
	}
	cfg, err := s.Config(ctx, func(name string) string { return map[string]string{"KRB5_CONFIG": os.DevNull}[name] })
	cfg.Password, cfg.Before = c.Password, before
	return cfg, err
}
