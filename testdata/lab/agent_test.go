//go:build lab && linux

package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestAgentLocksNobodyOut: an agent with a wrong password, three targets of one
// account, a run each second, killed and started again in the middle, has spent at
// most two logons when it is done. The domain locks after three.
func TestAgentLocksNobodyOut(t *testing.T) {
	defer exclusive(t).Close()
	d, program, dir := openDomain(t), build(t), t.TempDir()
	d.ask(t, "unlock", "svc-victim")
	const at = "127.0.0.20:8480" // of the laboratory: no connection is given it meanwhile
	configuration := "listen: " + at + "\nstorage: history\n" +
		"defaults: {interval: 1s, anonymous_interval: 1s, password_file: p.txt, ca_file: " + state + "/pki/ca.pem, address: [127.0.0.20]}\ntargets:\n"
	targets := []struct{ name, port, user, auth string }{
		{"all", "8441", "svc-victim@contoso.lab", "basic"},
		{"basic", "8443", "svc-victim@contoso.lab", "basic"},
		{"windows", "8442", `CONTOSO\svc-victim`, "ntlm"},
	}
	for _, x := range targets {
		configuration += fmt.Sprintf("  - {name: %s, target: 'https://mail.contoso.lab:%s/EWS/Exchange.asmx', user: '%s', profile_auth: %s}\n", x.name, x.port, x.user, x.auth)
	}
	for name, text := range map[string]string{"agent.yaml": configuration, "p.txt": wrong} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := func() *exec.Cmd {
		cmd := exec.Command(program, "agent", "run", "--config", filepath.Join(dir, "agent.yaml"))
		cmd.Env, cmd.Stderr = append(os.Environ(), "XDG_STATE_HOME="+dir), os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	// await waits until each target has so many runs more than before, or is withheld.
	await := func(what string, done func(map[string]target) bool) {
		t.Helper()
		for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if list := targetsOf(at); len(list) == len(targets) && done(list) {
				return
			}
		}
		t.Fatalf("%s never came: %+v", what, targetsOf(at))
	}
	withheld := func(list map[string]target) bool {
		for _, x := range list {
			if x.Withheld == nil {
				return false
			}
		}
		return true
	}
	later := func(runs int64) func(map[string]target) bool {
		before := targetsOf(at)
		return func(list map[string]target) bool {
			for name, x := range list {
				if x.LastRun < before[name].LastRun+runs {
					return false
				}
			}
			return withheld(list)
		}
	}
	agent := start()
	await("the first refusal", func(map[string]target) bool { return d.ask(t, "get", "svc-victim") > 0 })
	agent.Process.Kill()
	agent.Wait()
	agent = start()
	defer func() { agent.Process.Kill(); agent.Wait() }()
	await("that the password is withheld", withheld)
	await("twenty further runs of each target", later(60))
	// A logon that the kill stopped before it reached the domain was entered all the
	// same: then the domain counts one less than the budget.
	if got := d.ask(t, "get", "svc-victim"); got != 1 && got != 2 {
		t.Errorf("the domain counted %d bad logons, the budget is 2", got)
	}
	check := exec.Command(program, "check", "--ca-file", state+"/pki/ca.pem", "--address", "127.0.0.20", "--user", "svc-victim@contoso.lab", "https://mail.contoso.lab:8443/EWS/Exchange.asmx")
	check.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "EWSPROBE_PASSWORD="+secret)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("the account does not sign in any more: %v\n%s", err, out)
	}
}

type target struct {
	Name     string
	LastRun  int64 `json:"last_run_id"`
	Withheld *struct{ Why string }
}

// targetsOf is what an agent says of its targets; nothing while it does not answer.
func targetsOf(at string) map[string]target {
	answer, err := http.Get("http://" + at + "/api/v1/targets")
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	var list struct{ Targets []target }
	if json.NewDecoder(answer.Body).Decode(&list) != nil {
		return nil
	}
	byName := map[string]target{}
	for _, x := range list.Targets {
		byName[x.Name] = x
	}
	return byName
}
