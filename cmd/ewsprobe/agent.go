package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/demo"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/agent/metrics"
	"github.com/ewsprobe/ewsprobe/probe/agent/notify"
	"github.com/ewsprobe/ewsprobe/probe/agent/peer"
	"github.com/ewsprobe/ewsprobe/probe/agent/service"
	"github.com/ewsprobe/ewsprobe/probe/agent/web"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

type agentFlags struct {
	Demo bool `common:"y" help:"try it: three targets of the stand-in that change now and then; needs no configuration and leaves no files"`
	configFlag
	LogFormat string `common:"y" default:"text" values:"text json" help:"the format of the log on standard error"`
	LogLevel  string `common:"y" default:"info" values:"debug info warn error" help:"the lowest level that is logged"`
}

func agentCommand(std stdio) *cli.Command {
	byDefault, run, validate := &agentFlags{}, &agentFlags{}, &configFlag{}
	agent := ofAgent("", byDefault, func(ctx context.Context) error { return stayAgent(ctx, *byDefault, std) })
	stay := agent.Action
	agent.Name, agent.Action = "agent", func(c *cli.Context) error {
		if c.NArg() > 0 || byDefault.Config == "" && !byDefault.Demo {
			return noCommand(c)
		}
		return stay(c)
	}
	agent.Subcommands = slices.Concat([]*cli.Command{
		ofAgent("run", run, func(ctx context.Context) error { return stayAgent(ctx, *run, std) }),
		ofAgent("validate", validate, func(ctx context.Context) error {
			file, err := loadAgent(ctx, validate.Config, std)
			if err != nil {
				return complainEach(err, std)
			}
			fmt.Fprintf(std.err, "ewsprobe: %s is valid: targets %d, notify %d, peers %d\n",
				file.Name, len(file.Targets), len(file.Notify), len(file.Peers))
			return nil
		}),
		printing(std, "agent example", nil, func(*cli.Context) ([]byte, error) { return []byte(agentfile.Example()), nil }),
		releaseCommand(std),
	}, agentServiceCommands(std), prometheusCommands(std))
	return agent
}

// complainEach tells each problem on a line of its own.
func complainEach(err error, std stdio) error {
	var all config.Problems
	if !errors.As(err, &all) {
		return err
	}
	for _, p := range all {
		std.complain(p)
	}
	return exit(3)
}

// loadAgent reads the configuration and what only others can look at.
func loadAgent(ctx context.Context, name string, std stdio) (*agentfile.File, error) {
	if name == "" {
		return nil, usage("--config FILE is missing; `ewsprobe agent example` prints one to start with")
	}
	file, err := agentfile.Load(ctx, name, version(), std.env)
	if file == nil {
		return nil, err
	}
	if name := config.ReadableFile(file.WebConfig); name != "" {
		err, unreadable := web.Validate(file.Listen, name), (*fs.PathError)(nil)
		if err != nil && (!errors.As(err, &unreadable) || unreadable.Path != name) { // else agentfile has told it
			file.Invalid("web-config", err.Error())
		}
	}
	for _, t := range file.Targets {
		if t.MailboxesFile == "" || t.Settings.Keys.Err() != nil { // Dynamics is not asked before a batch
			continue
		}
		if _, done, err := mailboxesOf(ctx, t, std); err != nil {
			t.Settings.Keys.Invalid("{mailboxes-file} %v", err)
		} else {
			done()
		}
	}
	return file, file.Err()
}

// mailboxesOf opens the list of a target's mailboxes.
func mailboxesOf(ctx context.Context, t *agentfile.Target, std stdio) (rows iter.Seq2[batch.Row, error], done func(), err error) {
	var in *batch.Input
	if t.FromDynamics {
		var list *probe.List
		if list, err = listOf(ctx, t.Dynamics, t.ServerProfile); err == nil {
			in, err = openList(list, t.Dynamics)
		}
	} else if in, err = openInput(ctx, t.MailboxesFile, batch.Columns{Address: t.Column}, std); err == nil && t.Check.Profile != nil {
		in.Profile = t.Check.Profile.Name
	}
	if err != nil {
		return nil, nil, err
	}
	return in.Rows, func() { in.Close() }, nil
}

// stayAgent runs the agent: of a configuration or of the demo, by hand or under the
// service manager of Windows.
func stayAgent(ctx context.Context, f agentFlags, std stdio) error {
	if f.Demo {
		if f.Config != "" {
			return usage("--demo and --config exclude each other; use one of them")
		}
		file, end, err := demo.Start(ctx, demo.Every)
		if err != nil {
			return err
		}
		defer end()
		f.Config = file
	}
	run := func(ctx context.Context) error { return runAgent(ctx, &f, std) }
	if service.Managed() {
		return service.Run(ctx, run)
	}
	return run(ctx)
}

