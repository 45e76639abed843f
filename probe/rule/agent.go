package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// EWS access policies and devices in front allow and refuse by user agent, with
// 403. Exchange's own policy is asked after the sign-in only.

// agentsTried are the user agents that were tried at n and how: those answered 403,
// and those answered otherwise. The first was the tool's own.
func (n *node) agentsTried() (refused, passed []string, ids []string) {
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
			ids = append(ids, item.ID)
		}
	}
	for _, item := range slices.Concat([]*evidence.Item{n.first, n.ask}, n.agents, n.logons, n.further) {
		note(item)
	}
	// Passed without a sign-in and refused with one is refused.
	passed = slices.DeleteFunc(passed, func(agent string) bool { return slices.Contains(refused, agent) })
	return refused, passed, ids
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
	refused, passed, ids := n.agentsTried()
	if len(refused) == 0 || len(passed) == 0 || refused[0] != v.rec.Target.UserAgent || n.syncRefused() {
		return nil
	}
	h := &hit{confidence: finding.Confirmed, evidence: ids}
	h.summary = fmt.Sprintf("%s refuses this tool's user agent, but not that of Dynamics", v.at(n))
	h.detail = fmt.Sprintf("Under %q the answer was 403, under %s, which Dynamics uses, it was not. The check went on under that name.", refused[0], quoted(passed))
	if others := refused[1:]; len(others) > 0 {
		h.detail += fmt.Sprintf(" %s is refused as well: Dynamics' Test Connection, which calls so, can fail where synchronization works.", capital(quoted(others)))
	}
	return h
}

// syncAgentRefused is the part of forbidden that concerns synchronization's user
// agent alone.
func (v *view) syncAgentRefused(n *node) *hit {
	if v.elsewhere(n) || !n.syncRefused() {
		return nil
	}
	refused, passed, ids := n.agentsTried()
	return &hit{
		confidence: finding.Confirmed, evidence: ids,
		summary: fmt.Sprintf("%s forbids EWS (403) to the user agent of Dynamics' synchronization", v.at(n)),
		detail:  fmt.Sprintf("403 to %s, but not to %s. Server-side synchronization calls itself CRM/ and a version; a rule that lets only the other pass makes Test Connection work and synchronization fail.", quoted(refused), quoted(passed)),
	}
}

func quoted(agents []string) string {
	list := make([]string, len(agents))
	for i, a := range agents {
		list[i] = fmt.Sprintf("%q", a)
	}
	return strings.Join(list, " and ")
}
