package rule

import (
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What the legs of a handshake show of the connection: is it kept, and by the
// same server?

// connectionLost says how the legs show that a connection is not kept, or not
// with the same server; nothing (kind "") if they do not.
func connectionLost(n *node) finding.Handshake {
	w := n.windows()
	switch {
	case w == nil:
		return finding.Handshake{}
	case w.Logon.NewChallenge:
		return finding.Handshake{Kind: "new-challenge"}
	case n.otherServer(w).Kind != "":
		return n.otherServer(w)
	case w.Step == evidence.StepSkipped && w.Logon.Detail.Is(evidence.WhyServerEnded):
		return finding.Handshake{Kind: "ended"}
	}
	if len(n.keep) == 0 {
		return finding.Handshake{}
	}
	if len(n.keep) == 1 || n.keep[1].Error != nil {
		return finding.Handshake{Kind: "not-kept"}
	}
	return n.twoServers()
}

// twoServers says that the messages of one connection were answered by two
// servers, as their challenges name themselves.
func (n *node) twoServers() finding.Handshake {
	if len(n.keep) < 2 {
		return finding.Handshake{}
	}
	first, second := n.keep[0].NTLM, n.keep[1].NTLM
	if first == nil || second == nil {
		return finding.Handshake{}
	}
	one, two := first.NetBIOSComputer, second.NetBIOSComputer
	if one == "" || two == "" || one == two {
		return finding.Handshake{}
	}
	return finding.Handshake{Kind: "two-servers", One: one, Two: two}
}

// strangers says that a refused handshake was another server's than the one that
// refused it: the refusal says nothing of the account.
func (n *node) strangers(logon *evidence.Item) bool {
	return n.otherServer(logon).Kind != "" || isWindows(logon.Logon) && n.twoServers().Kind != ""
}

// otherServer says that the third message of a handshake was answered by
// another front end than the first, on one and the same connection: what it
// refused was a stranger's handshake, not the password. (An accepted one was
// finished, whatever name signs it: front ends pass requests on.)
func (n *node) otherServer(logon *evidence.Item) finding.Handshake {
	if result(logon) != evidence.Refused {
		return finding.Handshake{}
	}
	for _, first := range n.typeOne {
		one, three := first.Response.First("X-FEServer"), logon.Response.First("X-FEServer")
		same := first.Connection != 0 && first.Connection == logon.Connection
		if same && isServerName(one) && isServerName(three) && !strings.EqualFold(one, three) {
			return finding.Handshake{Kind: "other-server", One: one, Two: three}
		}
	}
	return finding.Handshake{}
}
