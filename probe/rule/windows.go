package rule

import (
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// NTLM and Negotiate: handshakes that cannot be finished, refusals that are not
// the password's, and the channel binding.

// windowsStatus: a fault of NTLM is critical where the profile needs it, and
// where Basic offers no way around.
func (v *view) windowsStatus(n *node, withoutBasic bool) finding.Status {
	if v.windowsProfile() || withoutBasic && !n.offer("Basic") {
		return finding.Critical
	}
	return finding.Warning
}

func ntlmBroken(v *view, n *node) *hit {
	if !n.challenged() || v.isOnline(n) || v.plain() || v.kerberosOnly(n) || !n.offer("NTLM") && !n.offer("Negotiate") {
		return nil
	}
	h := confirmed("", finding.Params{Device: n.who.Device, Sign: n.who.DeviceSign})
	h.status = v.windowsStatus(n, false)
	if items := n.ticketAlone(); len(items) > 0 {
		h.cite(items...)
		h.params.Handshake.Kind = "no-challenge"
		return v.withoutNTLM(n, h)
	}
	w, lost := n.windows(), connectionLost(n)
	if h.params.Handshake = lost; lost.Kind == "" {
		if h.params.Handshake = n.unfinishedHandshake(v); h.params.Handshake.Kind == "" {
			return nil
		}
		h.cite(w)
		if w.Error != nil {
			h.confidence = finding.Likely
		}
	} else if lost.Kind != "ended" || n.who.Device != "" {
		h.use = finding.ThroughProxy
	}
	h.cite(n.typeOne...)
	h.cite(n.keep...)
	if w != nil && !slices.Contains(h.evidence, w.ID) {
		h.cite(w)
	}
	if again := n.refusedAgain(w); again != nil {
		h.cite(again)
	}
	if lost.Kind == "" && w.Logon.Scheme == "Negotiate" && w.Step == evidence.StepSkipped {
		return v.withoutNTLM(n, h)
	}
	return h
}

// ticketAlone are the first messages that got no challenge inside Negotiate where
// a Kerberos ticket is all that was there to sign in with.
func (n *node) ticketAlone() []*evidence.Item {
	if n.windows() != nil || result(n.kerberos()) != evidence.Accepted {
		return nil
	}
	var items []*evidence.Item
	for _, item := range n.typeOne {
		switch c := item.NTLM; {
		case c == nil || c.Scheme != "Negotiate":
		case c.Problem == "":
			return nil
		default:
			items = append(items, item)
		}
	}
	return items
}

// withoutNTLM is a Negotiate that gives no NTLM challenge, neither to NTLM as it
// is nor inside SPNEGO. A ticket that it accepts proves what it takes instead.
func (v *view) withoutNTLM(n *node, h *hit) *hit {
	k := n.kerberos()
	if result(k) == evidence.Accepted {
		h.cite(k)
		h.variant, h.params.Account = "kerberos", k.Logon.Account
		return h
	}
	h.variant, h.confidence = "kerberos-only", finding.Likely
	if k == nil {
		h.variant = "kerberos-untried"
	}
	return h
}

// unfinishedHandshake is a handshake that was begun for a logon and did not
// come to a decision. Where the profile's own logon got no answer at all, the
// codes of block A speak instead.
func (n *node) unfinishedHandshake(v *view) finding.Handshake {
	w := n.windows()
	own := v.windowsProfile() || !n.offer("Basic")
	switch {
	case result(w) != evidence.Unfinished, n.unsteady():
		return finding.Handshake{}
	case w.Step == evidence.StepSkipped:
		return finding.Handshake{Kind: "stopped", Error: w.Logon.Why}
	case own:
		return finding.Handshake{}
	case w.Error != nil:
		return finding.Handshake{Kind: "unanswered", Error: w.Error.Text}
	}
	return finding.Handshake{Kind: "status", Status: w.Logon.Status}
}

func ntlmRejected(v *view, n *node) *hit {
	w := n.windows()
	if result(w) != evidence.Refused || v.proved == nil || v.kerberosOnly(n) || connectionLost(n).Kind != "" {
		return nil
	}
	none := n.bound(evidence.BindingNone)
	if result(none) == evidence.Accepted {
		return nil // extended-protection
	}
	h := unsure("", finding.Params{
		Scheme: mechanism(w.Logon), Accepted: mechanism(v.proved.Logon), By: v.provedAt(n), Unbound: none != nil,
		Device: n.who.Device, Sign: n.who.DeviceSign,
	}, w, v.proved)
	h.status = v.windowsStatus(n, false)
	if n.who.Device != "" {
		h.use = finding.ThroughProxy
	}
	if none != nil {
		h.cite(none)
	}
	return h
}

func extendedProtection(v *view, n *node) *hit {
	w, none := n.windows(), n.bound(evidence.BindingNone)
	if w == nil {
		w, none = n.kerberos(), n.unboundTicket()
	}
	if bad := n.badBindings(); bad != nil && result(none) != evidence.Accepted {
		h := likely("named", finding.Params{Scheme: mechanism(bad.Logon), Notice: noticeOf(bad.Response)}, bad)
		h.status = v.windowsStatus(n, true)
		return h
	}
	differs := result(w) == evidence.Refused && w.Logon.Binding == evidence.BindingRight && result(none) == evidence.Accepted
	if !differs || connectionLost(n).Kind != "" {
		return nil
	}
	h := likely("", finding.Params{Scheme: mechanism(w.Logon), Second: v.otherCertificate(n)}, w, none)
	h.status = v.windowsStatus(n, true)
	if c := n.certificate(); c != nil {
		h.params.Certificate = c.SHA256
	}
	if h.params.Second != "" {
		h.confidence = finding.Confirmed
	}
	return h
}

// badBindings is a refused logon whose answer says that the channel binding does not fit.
func (n *node) badBindings() *evidence.Item {
	return first(n.logons, namesBadBindings)
}

func namesBadBindings(item *evidence.Item) bool {
	return result(item) == evidence.Refused && item.Response != nil && item.Response.Notice != nil && !item.Logon.Comparison &&
		slices.Contains([]string{"0x80090346", "0xC000035B"}, item.Response.Notice.Windows)
}

// otherCertificate is the hash of a certificate seen for the same name at
// another address.
func (v *view) otherCertificate(n *node) string {
	for _, o := range v.nodes {
		if a, b := n.certificate(), o.certificate(); a != nil && b != nil && a.SHA256 != b.SHA256 {
			return b.SHA256
		}
	}
	return ""
}

// What the steps of a handshake show of the connection: is it kept, and by the
// same server?

// connectionLost says how the steps show that a connection is not kept, or not
// with the same server; nothing (kind "") if they do not.
func connectionLost(n *node) finding.Handshake {
	switch w := n.windows(); {
	case w == nil:
	case w.Logon.NewChallenge:
		return finding.Handshake{Kind: "new-challenge"}
	case n.otherServer(w).Kind != "":
		return n.otherServer(w)
	case w.Step == evidence.StepSkipped && w.Logon.Detail.Is("server-ended"):
		return finding.Handshake{Kind: "ended"}
	case n.refusedAgain(w) != nil:
		return finding.Handshake{Kind: "refused-again"}
	case len(n.keep) == 1, len(n.keep) > 1 && n.keep[1].Error != nil:
		return finding.Handshake{Kind: "not-kept"}
	default:
		return n.twoServers()
	}
	return finding.Handshake{}
}

// refusedAgain is a logon that was refused as another call was made, after the same one
// was accepted.
func (n *node) refusedAgain(w *evidence.Item) *evidence.Item {
	return first(n.further, func(item *evidence.Item) bool {
		l := item.Logon
		return result(w) == evidence.Accepted && result(item) == evidence.Refused && l.Scheme == w.Logon.Scheme && l.Binding == w.Logon.Binding
	})
}

// twoServers says that the messages of one connection were answered by two
// servers, as their challenges name themselves.
func (n *node) twoServers() (h finding.Handshake) {
	if len(n.keep) < 2 || n.keep[0].NTLM == nil || n.keep[1].NTLM == nil {
		return h
	}
	if one, two := n.keep[0].NTLM.NetBIOSComputer, n.keep[1].NTLM.NetBIOSComputer; one != "" && two != "" && one != two {
		h = finding.Handshake{Kind: "two-servers", One: one, Two: two}
	}
	return h
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
func (n *node) otherServer(logon *evidence.Item) (h finding.Handshake) {
	for _, first := range n.typeOne {
		same := result(logon) == evidence.Refused && first.Connection != 0 && first.Connection == logon.Connection
		one, three := first.Response.First("X-FEServer"), logon.Response.First("X-FEServer")
		if same && isServerName(one) && isServerName(three) && !strings.EqualFold(one, three) {
			return finding.Handshake{Kind: "other-server", One: one, Two: three}
		}
	}
	return h
}
