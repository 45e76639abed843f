package rule

import (
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// EWS access policies and devices in front allow and refuse by user agent, with
// 403. Exchange's own policy is asked after the sign-in only.

// agentsTried are the user agents that were tried at n and how: those answered 403,
// and those answered otherwise. The first was the tool's own.
func (n *node) agentsTried() (refused, passed []string, items []*evidence.Item) {
	note := func(item *evidence.Item) {
		if item == nil || item.Request == nil || item.Response == nil {
			return
		}
		list := &passed
		if item.Response.Status == 403 {
			list = &refused
		}
		if agent := item.Request.UserAgent; !slices.Contains(*list, agent) {
			*list = append(*list, agent)
			items = append(items, item)
		}
	}
	for _, item := range slices.Concat([]*evidence.Item{n.first, n.ask}, n.agents, n.logons, n.further) {
		note(item)
	}
	// Passed without a sign-in and refused with one is refused.
	passed = slices.DeleteFunc(passed, func(agent string) bool { return slices.Contains(refused, agent) })
	return refused, passed, items
}

// isSyncAgent: synchronization itself calls under CRM/*, Test Connection under
// another name.
func isSyncAgent(agent string) bool {
	return len(agent) >= 4 && strings.EqualFold(agent[:4], "CRM/")
}

// syncRefused: synchronization's own user agent is refused although another one
// passes.
func (n *node) syncRefused() bool {
	refused, passed, _ := n.agentsTried()
	return slices.ContainsFunc(refused, isSyncAgent) && len(passed) > 0 && n.status() != 403
}

func userAgentRefused(v *view, n *node) *hit {
	refused, passed, items := n.agentsTried()
	if len(refused) == 0 || len(passed) == 0 || refused[0] != v.rec.Target.UserAgent || n.syncRefused() {
		return nil
	}
	return confirmed("", finding.Params{At: v.at(n), Agents: refused, Passed: passed}, items...)
}

// syncAgentRefused is the part of forbidden that concerns synchronization's user
// agent alone.
func (v *view) syncAgentRefused(n *node) *hit {
	if v.elsewhere(n) || !n.syncRefused() {
		return nil
	}
	refused, passed, items := n.agentsTried()
	return confirmed("synchronization", finding.Params{At: v.at(n), Agents: refused, Passed: passed}, items...)
}
