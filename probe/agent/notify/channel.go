package notify

import (
	"context"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// eventSource is the name in the event log of Windows; that of the service, whose
// installation makes it known there.
const eventSource = "ewsprobe"

// RuleOf is when a channel of the configuration is told.
func RuleOf(c *agentfile.Channel) Rule {
	rule := Rule{After: c.After, Repeat: c.Repeat}
	for _, s := range c.On {
		rule.On = append(rule.On, finding.Status(s))
	}
	return rule
}

// newChannel is the way to people that a channel of the configuration names.
func newChannel(c *agentfile.Channel, version string) channel {
	switch {
	case c.Email != nil:
		return &email{Email: c.Email}
	case c.Webhook != nil:
		return webhook{Webhook: c.Webhook, version: version}
	}
	return eventLog{}
}

// Wrong is one thing that is wrong with a channel, and the key that it is about.
type Wrong struct{ Key, Text string }

// Validate says what is wrong with a channel. It reads the files that it names, and
// sends nothing.
func Validate(ctx context.Context, c *agentfile.Channel) (wrong []Wrong) {
	add := func(key, format string, args ...any) { wrong = append(wrong, Wrong{key, fmt.Sprintf(format, args...)}) }
	ways := 0
	if c.EventLog {
		ways++
		if why := checkEventLog(); why != "" {
			add("event_log", "%s", why)
		}
	}
	if h := c.Webhook; h != nil {
		ways++
		if h.URLFile == "" {
			add("webhook", "needs url_file, a file that holds the address")
		} else if _, err := hookAddress(ctx, h.URLFile); err != nil {
			add("webhook.url_file", "%v", err)
		}
		if _, err := trusted(ctx, h.CAFile); err != nil {
			add("webhook.ca_file", "%v", err)
		}
	}
	if m := c.Email; m != nil {
		ways++
		validateEmail(ctx, m, add)
	}
	if ways != 1 {
		add("", "%s names %d of email, webhook and event_log; it needs exactly one", c.Name, ways)
	}
	return wrong
}

func validateEmail(ctx context.Context, m *agentfile.Email, add func(key, format string, args ...any)) {
	host, port, err := net.SplitHostPort(m.Smarthost)
	if n, bad := strconv.Atoi(port); err != nil || host == "" || bad != nil || n < 1 || n > 65535 || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == '/' || r == '@' }) {
		add("email.smarthost", "is not HOST:PORT, like smtp.contoso.com:587")
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		add("email.from", "is not a mail address")
	}
	if len(m.To) == 0 {
		add("email.to", "names no recipient")
	}
	for _, to := range m.To {
		if _, err := mail.ParseAddress(to); err != nil {
			add("email.to", "%q is not a mail address", to)
		}
	}
	if !slices.Contains([]string{"starttls", "tls", "none"}, m.TLS) {
		add("email.tls", "is starttls, tls or none")
	}
	if m.TLS == "none" && m.User != "" && !loopback(host) {
		add("email.tls", "is none: the password would cross the network in clear; use starttls or tls, or no user")
	}
	switch {
	case m.User == "" && m.PasswordFile != "":
		add("email.user", "is missing: password_file is the password of user")
	case m.User != "" && m.PasswordFile == "":
		add("email.password_file", "is missing: user needs a password")
	case m.User != "":
		if _, err := readPassword(ctx, m.PasswordFile); err != nil {
			add("email.password_file", "%v", err)
		}
	}
	if _, err := trusted(ctx, m.CAFile); err != nil {
		add("email.ca_file", "%v", err)
	}
}
