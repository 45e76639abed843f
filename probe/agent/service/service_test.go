package service

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// unit writes the unit of a configuration to a file that systemd-analyze takes.
func unit(t *testing.T, secrets ...string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := Definition{Program: program, File: "/etc/ewsprobe/agent.yaml", Secrets: secrets}.Text("linux")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ewsprobe.service")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func systemdAnalyze(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestUnitIsValid(t *testing.T) {
	file := unit(t, "/etc/ewsprobe/secrets/a.txt", "/srv/50% of it/b.txt")
	if out := systemdAnalyze(t, "verify", "--man=no", file); strings.Contains(out, "ewsprobe.service") {
		t.Errorf("systemd-analyze verify has something to say:\n%s", out)
	}
}

// The threshold is that of the exposure level in tenths: 20 is 2.0.
func TestUnitIsHardened(t *testing.T) {
	systemdAnalyze(t, "security", "--offline=yes", "--threshold=20", unit(t))
}

// What the agent promises is in the unit, also where systemd is not installed.
func TestUnitKeepsWhatItPromises(t *testing.T) {
	raw, err := os.ReadFile(unit(t, "/etc/ewsprobe/secrets/a.txt", "/srv/50% of it/b.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"Type=notify", "WatchdogSec=60", "DynamicUser=yes", "StateDirectory=ewsprobe", "ProtectSystem=strict", "NoNewPrivileges=yes",
		"LoadCredential=secrets:/etc/ewsprobe/secrets", "LoadCredential=50%% of it_b.txt:/srv/50%% of it/b.txt", "RestartPreventExitStatus=3",
	} {
		if !strings.Contains(string(raw), "\n"+line+"\n") {
			t.Errorf("the unit has no line %s", line)
		}
	}
	if strings.Contains(string(raw), "a.txt") {
		t.Error("a file of the folder secrets is handed over twice")
	}
}

func TestDefinitionsAreWellFormed(t *testing.T) {
	d := Definition{Program: "/opt/R&D/ewsprobe", File: "/etc/ewsprobe/50% <agent>.yaml"}
	plist, err := d.Text("darwin")
	if err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(plist)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, plist)
		}
	}
	text, err := d.Text("linux")
	if err != nil || !strings.Contains(text, `--config "/etc/ewsprobe/50%% <agent>.yaml"`) && !strings.Contains(text, `--config /etc/ewsprobe/50%%`) {
		t.Errorf("%v in\n%s", err, text)
	}
	if text, err = d.Text("windows"); err != nil || !strings.Contains(text, "sc.exe create ewsprobe") {
		t.Errorf("%v in\n%s", err, text)
	}
	// A name must not add a line to the unit.
	for _, file := range []string{"/etc/a\nExecStartPre=/bin/sh", `/etc/a"b`, "/etc/{{.}}"} {
		for _, goos := range []string{"linux", "darwin", "windows"} {
			if _, err := (Definition{Program: "/usr/bin/ewsprobe", File: file}).Text(goos); err == nil {
				t.Errorf("%q is taken into the definition for %s", file, goos)
			}
		}
	}
	if _, err := (Definition{Program: "/p", File: "/etc/f", Secrets: []string{"/a/x/p", "/b/x/p"}}).Text("linux"); err == nil {
		t.Error("two files became one credential")
	}
}

func TestWatchdog(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "30000")
	hear := func() string {
		b := make([]byte, 100)
		if err := listener.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := listener.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	Ready()
	Stopping()
	if a, b := hear(), hear(); a != "READY=1" || b != "STOPPING=1" {
		t.Errorf("systemd heard %q and %q", a, b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Watchdog(ctx, func() bool {
			asked++
			return asked > 2 // not alive for two ticks
		})
	}()
	if got := hear(); got != "WATCHDOG=1" {
		t.Errorf("systemd heard %q", got)
	}
	cancel()
	<-ended
	if asked < 3 {
		t.Error("the watchdog was fed while the agent was not alive")
	}
}

func TestManagedEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := &managed{agent: func(ctx context.Context) error { <-ctx.Done(); return nil }, ctx: ctx, cancel: cancel, done: make(chan struct{})}
	if err := m.Start(nil); err != nil {
		t.Fatal(err)
	}
	if err := m.Stop(nil); err != nil || m.err != nil {
		t.Error(err, m.err)
	}
}
