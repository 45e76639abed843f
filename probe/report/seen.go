package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// seenAt are the lines of one address: what was asked and what came back.
func seenAt(r Report, address string) [][2]string {
	var lines [][2]string
	add := func(label, format string, args ...any) {
		lines = append(lines, [2]string{label, fmt.Sprintf(format, args...)})
	}
	var certificate *evidence.TLS
	for _, item := range r.Evidence {
		if item.Step == evidence.StepResolve && address == "" {
			add("name resolution", "%s", outcome(item))
		}
		if item.Address != address || item.Step.Autodiscover() {
			continue
		}
		if certificate == nil && item.TLS != nil && item.TLS.Certificate != nil {
			certificate = item.TLS
		}
		if item.Logon != nil {
			continue // below
		}
		switch item.Step {
		case evidence.StepAnonymous:
			add("anonymous POST", "%s", outcome(item))
		case evidence.StepUserAgent:
			add("as Dynamics", "%s, under %s", outcome(item), item.Request.UserAgent)
		case evidence.StepAddressFamily:
			add("IPv6 address", "%s", outcome(item))
		}
	}
	for _, a := range r.Attempts {
		if a.Address == address && a.Service != "autodiscover" {
			add(a.Scheme, "%s", attempt(a))
		}
	}
	for _, n := range r.Nodes {
		if n.Address == address {
			if s := serverLine(n.Server); s != "" {
				add("server", "%s", s)
			}
		}
	}
	if certificate != nil {
		c := certificate.Certificate
		state := "trusted here"
		if !certificate.Trusted() {
			state = "NOT trusted: " + certificate.Problems[0].Text
		}
		add(certificate.Version, "%s, valid until %s, %s", certificate.ServerName, c.NotAfter.UTC().Format("2006-01-02"), state)
	}
	return lines
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(1, width-utf8.RuneCountInString(s)))
}

// outcome is an item's answer in a few words.
func outcome(item evidence.Item) string {
	r := item.Response
	if r == nil {
		if item.Error == nil {
			return "answered"
		}
		return "-    " + item.Error.Text
	}
	s := fmt.Sprintf("%d  ", r.Status)
	names := offered(r)
	switch {
	case len(names) > 0:
		s += "offers " + strings.Join(names, ", ")
	case r.Status/100 == 3:
		s += "to " + r.First("Location")
	case item.EWS.Answered():
		s += "EWS answers " + item.EWS.Code
	case r.Page != nil && r.Page.Title != "":
		s += fmt.Sprintf("a page titled %q", r.Page.Title)
	default:
		s += r.Reason
	}
	if item.Error != nil {
		s += "; then " + item.Error.Text
	}
	return strings.TrimSpace(s)
}

func attempt(a rule.Attempt) string {
	status := "-  "
	if a.Status != 0 {
		status = fmt.Sprint(a.Status)
	}
	s := status + "  "
	if a.Result != string(evidence.Skipped) {
		s += a.Account + " " + a.Result
	} else {
		s += "not sent"
	}
	switch a.Binding {
	case evidence.BindingRight:
		s += ", channel binding sent"
	case evidence.BindingNone:
		s += ", no channel binding"
	case evidence.BindingForeign:
		s += ", foreign channel binding"
	}
	if a.Why != "" {
		s += ": " + a.Why
	}
	if a.Counted {
		s += " (counts as refused)"
	}
	return s
}

func serverLine(s rule.Server) string {
	var parts []string
	add := func(format string, v string) {
		if v != "" {
			parts = append(parts, fmt.Sprintf(format, v))
		}
	}
	add("%s", s.FrontEnd)
	switch {
	case s.Product != "" && s.Version != "":
		parts = append(parts, fmt.Sprintf("%s (%s)", s.Product, s.Version))
	default:
		add("%s", s.Product)
	}
	add("domain %s", s.NetBIOSDomain)
	add("in front: %s", s.InFront)
	add("Extended Protection: %s", s.ExtendedProtection)
	add("tenant %s", s.Tenant)
	return strings.Join(parts, ", ")
}

// offered are the names of the schemes an answer offers, as sent.
func offered(r *evidence.Response) []string {
	var names []string
	for _, c := range challenge.Parse(r.Header("WWW-Authenticate")) {
		names = append(names, c.Scheme)
	}
	return names
}
