package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

type simulateFlags struct {
	Scenario    string `value:"NAME" default:"basic-off" help:"the scenario; --list shows all"`
	Listen      string `value:"ADDRESS" default:"127.0.0.1:0" help:"where to listen"`
	AllowRemote bool   `help:"allow an address that other machines can reach"`
	List        bool   `help:"list the scenarios"`
}

func simulateCommand(std stdio) *cli.Command {
	f := &simulateFlags{}
	return bare("simulate", f, "; name the scenario with --scenario NAME", func(ctx context.Context) error {
		if f.List {
			var rows [][]string
			for _, s := range standin.Scenarios() {
				rows = append(rows, []string{s.Name, s.Title})
			}
			fmt.Fprint(std.out, report.Table(0, std.fit(), rows))
			return nil
		}
		return simulate(ctx, *f, std)
	})
}

func simulate(ctx context.Context, f simulateFlags, std stdio) error {
	s, ok := standin.Find(f.Scenario)
	if !ok {
		return usage("there is no scenario %q; `ewsprobe simulate --list` shows them", f.Scenario)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// The server goes on if standard output is not read: the lines that have no room are only counted.
	lines, dropped := make(chan string, maxUnread), atomic.Int64{}
	server, err := standin.Start(s.Behaviour, standin.Options{
		Listen: f.Listen, AllowRemote: f.AllowRemote,
		OnRequest: func(r standin.Request) {
			select {
			case lines <- requestLine(r):
			default:
				dropped.Add(1)
			}
		},
	})
	if err != nil {
		return usage("--listen %s cannot be used (%s); give another address, like 127.0.0.1:8443", f.Listen, config.Reason(err))
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "ewsprobe-simulate-")
	if err != nil {
		return unusable("a temporary folder cannot be made (%s); set TMPDIR", config.Reason(err))
	}
	defer os.RemoveAll(dir)
	args, err := server.Line(s.Check).Arguments(dir)
	if err != nil {
		return unusable("%v", err)
	}
	try := "ewsprobe check"
	for _, a := range args {
		try += " " + quoteArgument(a)
	}
	if crowd := s.Behaviour.Crowd; crowd != nil {
		file := filepath.Join(dir, "mailboxes.csv")
		if err := os.WriteFile(file, []byte(mailboxTable(crowd.Mailboxes)), 0o600); err != nil {
			return unusable("%v", err)
		}
		try += "\n  " + tryBatch(s.Check, server, dir, file)
	}
	_, err = fmt.Fprintf(std.out, "%s: %s\n\nRun in another terminal:\n\n  %s\n\nPress Ctrl-C to stop. Requests:\n", s.Name, s.Title, try)
	if err != nil {
		return err // the user does not see how to reach it
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		for line := range lines {
			if _, err := fmt.Fprintln(std.out, line); err != nil {
				stop()
				return
			}
		}
		v, missing := server.View(), ""
		if n := dropped.Load(); n > 0 {
			missing = fmt.Sprintf("; %d are not listed, because standard output was not read", n)
		}
		fmt.Fprintf(std.out, "\n%d requests on %d connections, %d good and %d bad logons%s\n",
			len(v.Requests), v.Connections, v.GoodLogons, v.BadLogons, missing)
	}()
	<-ctx.Done()
	_ = server.Close() // no request comes after it
	close(lines)
	select {
	case <-written:
	case <-time.After(time.Second): // standard output is not read
	}
	return nil
}

// maxUnread is how many requests wait to be written.
const maxUnread = 1000

// tryBatch is a batch of all its mailboxes.
func tryBatch(k standin.Check, server *standin.Server, dir, file string) string {
	ca, password := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "password.txt")
	return fmt.Sprintf("ewsprobe batch --ca-file %s --user %s --password-file %s --impersonate --address %s --target %s %s",
		quoteArgument(ca), quoteArgument(k.User), quoteArgument(password), server.Addresses()[0], server.URL(), quoteArgument(file))
}

// mailboxTable names the mailboxes of a crowd as an export of Dynamics does.
func mailboxTable(n int) string {
	var b strings.Builder
	b.WriteString("name,emailaddress\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "Box %d,%s\n", i, standin.CrowdMailbox(i))
	}
	return b.String()
}

func quoteArgument(s string) string {
	for _, r := range s {
		if r == '\\' || r == ' ' {
			return `"` + s + `"`
		}
	}
	return s
}

// requestLine tells of one request; what the caller chose is made harmless.
func requestLine(r standin.Request) string {
	line := fmt.Sprintf("%s  node %d connection %d  %-12s %-14s", r.At.Format("15:04:05.000"), r.Node, r.Connection, r.Message, r.Outcome)
	if r.Status != 0 {
		line += fmt.Sprintf("  %d", r.Status)
	}
	if r.Account != "" {
		line += fmt.Sprintf("  as %q", r.Account)
	}
	if r.Binding != "" {
		line += "  binding " + r.Binding
	}
	if r.Operation != "" {
		line += fmt.Sprintf("  %s %s", r.Operation, r.Mailbox)
	}
	return report.Clean(line, 300)
}

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
		"%-7s  %-29s %-9s %-24s %s\n", "RESULT", "SCENARIO", "STATUS", "VERDICT", "NOTE")
	different := 0
	for i, s := range scenarios {
		got := <-results[i]
		mark := "ok     "
		if got.differs != "" {
			mark = "DIFFERS"
			different++
		}
		fmt.Fprintf(std.out, "%s  %-29s %-9s %-24s %s\n", mark, s.Name, got.verdict.Status, got.verdict.Code, got.note())
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
	note := fmt.Sprintf("refused logons: %d, %d ms", s.view.BadLogons, s.took.Milliseconds())
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
