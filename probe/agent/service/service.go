// Package service makes the agent a service of the operating system: of systemd on
// Linux, of Windows, of launchd on macOS. What is installed is this package's own
// text; to install, start and stop is a library's work.
package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/kardianos/service"
)

const (
	name        = "ewsprobe"
	displayName = "ewsprobe agent"
	description = "Checks Exchange Web Services as Dynamics 365 uses it"
	// windowsUser is an account that Windows keeps for the service alone and that has
	// no password.
	windowsUser = `NT SERVICE\` + name
)

// stopWithin is how long a stop may take before it is an error.
const stopWithin = 10 * time.Second

// Service is the agent's service on this machine. Uninstall leaves configuration and
// storage.
type Service struct{ service.Service }

// New is the service of a definition.
func New(d Definition) (*Service, error) {
	unit, err := d.Text("linux")
	if err != nil {
		return nil, err
	}
	plist, err := d.Text("darwin")
	if err != nil {
		return nil, err
	}
	s, err := service.New(&managed{}, &service.Config{
		Name: name, DisplayName: displayName, Description: description,
		UserName:   map[string]string{"windows-service": windowsUser}[service.Platform()], // systemd makes one; launchd runs it as root
		Executable: d.Program, Arguments: d.arguments(),
		Option: service.KeyValue{
			"SystemdScript": unit, "LaunchdConfig": plist,
			"OnFailure": "restart", "OnFailureDelayDuration": "5s", "OnFailureResetPeriod": 86400,
		},
	})
	if err != nil {
		return nil, err
	}
	switch service.Platform() {
	case "linux-systemd", "windows-service", "darwin-launchd":
		return &Service{s}, nil
	}
	return nil, fmt.Errorf("this machine is run by %s, and the agent installs itself under systemd, Windows and launchd; "+
		"`--print` shows the unit of systemd", service.Platform())
}

// The states of the service.
const (
	Running      = "running"
	Stopped      = "stopped"
	NotInstalled = "not installed"
)

// State is how the service is.
func (s *Service) State() (string, error) {
	status, err := s.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return NotInstalled, nil
	case err != nil:
		return "", err
	case status == service.StatusRunning:
		return Running, nil
	}
	return Stopped, nil
}

// Managed says whether the service manager of Windows started this process. Elsewhere
// the managers start a service as anybody starts a program.
func Managed() bool {
	return service.Platform() == "windows-service" && !service.Interactive()
}

// Run runs the agent under the service manager of Windows until that stops it, or
// until the agent ends by itself.
func Run(ctx context.Context, agent func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &managed{agent: agent, ctx: ctx, cancel: cancel, done: make(chan struct{})}
	s, err := service.New(m, &service.Config{Name: name})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run() }()
	select {
	case err := <-ended:
		return errors.Join(m.err, err)
	case <-m.done:
	}
	// It has ended by itself, unless a stop is under way, which Run then reports. The
	// manager takes the end of the process for a failure, and starts it again.
	select {
	case err := <-ended:
		return errors.Join(m.err, err)
	case <-time.After(time.Second):
		return m.err
	}
}

// managed is an agent that the service manager starts and stops.
type managed struct {
	agent  func(context.Context) error
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when the agent has ended; then err is set
	err    error
}

// Start returns at once, as the manager demands.
func (m *managed) Start(service.Service) error {
	go func() {
		defer close(m.done)
		m.err = m.agent(m.ctx)
	}()
	return nil
}

// Stop ends the agent and waits for it.
func (m *managed) Stop(service.Service) error {
	m.cancel()
	select {
	case <-m.done:
		return nil
	case <-time.After(stopWithin):
		return errors.New("the agent did not stop in time")
	}
}

// Events takes the log of a service of Windows, of which nobody sees standard error:
// each line of package slog is an event.
type Events struct{}

func (Events) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.Contains(line, []byte("level=ERROR")) {
		level = slog.LevelError
	}
	return len(line), WriteEvent(level, 10, string(bytes.TrimSpace(line)))
}

// Ready tells systemd that the agent serves, or has reloaded its configuration.
// Where nobody listens this and the following do nothing.
func Ready() { _, _ = daemon.SdNotify(false, daemon.SdNotifyReady) }

// Reloading tells systemd that the configuration is reloaded; Ready ends it.
func Reloading() { _, _ = daemon.SdNotify(false, daemon.SdNotifyReloading) }

// Stopping tells systemd that the agent ends.
func Stopping() { _, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) }

// Watchdog tells systemd again and again that the agent is alive, as long as it is;
// it ends with ctx.
func Watchdog(ctx context.Context, alive func() bool) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval <= 0 {
		return
	}
	tick := time.NewTicker(interval / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if alive() {
				_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog)
			}
		}
	}
}
