package probe

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// syncAgent says whether a user agent is one of server-side synchronization
// itself, as opposed to that of Test Connection: EWS access policies name it
// CRM/*.
func syncAgent(agent string) bool {
	return len(agent) >= 4 && strings.EqualFold(agent[:4], "CRM/")
}

// tryDynamicsAgents asks again, once under each of Dynamics' user agents, after
// the tool's own was refused with 403: Exchange, and devices in front of it, can
// allow and block by agent. The check goes on under one that passes, that of
// synchronization before any other.
func (n *node) tryDynamicsAgents(ctx context.Context) {
	passing := ""
	for _, agent := range n.Config.DynamicsAgents {
		item, conn := n.client.Anonymous(ctx, agent, evidence.StepUserAgent)
		conn.Close()
		if item.Response == nil || item.Response.Status == http.StatusForbidden {
			continue
		}
		if passing == "" || syncAgent(agent) && !syncAgent(passing) {
			passing = agent
		}
	}
	if passing == "" {
		return
	}
	n.close()
	n.userAgent = passing
	n.ask(ctx)
}

// nextAgent is the user agent under which a logon that was answered 403 is made
// again: each of Dynamics' once, that of synchronization first, since one more
// logon may be all that is allowed. "" when none is left.
func (n *node) nextAgent() string {
	n.refusedAtLogon = append(n.refusedAtLogon, n.userAgent)
	if n.Config.NoUserAgentProbe {
		return ""
	}
	next := ""
	for _, agent := range n.Config.DynamicsAgents {
		if slices.Contains(n.refusedAtLogon, agent) {
			continue
		}
		if next == "" || syncAgent(agent) && !syncAgent(next) {
			next = agent
		}
	}
	return next
}
