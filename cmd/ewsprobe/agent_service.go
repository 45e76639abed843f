package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/metrics"
	"github.com/ewsprobe/ewsprobe/probe/agent/outbound"
	"github.com/ewsprobe/ewsprobe/probe/agent/service"
	"github.com/ewsprobe/ewsprobe/probe/agent/web"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// configFlag names the configuration.
type configFlag struct {
	Config string `common:"y" value:"FILE" help:"the configuration of the agent; ewsprobe agent example prints one to start with"`
}

type installFlags struct {
	configFlag

	Print   bool   `common:"y" help:"only print what would be installed: the systemd unit, the launchd property list or the Windows commands"`
	Program string `common:"y" value:"FILE" help:"the program that the service runs (default: this one)"`
}

// ofAgent is a command of the agent that takes no argument.
func ofAgent(name string, flags any, do func(context.Context) error) *cli.Command {
	return bare("agent "+name, flags, "; name the configuration with --config FILE", do)
}

// agentServiceCommands make the agent a service of the operating system.
func agentServiceCommands(std stdio) []*cli.Command {
	manage := func(name, done string, do func(*service.Service) error) *cli.Command {
		f := &configFlag{}
		return ofAgent(name, f, func(context.Context) error {
			s, err := serviceOf(service.Definition{Program: os.Args[0], File: f.Config})
			if err != nil {
				return err
			}
			if err := do(s); err != nil {
				return needsRights(err)
			}
			fmt.Fprintf(std.err, "ewsprobe: %s\n", done)
			return nil
		})
	}
	install, status := &installFlags{}, &configFlag{}
	return []*cli.Command{
		ofAgent("install", install, func(ctx context.Context) error { return installService(ctx, install, std) }),
		manage("uninstall", "the service is removed; configuration and storage stay", (*service.Service).Uninstall),
		manage("start", "the service starts; see `ewsprobe agent status`", (*service.Service).Start),
		manage("stop", "the service is stopped", (*service.Service).Stop),
		ofAgent("status", status, func(ctx context.Context) error { return serviceStatus(ctx, status, std) }),
	}
}

func serviceOf(d service.Definition) (*service.Service, error) {
	s, err := service.New(d)
	if err != nil {
		return nil, unusable("%v", err)
	}
	return s, nil
}

// needsRights says what helps where the operating system refuses.
func needsRights(err error) error {
	how := "run the command as root, for example with sudo"
	if runtime.GOOS == "windows" {
		how = "run the command in a PowerShell started as administrator"
	}
	return unusable("the service manager refused (%v); %s", err, how)
}

func installService(ctx context.Context, f *installFlags, std stdio) error {
	if f.Config == "" {
		return usage("--config FILE is missing; `ewsprobe agent example` prints one to start with")
	}
	d, err := definitionOf(f)
	if err != nil {
		return unusable("%v", err)
	}
	file, wrong := agentfile.Load(ctx, d.File, version(), std.env)
	if wrong == nil {
		d.Secrets = file.Secrets()
	}
	if f.Print {
		text, err := d.Text(runtime.GOOS)
		if err != nil {
			return unusable("%v", err)
		}
		if _, gone := os.Stat(d.File); wrong != nil && gone == nil {
			std.complain(fmt.Errorf("%s is not valid, see `ewsprobe agent validate`; "+
				"the unit passes on only the secrets in the folder secrets beside it", d.File))
		}
		_, err = fmt.Fprint(std.out, text)
		return err
	}
	if wrong != nil {
		return complainEach(wrong, std)
	}
	for _, name := range []string{d.Program, d.File} {
		if why := hiddenFromService(name); why != "" {
			return unusable("%s %s", name, why)
		}
	}
	s, err := serviceOf(d)
	if err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return needsRights(err)
	}
	fmt.Fprintln(std.err, "ewsprobe: the service is installed and starts with the machine; to start it now: `ewsprobe agent start`")
	return nil
}

func definitionOf(f *installFlags) (d service.Definition, err error) {
	if d.Program = f.Program; d.Program == "" {
		if d.Program, err = os.Executable(); err == nil {
			d.Program, err = filepath.EvalSymlinks(d.Program)
		}
	} else if !filepath.IsAbs(d.Program) {
		err = fmt.Errorf("--program %q is not an absolute path", f.Program)
	}
	if err == nil {
		d.File, err = filepath.Abs(f.Config)
	}
	return d, err
}

// hiddenFromService says why the service's own user does not see a file.
func hiddenFromService(name string) string {
	if runtime.GOOS != "linux" {
		return ""
	}
	for _, folder := range []string{"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"} {
		if strings.HasPrefix(name, folder) {
			return "is in " + folder + ", which the service cannot read; " +
				"put the program in /usr/local/bin and the configuration in /etc/ewsprobe"
		}
	}
	if info, err := os.Stat(name); err == nil && info.Mode()&0o004 == 0 {
		return "cannot be read by the service, which has its own user; run `chmod o+r` on it, " +
			"and keep secrets in files of the folder secrets beside it"
	}
	return ""
}

func serviceStatus(ctx context.Context, f *configFlag, std stdio) error {
	state := service.NotInstalled
	s, err := service.New(service.Definition{Program: os.Args[0], File: f.Config})
	if err == nil {
		state, err = s.State()
	}
	if state != service.Running && f.Config != "" {
		file, wrong := agentfile.Load(ctx, f.Config, version(), std.env)
		if wrong != nil {
			return complainEach(wrong, std)
		}
		if code, wrong := outbound.Local(ctx, "GET", file.Listen, "/healthz"); wrong == nil && code == 200 {
			fmt.Fprintln(std.out, service.Running+", not as a service")
			return nil
		}
	}
	if err != nil {
		return unusable("the state of the service is unknown: %v", err)
	}
	fmt.Fprintln(std.out, state)
	if code := map[string]int{service.Stopped: 2, service.NotInstalled: 3}[state]; code != 0 {
		return exit(code)
	}
	return nil
}

// releaseCommand lets a withheld credential be used again.
func releaseCommand(std stdio) *cli.Command {
	f := &configFlag{}
	return command("agent release", f, func(c *cli.Context) error {
		name, err := one(c, "the name of the target")
		if err != nil {
			return err
		}
		file, err := loadAgent(c.Context, f.Config, std)
		if err != nil {
			return complainEach(err, std)
		}
		t := file.Find(name)
		if t == nil {
			return usage("%s has no target %q", file.Name, name)
		}
		code, err := outbound.Local(c.Context, "POST", file.Listen, "/api/v1/targets/"+name+"/release")
		if err == nil && code >= 200 && code < 300 {
			fmt.Fprintf(std.err, "ewsprobe: the agent uses the credential of %s again\n", name)
			return nil
		}
		dir, err := lockout.DefaultDir(std.env)
		if err == nil {
			err = agent.Release(t.Check, dir)
		}
		if err != nil {
			return unusable("the count of refused logons cannot be set to zero (%v)", err)
		}
		fmt.Fprintf(std.err, "ewsprobe: no agent answers; the count of refused logons for the account of %s is now zero (in %s)\n", name, dir)
		return nil
	})
}

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
				return nil, complainEach(err, std)
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
