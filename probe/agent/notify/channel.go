package notify

import (
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

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
