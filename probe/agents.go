package probe

import (
	"context"
	"net/http"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// syncFirst is the user agent of synchronization if it is in the list, else the first.
func syncFirst(agents []string) string {
	if i := slices.IndexFunc(agents, evidence.SyncAgent); i > 0 {
		return agents[i]
	}
	return append(agents, "")[0]
}

// tryDynamicsAgents asks again, once under each of Dynamics' user agents, after
// the tool's own was refused with 403: Exchange, and devices in front of it, can
// allow and block by agent. The check goes on under one that passes, that of
// synchronization before any other.
func (n *node) tryDynamicsAgents(ctx context.Context) {
	var passing []string
	for _, agent := range n.Config.DynamicsAgents {
		item, conn := n.client.Anonymous(ctx, agent, evidence.StepUserAgent)
		conn.Close()
		if item.Response != nil && item.Response.Status != http.StatusForbidden {
			passing = append(passing, agent)
		}
	}
	if len(passing) == 0 {
		return
	}
	n.close()
	n.userAgent = syncFirst(passing)
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
	return syncFirst(slices.DeleteFunc(slices.Clone(n.Config.DynamicsAgents), func(agent string) bool {
		return slices.Contains(n.refusedAtLogon, agent)
	}))
}
