package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

func runBatch(c *cli.Context, s *config.Settings, std stdio) error {
	for _, key := range []string{"resume", "shard"} {
		if s.Redact && s.Given(key) {
			return usage("--redact and --%s exclude each other: placeholders are numbered again in each run; "+
				"join the results with `ewsprobe merge --redact`", key)
		}
	}
	mask, std := unnamed(s.Redact, std)
	return withoutNames(batchWith(c, s, std, mask), mask)
}

func batchWith(c *cli.Context, s *config.Settings, std stdio, mask *redact.Redactor) error {
	told := output{Output: config.Output{Verbose: s.Verbose}, std: std, mask: mask} // the prompts and the log
	var target *agentfile.Target
	var env *probe.Environment
	var list *probe.List
	var file string
	var fileErr, err error
	if s.AgentKeys.Config != "" {
		if target, err = applyTarget(c, s, std); err != nil {
			return err
		}
		file = target.MailboxesFile
		if !target.HasMailboxes() {
			return usage("the target %s has no mailboxes_file and no mailboxes_from_dynamics", target.Name)
		}
	}
	if target == nil || target.FromDynamics {
		env, err = s.Environment(c.Context)
	}
	switch {
	case env == nil && target == nil:
		file, fileErr = one(c, "FILE.csv")
	case env != nil:
		if target == nil {
			fileErr = none(c, " when it reads the mailboxes from Dynamics; remove FILE.csv, or the --dynamics flags")
		}
		if err := config.Join(err, fileErr); err != nil {
			return err
		}
		env.Follow = told.follower()
		if list, err = listOf(c.Context, env, s.ServerProfile); err != nil {
			return err
		}
		defer list.Close()
		s.TakeDynamics(list.Profile)
	}
	cfg, err := configureBatch(c.Context, s, std)
	if err := config.Join(err, fileErr); err != nil {
		return err
	}
	if list != nil {
		cfg.Probe.Before = list.Items()
	}
	if file == "-" && s.PasswordFile == "-" {
		return usage("FILE.csv and --password-file cannot both be standard input; put the password in a file or in EWSPROBE_PASSWORD")
	}
	var input *batch.Input
	if env != nil {
		input, err = openList(list, env)
	} else {
		input, err = openInput(c.Context, file, batch.Columns{Address: s.Column, User: s.UserColumn, PasswordFile: s.PasswordFileColumn}, std)
	}
	if err != nil {
		return err
	}
	defer input.Close()
	if p := cfg.Probe.Profile; p != nil {
		input.Profile = p.Name
	}
	passwords, err := config.OpenPasswords(s.PasswordDir)
	if err != nil {
		return err
	}
	defer passwords.Close()
	out, err := openOutputs(s, std, input, mask)
	if err != nil {
		return err
	}
	defer out.close()
	if cfg.Mask = out.mask; mask != nil {
		cfg.Redact = mask.Record
	}
	if cfg.State, err = openState(s.Resume, cfg, input, out); err != nil {
		return err
	}
	whole := true
	defer func() { cfg.State.Close(whole) }()
	if cfg.State.Cut() && s.Format == "json" {
		fmt.Fprintln(std.out) // behind a line that the kill cut off, where results are appended
	}
	if passwords != nil {
		cfg.Password = func(name string) (string, error) { return passwords.Read(name, std.passwords()) }
		err = setLockout(&cfg.Probe, std.env)
		warnInsecure(cfg.Probe, std)
	} else {
		err = takePassword(c.Context, s, &cfg.Probe, told)
	}
	if err != nil {
		return err
	}
	// Whoever reads what goes to standard error may leave; that ends no run.
	signal.Ignore(syscall.SIGPIPE)
	shown := showProgress(std)
	if s.Verbose > 0 {
		tell := told.follower()
		cfg.Probe.Follow = func(item evidence.Item) {
			if r := item.Request; r != nil && r.Mailbox != "" {
				item.ID = r.Mailbox // of many records, what tells them apart
			}
			shown.over(func() { tell(item) })
		}
	}
	if o := cfg.Probe.Outside(); o != nil {
		cfg.Outside = o.Mailbox
	}
	cfg.Rows, cfg.Emit = input.Rows, out.emit
	cfg.Total = func(read int) (int, bool) { return input.Total(cfg.Shard, read) }
	cfg.Flush = func() (err error) {
		if !std.outTerm {
			return out.flush()
		}
		shown.over(func() { err = out.flush() })
		return err
	}
	stop := sync.OnceFunc(waiting(told, &cfg.Probe, waitPace)) // for the endpoint; then the bar shows it
	defer stop()
	cfg.Endpoint = func(rec evidence.Record, judged rule.Judgement, trouble error) {
		stop()
		if trouble != nil {
			std.complain(trouble)
		}
		out.endpoint(rec, judged)
	}
	cfg.Watch = shown.watch
	found, err := batch.Run(c.Context, cfg)
	stop()
	shown.end()
	if err != nil {
		var cut *probe.Unreadable
		if errors.As(err, &cut) {
			err = unreadableList(cut, input)
			out.unreadable = true
		}
		std.complain(err)
		out.trouble, whole = err.Error(), false
	}
	if partial := input.Partial(); partial != "" {
		std.complain(errors.New(partial))
		out.trouble = strings.TrimPrefix(out.trouble+". "+partial, ". ")
	}
	for _, note := range input.Notes() {
		std.complain(errors.New(input.Name + ": " + note))
	}
	summary, sumErr := out.summary(found)
	if sumErr != nil && err == nil {
		if !std.unwritten(sumErr) {
			std.complain(fmt.Errorf("the results could not be written: %w", sumErr))
		}
		err, whole = sumErr, false
	}
	if sumErr == nil {
		std.complain(errors.New(summary.NextStep(input.Name, s.Resume, s.Shard)))
	}
	if summary.Stopped == evidence.StoppedByUser || out.trouble != "" || len(out.lost) > 0 || err != nil {
		return exit(3)
	}
	if v := summary.Verdict; v != nil {
		return exitWith(v.Status)
	}
	return nil
}

// configureBatch makes the configuration of the settings, without the password.
func configureBatch(ctx context.Context, s *config.Settings, std stdio) (batch.Config, error) {
	b := batch.Config{Concurrency: s.Concurrency, PerMailbox: s.TimeoutPerMailbox}
	var err error
	b.Probe, err = s.Config(ctx, std.env)
	b.Impersonate, b.Probe.Impersonate = b.Probe.Impersonate, false
	if b.Shard, _ = batch.ParseShard(s.Shard); b.Shard.Of > 1 {
		b.Probe.MaxRejections = 1 // each shard counts for itself, and all of them sign in with the account
	}
	return b, err
}

// openInput opens FILE.csv, or standard input, and reads its header.
func openInput(ctx context.Context, name string, named batch.Columns, std stdio) (*batch.Input, error) {
	file, size := io.NopCloser(std.in), int64(-1)
	if name != "-" {
		f, err := config.Open(ctx, name)
		if err != nil {
			if address.IsMailbox(name) {
				return nil, usage("%s is a mailbox, not a file; check one with `ewsprobe check --mailbox ADDRESS`", name)
			}
			return nil, unusable("%s cannot be read (%s)", name, config.Reason(err))
		}
		if file = f; f.Info.Mode().IsRegular() {
			size = f.Info.Size()
		}
	}
	in, err := batch.OpenInput(file, name, size, named)
	if err != nil {
		return nil, unusable("%v", err)
	}
	return in, nil
}
