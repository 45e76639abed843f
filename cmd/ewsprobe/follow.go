package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

const followLimit = 500

// follower tells the story of a check leg by leg; at level 2 it shows the wire.
// Items come cleaned of secrets; what a server wrote is made harmless here.
func follower(w io.Writer, level int) func(evidence.Item) {
	return func(item evidence.Item) {
		fmt.Fprintln(w, storyLine(item))
		if level > 1 {
			showWire(w, item)
		}
	}
}

func storyLine(item evidence.Item) string {
	var end []string
	where := item.Address
	if item.Connection > 0 {
		where += fmt.Sprintf(" (connection %d)", item.Connection)
	}
	if item.Step == evidence.StepProfile {
		end = append(end, "the exported e-mail server profile was read")
	}
	took := ""
	if item.Timing.Total != nil {
		took = fmt.Sprintf(" after %.0f ms", *item.Timing.Total)
	}
	if item.Response != nil {
		end = append(end, fmt.Sprintf("%d%s", item.Response.Status, took))
	}
	if item.Error != nil {
		end = append(end, item.Error.Error())
	}
	if r := item.Resolution; r != nil {
		end = append(end, strings.Join(r.Addresses, ", "))
	}
	if n := item.NTLM; n != nil {
		if n.Problem != "" {
			end = append(end, n.Problem)
		} else {
			end = append(end, fmt.Sprintf("challenge from %s in %s, Windows build %s", n.NetBIOSComputer, n.NetBIOSDomain, n.OSBuild))
		}
	}
	if item.AtDirectory() {
		end = []string{report.Directory(item)} // errors and addresses included
		return report.Clean(fmt.Sprintf("%-4s %-15s %s", item.ID, item.Step, strings.Join(end, "; ")), followLimit)
	}
	if l := item.Logon; l != nil {
		end = append(end, strings.TrimSpace(fmt.Sprintf("%s %s%s", l.Scheme, l.Result, counts(l))))
		if l.Why != "" {
			end = append(end, l.Why)
		}
	}
	if c := item.Cloud; c != nil {
		where = c.Host
		if item.Error == nil {
			end = append(end, report.LookUp(item))
		}
	}
	if item.EWS.Answered() {
		said := "EWS answers " + item.EWS.Code
		if r := item.Request; r != nil && r.Purpose != "" {
			said += " to " + r.Operation
		}
		end = append(end, said)
	}
	if s := report.Discovered(item.Discovery); s != "" {
		end = append(end, s)
	}
	if s := report.ServicePoints(item); s != "" {
		end = append(end, s)
	}
	if item.ClosedBy != "" {
		end = append(end, "connection ended by the "+item.ClosedBy)
	}
	return report.Clean(fmt.Sprintf("%-4s %-15s %s: %s", item.ID, item.Step, where, strings.Join(end, "; ")), followLimit)
}

func counts(l *evidence.Logon) string {
	s := ""
	if l.Binding != "" {
		s = ", channel binding " + l.Binding
	}
	if l.Counted {
		s += ", counted as a bad logon"
	}
	return s
}

func showWire(w io.Writer, item evidence.Item) {
	line := func(mark, format string, args ...any) {
		fmt.Fprintln(w, report.Clean("     "+mark+" "+fmt.Sprintf(format, args...), followLimit))
	}
	if t := item.TLS; t != nil && t.Certificate != nil {
		line("*", "%s, %s, certificate %s of %s, SHA-256 %s", t.Version, t.CipherSuite, t.Certificate.Subject, t.Certificate.Issuer, t.Certificate.SHA256)
	}
	if r := item.Request; r != nil {
		line(">", "%s %s", r.Method, r.URL)
		line(">", "User-Agent: %s", r.UserAgent)
		for _, h := range r.Headers {
			line(">", "%s: %s", h[0], h[1])
		}
		if r.Authorization != "" {
			line(">", "Authorization: [%s]", r.Authorization)
		}
		if r.BodyBytes > 0 {
			line(">", "[%s, %d bytes]", r.Operation, r.BodyBytes)
		}
	}
	r := item.Response
	if r == nil {
		return
	}
	line("<", "%s %d %s", r.Proto, r.Status, r.Reason)
	for _, h := range r.Headers {
		line("<", "%s: %s", h[0], h[1])
	}
	switch {
	case r.Withheld != "":
		line("<", "[%d bytes; %s]", r.BodyBytes, r.Withheld)
	case r.Body != "":
		line("<", "%s", r.Body)
	}
}

// profileStory tells what the profile says and what was taken from it. The
// password may stand in the wrong field of the file.
func profileStory(p *evidence.Profile, password string) string {
	if p == nil {
		return ""
	}
	vault := &secret.Vault{}
	vault.AddText(password)
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
		fmt.Fprintf(&b, "  %-15s %s (%s)\n", what, report.Clean(value, followLimit), from)
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
