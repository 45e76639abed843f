package service

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

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
