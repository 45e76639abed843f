package rule

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// What the legs of a handshake show of the connection: is it kept, and by the
// same server?

// connectionLost says how the legs show that a connection is not kept, or not
// with the same server; "" if they do not.
func connectionLost(n *node) string {
	w := n.windows()
	switch {
	case w == nil:
		return ""
	case w.Logon.NewChallenge:
		return "The third message of the handshake was answered with a new challenge instead of a decision: it reached a server that had not made the first one."
	case n.otherServer(w) != "":
		return n.otherServer(w)
	case w.Step == evidence.StepSkipped && w.Logon.Detail.Is(evidence.WhyServerEnded):
		return "The server ended the connection between its challenge and the answer to it. No password was sent."
	}
	if len(n.keep) == 0 {
		return ""
	}
	if len(n.keep) == 1 || n.keep[1].Error != nil {
		return "Two first messages were sent on one connection: the second got no answer, so the connection is not kept between the legs."
	}
	return n.twoServers()
}

// twoServers says that the messages of one connection were answered by two
// servers, as their challenges name themselves.
func (n *node) twoServers() string {
	if len(n.keep) < 2 {
		return ""
	}
	first, second := n.keep[0].NTLM, n.keep[1].NTLM
	if first != nil && second != nil && first.NetBIOSComputer != "" && second.NetBIOSComputer != "" && first.NetBIOSComputer != second.NetBIOSComputer {
		return fmt.Sprintf("Two first messages on one connection were answered by different servers (%s and %s).", first.NetBIOSComputer, second.NetBIOSComputer)
	}
	return ""
}

// strangers says that a refused handshake was another server's than the one that
// refused it: the refusal says nothing of the account.
func (n *node) strangers(logon *evidence.Item) bool {
	return n.otherServer(logon) != "" || isWindows(logon.Logon) && n.twoServers() != ""
}

// otherServer says that the third message of a handshake was answered by
// another front end than the first, on one and the same connection: what it
// refused was a stranger's handshake, not the password. (An accepted one was
// finished, whatever name signs it: front ends pass requests on.)
func (n *node) otherServer(logon *evidence.Item) string {
	if result(logon) != evidence.Refused {
		return ""
	}
	for _, first := range n.typeOne {
		one, three := first.Response.First("X-FEServer"), logon.Response.First("X-FEServer")
		if first.Connection != 0 && first.Connection == logon.Connection && isServerName(one) && isServerName(three) && !strings.EqualFold(one, three) {
			return fmt.Sprintf("The first message of the handshake was answered by %s, the third, on the same connection, by %s, which knew nothing of it.", one, three)
		}
	}
	return ""
}