func runAgent(ctx context.Context, f *agentFlags, std stdio) error {
	log := agentLog(f, std)
	lockouts, err := lockout.DefaultDir(std.env)
	if dir, _, _ := strings.Cut(std.env("STATE_DIRECTORY"), ":"); err != nil && dir != "" {
		lockouts, err = dir, nil // a service without a home
	}
	if f.Demo {
		lockouts, err = filepath.Dir(f.Config), nil
	}
	if err != nil {
		return unusable("refused logons cannot be counted (%v); set XDG_STATE_HOME", err)
	}
	sources := config.PasswordSources{Env: std.env, Keyring: passwordFromKeyring}
	load := func(ctx context.Context) (*agentfile.File, error) {
		file, err := loadAgent(ctx, f.Config, std)
		if err != nil {
			return nil, err
		}
		for _, t := range file.Targets { // of a file it is known already
			if t.NeedsPassword() && (t.PasswordEnv != "" || t.PasswordCredential != "") {
				if _, err := t.Password(ctx, sources); err != nil {
					t.Settings.Keys.Invalid("%s", err.Error())
				}
			}
		}
		return file, file.Err()
	}
	var a *agent.Agent
	var sender *notify.Sender
	var others *peer.Peers
	a, err = agent.New(ctx, agent.Options{
		Load: load, Version: version(), Log: log, Check: probe.Run, Lockouts: lockouts,
		Password: func(ctx context.Context, t *agentfile.Target) (string, error) {
			return t.Password(ctx, sources)
		},
		Mailboxes: func(ctx context.Context, t *agentfile.Target) (iter.Seq2[batch.Row, error], func(), error) {
			return mailboxesOf(ctx, t, std)
		},
		Decide: func(e agent.Event, remembered map[string][]byte) (map[string][]byte, []history.Notification) {
			return notify.Plan(a.File().Notify, e, remembered)
		},
		Stored: func() { sender.Wake() },
		Reloaded: func(file *agentfile.File) {
			if sender != nil {
				sender.Set(file.Notify)
				others.Set(file.Peers)
			}
		},
	})
	if err != nil {
		return complainEach(configError(err), std)
	}
	file := a.File()
	m := metrics.New(metrics.Source{Version: version(), Snapshot: a.Snapshot, Bytes: a.Store().Bytes, NotStored: a.NotStored})
	sender = notify.NewSender(a.Store(), log, version(), m.Notified)
	sender.Set(file.Notify)
	others = peer.New(log, version(), func() (endpoints []string) {
		for _, t := range a.File().Targets {
			endpoints = append(endpoints, t.Endpoint)
		}
		return endpoints
	})
	others.Set(file.Peers)
	pages := web.New(web.Options{
		Agent: a, History: a.Store(), Metrics: m, Version: version(), WebConfig: config.ReadableFile(file.WebConfig), Log: log,
		Peers: others.Snapshot,
	})

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := pages.Serve(ctx, file.Listen, func(address string) {
			log.Info("pages, API and metrics are served", "address", address)
			if f.Demo {
				fmt.Fprintf(std.out, "\nOpen  http://%s/\n\nEvery %v a target changes. Press Ctrl-C to stop.\n\n", address, demo.Every)
			}
			service.Ready()
		}); err != nil {
			cancel(unusable("listen %s cannot be used (%s)", file.Listen, config.Reason(err)))
		}
	}()
	var beside sync.WaitGroup
	beside.Go(func() { sender.Run(ctx) })
	beside.Go(func() { others.Run(ctx) })
	go service.Watchdog(ctx, func() bool { return a.Ready() == nil })
	go reloadOnHangup(ctx, a, log)
	context.AfterFunc(ctx, service.Stopping)
	log.Info("the agent runs", "targets", len(file.Targets), "storage", file.Storage)
	a.Run(ctx)
	cancel(nil)
	<-served
	beside.Wait() // what was delivered is noted
	err = a.Close()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	log.Info("the agent has ended")
	return err
}

// configError is an error of the start as one of the configuration.
func configError(err error) error {
	var why *refusal
	if _, ok := config.Join(err).(config.Problems); ok || errors.As(err, &why) {
		return err
	}
	return unusable("%v", err)
}

func agentLog(f *agentFlags, std stdio) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.LogLevel)) // it is one of those
	options := &slog.HandlerOptions{Level: level}
	if service.Managed() { // nobody reads its standard error
		options.Level = max(level, slog.LevelWarn)
		return slog.New(slog.NewTextHandler(service.Events{}, options))
	}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(std.err, options))
	}
	return slog.New(slog.NewTextHandler(std.err, options))
}

// reloadOnHangup reloads the configuration at each SIGHUP.
func reloadOnHangup(ctx context.Context, a *agent.Agent, log *slog.Logger) {
	hangup := make(chan os.Signal, 1)
	defer notifyHangup(hangup)()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		service.Reloading()
		err := a.Reload(ctx)
		service.Ready()
		if err != nil {
			all := config.Problems{{Text: err.Error()}}
			errors.As(err, &all)
			for _, p := range all {
				log.Error("the configuration was not reloaded; the previous one is kept", "why", p.Error())
			}
		}
	}
}
