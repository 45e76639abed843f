package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// applyTarget gives the settings what the target has that --config and the argument
// name.
func applyTarget(c *cli.Context, s *config.Settings, std stdio) (*agentfile.Target, error) {
	name, err := one(c, "the NAME of a target in "+s.AgentKeys.Config)
	if err != nil {
		return nil, err
	}
	return agentfile.Apply(c.Context, s, s.AgentKeys.Config, name)
}

func check(c *cli.Context, s *config.Settings, std stdio) error {
	started := time.Now()
	if s.AgentKeys.Config == "" {
		s.Argument(c.Args().Slice())
	} else if _, err := applyTarget(c, s, std); err != nil {
		return err
	}
	to, outErr := s.Output("", std.streams())
	env, err := s.Environment(c.Context)
	out := outputTo(to, std)
	var before []evidence.Item
	if env != nil {
		if err := config.Join(err, outErr); err != nil {
			return err
		}
		env.Follow = out.follower()
		found := env.ReadMailbox(c.Context)
		if before = found.Items; !s.TakeDynamics(found.Profile) {
			return out.deliver(environmentRecord(c.Context, env, started, before))
		}
	}
	cfg, err := s.Config(c.Context, std.env)
	if err := config.Join(err, outErr); err != nil {
		return err
	}
	if env != nil {
		cfg.Before, cfg.Timeout = before, max(cfg.Timeout-time.Since(started), time.Second)
	}
	about := cfg.Target()
	about.Profile = cfg.Profile
	out.mask.Target(about) // its names have the first numbers
	if err := takePassword(c.Context, s, &cfg, out); err != nil {
		return err
	}
	if out.Verbose > 0 {
		std.log(out.mask.Text(profileSummary(cfg) + fmt.Sprint(probe.NewPlan(cfg))))
		cfg.Follow = out.follower()
		if s.Watches() {
			std.log(fmt.Sprintf("before the check, for at most %s: the requests that cost no logon, every few seconds", s.WatchFor))
		}
	}
	run := out.run
	if s.Watches() {
		run = out.watch(s.WatchFor)
	}
	rec, trouble := run(c.Context, cfg)
	if trouble != nil {
		std.complain(errors.New(out.mask.Text(trouble.Error())))
	}
	return out.deliver(rec)
}

// run is the check, with a line on a terminal while a server takes its time.
func (o output) run(ctx context.Context, cfg probe.Config) (evidence.Record, error) {
	stop := waiting(o, &cfg, waitPace)
	defer stop()
	return probe.Run(ctx, cfg)
}

// takePassword fills in the password, where one is needed, and what is known of
// its refusals.
func takePassword(ctx context.Context, s *config.Settings, cfg *probe.Config, out output) error {
	for _, note := range s.Keys.Notes {
		out.std.note(note)
	}
	if err := setLockout(cfg, out.std.env); err != nil {
		return err
	}
	if cfg.SendsPassword() {
		var err error
		if cfg.Password, err = s.Password(ctx, out.std.passwords()); err != nil {
			return err
		}
		if !cfg.RetryRefused {
			cfg.RetryRefused = confirmRetry(ctx, *cfg, out)
		}
	}
	warnInsecure(*cfg, out.std)
	return nil
}

// setLockout is where refused logons are counted, of all runs on this machine.
func setLockout(cfg *probe.Config, getenv func(string) string) error {
	if !cfg.Target().Credentials {
		return nil
	}
	dir, err := lockout.DefaultDir(getenv)
	if err != nil {
		return unusable("refused logons cannot be counted (%v); set XDG_STATE_HOME, or use --no-credentials", err)
	}
	cfg.Lockout = &lockout.Lockout{Dir: dir}
	return nil
}

func warnInsecure(cfg probe.Config, std stdio) {
	if cfg.Insecure {
		std.note("--insecure: the certificate is not verified; a device in between can read the password")
	}
}

// confirmRetry asks at the terminal whether a password that was refused lately shall
// be sent again.
func confirmRetry(ctx context.Context, cfg probe.Config, out output) bool {
	std := out.std
	if std.inFD < 0 || !std.errTerm || cfg.URL == nil {
		return false
	}
	before := cfg.Account().RefusedBefore(cfg.URL)
	if before == nil {
		return false
	}
	fmt.Fprintf(std.err, "This password was refused for %s at %s. If it is refused again, the account may be locked. "+
		"Send it again? [y/N] ", out.mask.Text(cmp.Or(before.Account, cfg.User)), before.At.Local().Format("15:04"))
	line, _ := config.Await(ctx, func() (string, error) { return bufio.NewReader(std.in).ReadString('\n') })
	line = strings.ToLower(strings.TrimSpace(line))
	return ctx.Err() == nil && (line == "y" || line == "yes")
}

// profileSummary tells what the profile says and what was taken from it. The password may
// stand in the wrong field of the file.
func profileSummary(cfg probe.Config) string {
	p := cfg.Profile
	if p == nil {
		return ""
	}
	yes := func(on *bool) string {
		if on == nil {
			return ""
		}
		return map[bool]string{true: "yes", false: "no"}[*on]
	}
	auth := p.Auth()
	if name := p.Incoming.Protocol.Name(); name != "" {
		auth += " (" + name + ")"
	}
	vault := cfg.NewVault()
	var b strings.Builder
	b.WriteString("the exported profile says:\n")
	for _, l := range []struct{ what, setting, value string }{
		{"URL", "url", p.Incoming.Location},
		{"auto-discover", "autodiscover", yes(p.AutoDiscover)},
		{"authentication", "profile_auth", strings.TrimSpace(auth)},
		{"impersonation", "impersonate", yes(p.Incoming.Impersonation)},
		{"user", "user", p.Incoming.User},
	} {
		value, from := vault.Clean(l.value), "not used: TARGET or a flag decides, or there is nothing to use it for"
		switch {
		case l.value == "":
			value, from = "-", "not said"
		case slices.Contains(p.Taken, l.setting):
			value, from = l.value, "taken"
		}
		fmt.Fprintf(&b, "  %-15s %s (%s)\n", l.what, report.Clean(value, report.LogLimit), from)
	}
	return b.String()
}
