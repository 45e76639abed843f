package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// profileStory tells what the profile says and what was taken from it. The
// password may stand in the wrong field of the file.
func profileStory(cfg probe.Config) string {
	p := cfg.Profile
	if p == nil {
		return ""
	}
	vault := cfg.NewVault()
	var b strings.Builder
	line := func(what, setting, value string) {
		from := "not used: TARGET or a flag decides, or there is nothing to use it for"
		if slices.Contains(p.Taken, setting) {
			from = "taken"
		}
		if value == "" {
			value, from = "-", "not said"
		} else if from != "taken" {
			value = vault.Clean(value)
		}
		fmt.Fprintf(&b, "  %-15s %s (%s)\n", what, report.Clean(value, report.LogLimit), from)
	}
	auth := p.Auth()
	if name := p.Incoming.Protocol.Name(); name != "" {
		auth += " (" + name + ")"
	}
	impersonate := ""
	if on := p.Incoming.Impersonation; on != nil {
		impersonate = map[bool]string{true: "yes", false: "no"}[*on]
	}
	auto := ""
	if on := p.AutoDiscover; on != nil {
		auto = map[bool]string{true: "yes", false: "no"}[*on]
	}
	b.WriteString("the exported profile says:\n")
	line("URL", "url", p.Incoming.Location)
	line("auto-discover", "autodiscover", auto)
	line("authentication", "profile_auth", strings.TrimSpace(auth))
	line("impersonation", "impersonate", impersonate)
	line("user", "user", p.Incoming.User)
	return b.String()
}
