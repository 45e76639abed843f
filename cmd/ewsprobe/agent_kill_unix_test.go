//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
)

// Killed at any moment, an agent sends a refused password no more often than
// max_rejections allows, loses no run, and tells each change once.
func TestKilledAgent(t *testing.T) {
	t.Parallel()
	s, err := standin.Start(standin.Behaviour{Basic: true, NTLM: true, Negotiate: true}, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ca.pem": string(s.CA()), "password.txt": "wrong\n",
		"agent.yaml": fmt.Sprintf("storage: store\nlisten: 127.0.0.1:0\ntargets:\n"+
			"  - {name: a, target: %s, address: ['%s'], ca_file: ca.pem, user: %s, password_file: password.txt, interval: 2s, anonymous_interval: 1s}\n",
			standin.Host, s.Addresses()[0], standin.UPN),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	begin := func() *exec.Cmd {
		t.Helper()
		cmd := exec.Command(built(), "agent", "run", "--config", filepath.Join(dir, "agent.yaml"))
		cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(dir, "state"))
		cmd.Stderr = t.Output()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		return cmd
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("never: %s", what)
			}
		}
	}
	stored := func() int { // by nobody who writes
		store, err := history.Open(filepath.Join(dir, "store"), func(aside string, why error) { t.Errorf("the history is damaged: %v", why) })
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		runs, _, err := store.Runs(t.Context(), "a", history.Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		list, _, err := store.Transitions(t.Context(), "", 0, 0)
		for i := 1; err == nil && i < len(list); i++ {
			if list[i].To != list[i-1].From {
				t.Errorf("a change is told twice, or not at all: %+v", list)
			}
		}
		return len(runs)
	}
	before := 0
	for round := range 3 {
		asked := len(s.View().Requests)
		cmd := begin()
		until("a logon, or more anonymous requests", func() bool {
			v := s.View()
			return round == 0 && v.BadLogons > 0 || len(v.Requests) > asked+12
		})
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if now := stored(); now < before {
			t.Errorf("%d runs are stored, and %d were before", now, before)
		} else {
			before = now
		}
	}
	if bad := s.View().BadLogons; bad < 1 || bad > 2 {
		t.Errorf("%d refused logons", bad)
	}
	cmd, began := begin(), time.Now()
	asked := len(s.View().Requests)
	until("an anonymous request", func() bool { return len(s.View().Requests) > asked })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || time.Since(began) > 30*time.Second {
		t.Errorf("SIGTERM: %v after %s", err, time.Since(began))
	}
}
