// Package demo has targets for an agent that is to be tried: servers of the stand-in that
// change their state now and then.
package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/config"
)

// Every is how often one of the targets changes its state.
const Every = 40 * time.Second

// targets have their keys, and the scenarios of the stand-in that they go through.
var targets = [...]struct {
	name, keys string
	scenarios  []string
}{
	{"mail-inside", "endpoint: mail\n    labels: {site: fra}", []string{"basic-on", "basic-off"}},
	{"mail-gateway", "endpoint: mail\n    labels: {site: dmz}", []string{"basic-on", "basic-off-behind-gateway", "basic-on", "redirect-form"}},
	{
		"branch", "labels: {site: par}\n    mailbox: " + standin.Mailbox + "\n    impersonate: true",
		[]string{"impersonated-mailbox", "unavailable-503", "impersonated-mailbox", "impersonation-denied"},
	},
}

// Start starts a stand-in for each target, and writes a configuration for them
// into a temporary folder, where everything that the agent keeps lies too. The
// targets change their state every so often until end is called, which removes it
// all.
func Start(ctx context.Context, every time.Duration) (file string, end func(), err error) {
	dir, err := os.MkdirTemp("", "ewsprobe-demo-")
	if err != nil {
		return "", nil, config.Unusable("a temporary folder cannot be made (%s); set TMPDIR", config.Reason(err))
	}
	ctx, cancel := context.WithCancel(ctx)
	var changing sync.WaitGroup
	var servers []*standin.Server
	end = func() {
		cancel()
		changing.Wait()
		for _, s := range servers {
			s.Close()
		}
		os.RemoveAll(dir)
	}
	var yaml strings.Builder
	fmt.Fprintf(&yaml, "# The demo of `ewsprobe agent run --demo`: it is gone when that ends.\nlisten: 127.0.0.1:0\nstorage: .\n"+
		"defaults: {interval: 15s, anonymous_interval: 5s, user: %s, password_file: password.txt}\ntargets:\n", standin.UPN)
	err = os.WriteFile(filepath.Join(dir, "password.txt"), []byte(standin.Password+"\n"), 0o600)
	for _, t := range targets {
		server, wrong := standin.Start(behaviourOf(t.scenarios[0]), standin.Options{})
		if err = errors.Join(err, wrong); err != nil {
			break
		}
		servers = append(servers, server)
		err = os.WriteFile(filepath.Join(dir, t.name+".pem"), server.CA(), 0o600)
		fmt.Fprintf(&yaml, "  - name: %s\n    target: %s\n    address: [%q]\n    ca_file: %s.pem\n    %s\n",
			t.name, server.URL(), server.Addresses()[0], t.name, t.keys)
	}
	file = filepath.Join(dir, "agent.yaml")
	if err = errors.Join(err, os.WriteFile(file, []byte(yaml.String()), 0o600)); err != nil {
		end()
		return "", nil, config.Unusable("the demo cannot be started (%s)", config.Reason(err))
	}
	changing.Go(func() {
		change := time.NewTicker(every)
		defer change.Stop()
		for turn := 0; ; turn++ {
			select {
			case <-ctx.Done():
				return
			case <-change.C:
			}
			i := turn % len(servers)
			next := targets[i].scenarios
			servers[i].Behave(behaviourOf(next[(turn/len(servers)+1)%len(next)]))
		}
	})
	return file, end, nil
}

func behaviourOf(scenario string) standin.Behaviour {
	s, ok := standin.Find(scenario)
	if !ok {
		panic("there is no scenario " + scenario) // a test starts them all
	}
	return s.Behaviour
}
