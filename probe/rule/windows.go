package rule

import (
	"fmt"
	"slices"

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
	h := &hit{status: v.windowsStatus(n, false), confidence: finding.Confirmed}
	if ids := n.ticketAlone(); len(ids) > 0 {
		h.evidence = ids
		h.detail = "NTLM inside Negotiate was asked for a challenge, which costs no logon, and got none."
		return v.withoutNTLM(n, h)
	}
	if lost := connectionLost(n); lost != "" {
		h.detail = lost
	} else if why, ids := n.unfinishedHandshake(v); why != "" {
		h.detail, h.evidence = why, ids
		if w := n.windows(); w != nil && w.Error != nil {
			h.confidence = finding.Likely
		}
	} else {
		return nil
	}
	for _, item := range slices.Concat(n.typeOne, n.keep) {
		h.evidence = append(h.evidence, item.ID)
	}
	if w := n.windows(); w != nil && !slices.Contains(h.evidence, w.ID) {
		h.evidence = append(h.evidence, w.ID)
	}
	if w := n.windows(); w != nil && w.Logon.Scheme == "Negotiate" && w.Step == evidence.StepSkipped && connectionLost(n) == "" {
		return v.withoutNTLM(n, h)
	}
	h.summary = fmt.Sprintf("The NTLM handshake with %s cannot be finished", v.at(n))
	h.detail += " NTLM signs in a connection, not a request: whatever stands in front must keep the client's connection tied to one connection to one server."
	if d := n.who.Device; d != "" {
		h.detail += fmt.Sprintf(" %s seems to stand in front (%s).", capital(d), n.who.DeviceSign)
	}
	return h
}

// ticketAlone are the first messages that got no challenge inside Negotiate where
// a Kerberos ticket is all that was there to sign in with.
func (n *node) ticketAlone() []string {
	if n.windows() != nil || result(n.kerberos()) != evidence.Accepted {
		return nil
	}
	var ids []string
	for _, item := range n.typeOne {
		switch c := item.NTLM; {
		case c == nil || c.Scheme != "Negotiate":
		case c.Problem == "":
			return nil
		default:
			ids = append(ids, item.ID)
		}
	}
	return ids
}

// withoutNTLM is a Negotiate that gives no NTLM challenge, neither to NTLM as it
// is nor inside SPNEGO. A ticket that it accepts proves what it takes instead.
func (v *view) withoutNTLM(n *node, h *hit) *hit {
	const never = " Dynamics online sees no domain controller and can never use Kerberos: for it this endpoint has no Windows authentication at all."
	if k := n.kerberos(); result(k) == evidence.Accepted {
		h.evidence = append(h.evidence, k.ID)
		h.summary = fmt.Sprintf("Negotiate on %s takes Kerberos and no NTLM, so Dynamics online cannot sign in", v.at(n))
		h.detail += fmt.Sprintf(" With a Kerberos ticket %s signs in.", k.Logon.Account) + never
		return h
	}
	h.confidence = finding.Likely
	h.summary = fmt.Sprintf("Negotiate on %s gives no NTLM challenge: it may take Kerberos only", v.at(n))
	h.detail += " A virtual directory whose Negotiate takes Kerberos alone answers so, and so does a device that breaks the handshake." + never
	if n.kerberos() == nil {
		h.detail += " Whether Kerberos works here was not tried (--domain or --dc name the domain to get a ticket from)."
	}
	return h
}

// unfinishedHandshake is a handshake that was begun for a logon and did not
// come to a decision. Where the profile's own logon got no answer at all, the
// codes of block A speak instead.
func (n *node) unfinishedHandshake(v *view) (why string, ids []string) {
	w := n.windows()
	if result(w) != evidence.Unfinished {
		return "", nil
	}
	own := v.windowsProfile() || !n.offer("Basic")
	switch {
	case w.Step == evidence.StepSkipped:
		return fmt.Sprintf("The handshake stopped before the password was sent: %s.", w.Logon.Why), []string{w.ID}
	case own:
		return "", nil
	case w.Error != nil:
		return fmt.Sprintf("The third message got no answer: %s.", w.Error.Text), []string{w.ID}
	}
	return fmt.Sprintf("The third message was answered HTTP %d instead of a decision.", w.Logon.Status), []string{w.ID}
}

func ntlmRejected(v *view, n *node) *hit {
	w := n.windows()
	if result(w) != evidence.Refused || v.proved == nil || v.kerberosOnly(n) || connectionLost(n) != "" {
		return nil
	}
	none := n.bound(evidence.BindingNone)
	if result(none) == evidence.Accepted {
		return nil // extended-protection
	}
	h := &hit{status: v.windowsStatus(n, false), confidence: finding.Undetermined, evidence: []string{w.ID, v.proved.ID}}
	h.summary = fmt.Sprintf("%s refuses by %s what %s accepts", v.at(n), mechanism(w.Logon), v.provedBy(n))
	if none != nil {
		h.evidence = append(h.evidence, none.ID)
		h.detail = "The password is right, but NTLM refuses it with and without a channel binding."
	} else {
		h.detail = "The password is right, but NTLM refuses it."
	}
	h.detail += " From here these look the same: Extended Protection set to Require while a device in front re-encrypts TLS (event 4625 with sub status 0xC000035B); a policy that restricts NTLM (Network security: Restrict NTLM); an account in Protected Users, which may not use NTLM; the workstation restriction of the account; a device in front that does not keep the server's connection between the legs of the handshake."
	return h
}

func extendedProtection(v *view, n *node) *hit {
	w, none := n.windows(), n.bound(evidence.BindingNone)
	if w == nil {
		w, none = n.kerberos(), n.unboundTicket()
	}
	if result(w) != evidence.Refused || w.Logon.Binding != evidence.BindingRight || result(none) != evidence.Accepted || connectionLost(n) != "" {
		return nil
	}
	h := &hit{status: v.windowsStatus(n, true), confidence: finding.Likely, evidence: []string{w.ID, none.ID}}
	h.summary = fmt.Sprintf("Extended Protection: TLS to %s is re-encrypted on the way, so the channel binding does not match", v.at(n))
	h.detail = fmt.Sprintf("%s refuses the logon that is bound to the certificate seen here", mechanism(w.Logon))
	if t := nodeTLS(n); t != nil && t.Certificate != nil {
		h.detail += fmt.Sprintf(" (SHA-256 %s)", t.Certificate.SHA256)
	}
	h.detail += " and accepts the same logon without a binding. So Exchange seems to see another certificate: a balancer or filter that ends TLS and opens it anew. Windows clients, which always send a binding, get 401; clients that send none get in."
	if second := v.otherCertificate(n); second != "" {
		h.confidence = finding.Confirmed
		h.detail += fmt.Sprintf(" Another certificate was seen for this name (SHA-256 %s).", second)
	} else {
		h.detail += " The binding was sent without a message integrity code; a second certificate seen for the name (--address of the Exchange server itself) would confirm it."
	}
	return h
}

// otherCertificate is the hash of a certificate seen for the same name at
// another address.
func (v *view) otherCertificate(n *node) string {
	here := nodeTLS(n)
	if here == nil || here.Certificate == nil {
		return ""
	}
	for _, o := range v.nodes {
		if t := nodeTLS(o); t != nil && t.Certificate != nil && t.Certificate.SHA256 != here.Certificate.SHA256 {
			return t.Certificate.SHA256
		}
	}
	return ""
}
