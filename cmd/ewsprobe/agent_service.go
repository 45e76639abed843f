package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/service"
	"github.com/ewsprobe/ewsprobe/probe/config"
)

type serviceFlags struct {
	Config  string `common:"y" value:"FILE" help:"the configuration of the agent"`
	Print   bool   `in:"agent install" common:"y" help:"only print what would be installed: the unit of systemd, the property list of launchd, the commands for Windows"`
	Program string `in:"agent install" common:"y" value:"FILE" help:"the program that the service runs; else this one"`
}

// agentServiceCommands make the agent a service of the operating system.
func agentServiceCommands(std stdio) []*cli.Command {
	command := func(name, what, path string, do func(context.Context, *serviceFlags) error) *cli.Command {
		f := &serviceFlags{}
		return &cli.Command{
			Name: name, Usage: what, Flags: flagsOf(config.KeysOf(f, "agent "+name)),
			Description: path,
			Action: func(c *cli.Context) error {
				if err := none(c, "; the configuration is named with --config FILE"); err != nil {
					return err
				}
				return do(c.Context, f)
			},
		}
	}
	manage := func(done string, do func(*service.Service) error) func(context.Context, *serviceFlags) error {
		return func(_ context.Context, f *serviceFlags) error {
			s, err := serviceOf(service.Definition{Program: os.Args[0], File: f.Config})
			if err == nil {
				err = do(s)
			}
			if err != nil {
				return needsRights(err)
			}
			fmt.Fprintf(std.err, "ewsprobe: %s\n", done)
			return nil
		}
	}
	return []*cli.Command{
		command("install", "makes the agent a service of this machine, which starts with it",
			"On Linux it becomes the hardened unit ewsprobe.service of systemd, on Windows a service, on macOS a daemon of launchd.",
			func(ctx context.Context, f *serviceFlags) error { return installService(ctx, f, std) }),
		command("uninstall", "takes the service away; configuration and storage stay", "", manage("the service is removed; configuration and storage stay", (*service.Service).Uninstall)),
		command("start", "starts the service", "", manage("the service starts; `ewsprobe agent status` tells how it is", (*service.Service).Start)),
		command("stop", "stops the service", "", manage("the service is stopped", (*service.Service).Stop)),
		command("status", "tells whether the service runs", "Exit code: 0 running, 2 stopped, 3 not installed or not known.",
			func(_ context.Context, f *serviceFlags) error {
				s, err := serviceOf(service.Definition{Program: os.Args[0], File: f.Config})
				if err != nil {
					return err
				}
				state, err := s.State()
				if err != nil {
					return unusable("how the service is cannot be told (%v)", err)
				}
				fmt.Fprintln(std.out, state)
				switch state {
				case service.Running:
					return nil
				case service.Stopped:
					return exit(2)
				}
				return exit(3)
			}),
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
	how := "run it as root, for instance with sudo"
	if runtime.GOOS == "windows" {
		how = "run it in a PowerShell that was started as administrator"
	}
	return unusable("the service manager refuses (%v); %s", err, how)
}

func installService(ctx context.Context, f *serviceFlags, std stdio) error {
	if f.Config == "" {
		return usage("--config FILE is missing; `ewsprobe agent example` prints one to begin with")
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
		if wrong != nil && exists(d.File) {
			std.complain(fmt.Errorf("%s is not right yet, see `ewsprobe agent validate`; of the secrets only those in the folder secrets beside it are handed over", d.File))
		}
		_, err = fmt.Fprint(std.out, text)
		return err
	}
	if wrong != nil {
		return wrong
	}
	for _, name := range []string{d.Program, d.File} {
		if why := hiddenFromService(name); why != "" {
			return unusable("%s %s", name, why)
		}
	}
	s, err := serviceOf(d)
	if err == nil {
		err = s.Install()
	}
	if err != nil {
		return needsRights(err)
	}
	fmt.Fprintln(std.err, "ewsprobe: installed; `ewsprobe agent start` starts it now, and it starts with the machine")
	return nil
}

func definitionOf(f *serviceFlags) (d service.Definition, err error) {
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

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// hiddenFromService says why the service's own user does not see a file.
func hiddenFromService(name string) string {
	if runtime.GOOS != "linux" {
		return ""
	}
	for _, folder := range []string{"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"} {
		if strings.HasPrefix(name, folder) {
			return "is in " + folder + ", which the service cannot see; put the program into /usr/local/bin and the configuration into /etc/ewsprobe"
		}
	}
	if info, err := os.Stat(name); err == nil && info.Mode()&0o004 == 0 {
		return "cannot be read by the service, which has a user of its own; allow it with `chmod o+r` (what is secret belongs into files of the folder secrets, which stay closed)"
	}
	return ""
}
