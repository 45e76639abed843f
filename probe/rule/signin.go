package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

func credentialsRejected(v *view) *hit {
	if v.proved != nil || v.provedElsewhere != nil {
		return nil
	}
	h := &hit{confidence: finding.Undetermined, reason: undetermined}
	var schemes []string
	var remembered *evidence.Item
	for _, n := range v.nodes {
		for _, item := range n.logons {
			l := item.Logon
			if isWindows(l) && v.kerberosOnly(n) {
				continue
			}
			if l.Remembered && remembered == nil {
				remembered = item
			}
			if l.Result != evidence.Refused || l.Comparison || n.strangers(item) {
				continue
			}
			h.evidence = append(h.evidence, item.ID)
			if name := mechanism(l); !slices.Contains(schemes, name) {
				schemes = append(schemes, name)
			}
		}
	}
	by := "EWS on " + v.host()
	for _, item := range v.discovery {
		l := item.Logon
		if l == nil {
			continue
		}
		if l.Remembered && remembered == nil {
			remembered = item
		}
		if l.Result != evidence.Refused {
			continue
		}
		if len(h.evidence) == 0 {
			by = where(item)
		}
		h.evidence = append(h.evidence, item.ID)
		if !slices.Contains(schemes, l.Scheme) {
			schemes = append(schemes, l.Scheme)
		}
	}
	user := v.rec.Target.User
	reason, confidence, said, asked := v.why()
	switch {
	case len(schemes) == 1 && strings.HasPrefix(schemes[0], "Kerberos"):
		h.summary = fmt.Sprintf("EWS on %s refuses the Kerberos ticket of %s", v.host(), user)
		h.detail = "The domain controller gave the ticket, so the account and its key are in order; EWS refuses it. " + ticketLookalikes
		return h
	case len(h.evidence) > 0:
		h.summary = fmt.Sprintf("%s refuses the logon of %s by %s", by, user, strings.Join(schemes, " and "))
		h.detail = fmt.Sprintf("%s refused. Over HTTP every reason looks the same: a 401 with the full list of schemes.", logons(len(h.evidence), schemes))
		if slices.Contains(schemes, "Basic") && len(schemes) > 1 {
			// Two verifiers, one answer: it is the account or its password.
			h.confidence = finding.Likely
			h.detail += " Two schemes agree, so it is the account or its password rather than a setting of one scheme."
		} else {
			h.detail += " Only one scheme could be tried, so a fault of that scheme looks the same as a refused account."
		}
		if !slices.Contains(schemes, "Basic") {
			h.detail += " Extended Protection set to Require behind a device that re-encrypts TLS looks the same as well, and so does a balancer that moves the connection to another server between the legs."
		}
	case remembered != nil:
		h.evidence = []string{remembered.ID}
		if remembered.Step.Autodiscover() {
			by = where(remembered)
		}
		h.summary = fmt.Sprintf("%s refused this password of %s a short while ago; nothing was sent", by, user)
		h.detail = sentence(remembered.Logon.Why) + "."
	default:
		return v.refusedAtKDC(reason, confidence, said, asked)
	}
	if said != "" {
		h.reason, h.evidence = reason, append(h.evidence, asked...)
		if confidence == finding.Confirmed {
			h.confidence = finding.Confirmed
			h.summary += ": " + reasonTitle(reason)
			h.detail = said
			h.remedies = reasonRemedies(reason)
			return h
		}
		h.detail += " " + said
	}
	if v.rec.Target.CurrentUser {
		h.detail += v.byWindowsItself() + " " + lookalikes()
		return h
	}
	h.detail += " " + v.nameForm() + lookalikes()
	return h
}

// byWindowsItself: what a refusal of the logged-on user leaves open, whose
// sign-in cannot be compared with one by Basic or under another binding.
func (v *view) byWindowsItself() string {
	s := " Windows made this sign-in for the logged-on user, so no other scheme and no other channel binding could be compared."
	for _, n := range v.nodes {
		for _, item := range n.logons {
			if item.Logon.Result == evidence.Refused && item.Logon.Binding != evidence.BindingRight {
				return s + " It was sent without the channel binding of the certificate seen here: where Extended Protection is Allow or Require it can be refused whoever it is, so this refusal proves nothing about the account."
			}
		}
	}
	return s + " It was given the channel binding of the certificate seen here: where a device re-encrypts TLS in front of Extended Protection it is refused whoever it is, and then this refusal proves nothing about the account. A check with --user and a password tells the two apart."
}

// refusedAtKDC: no scheme of EWS was decided, but a domain controller refused
// the account that was to sign in with Kerberos.
func (v *view) refusedAtKDC(reason string, confidence finding.Confidence, said string, asked []string) *hit {
	for _, item := range v.directory {
		stopped := result(item) == evidence.Skipped && (reason != undetermined || confidence == finding.Likely)
		if item.Step != evidence.StepKDCLogon || result(item) != evidence.Refused && !stopped {
			continue
		}
		h := &hit{confidence: confidence, reason: reason, evidence: asked, detail: said}
		h.summary = fmt.Sprintf("The domain controller refuses the account %s, so it gets no Kerberos ticket for EWS", v.rec.Target.User)
		if confidence == finding.Confirmed {
			h.summary += ": " + reasonTitle(reason)
			h.remedies = reasonRemedies(reason)
		}
		return h
	}
	return nil
}

// reasonTitle is a reason in words.
func reasonTitle(reason string) string {
	if reason == restricted { // several of the lookalikes
		return "a restriction of the account"
	}
	for _, l := range finding.Lookalikes() {
		if l.Reason == reason {
			return l.Title
		}
	}
	return reason
}

// reasonRemedies is what a known reason asks for, before all else.
func reasonRemedies(reason string) []finding.Remedy {
	var first []finding.Remedy
	for _, l := range finding.Lookalikes() {
		if l.Reason == reason {
			first = append(first, finding.Remedy{Text: l.Check})
		}
	}
	return first
}

// nameForm says in which form the name was sent, which EWS looks up before it
// looks at the password, and which one Dynamics needs.
func (v *view) nameForm() string {
	switch user := v.rec.Target.User; {
	case strings.Contains(user, `\`):
		return `The name was sent as DOMAIN\user; Dynamics needs the UPN (user@domain), which may be spelt otherwise. `
	case !strings.Contains(user, "@"):
		return "The name was sent without a domain, so the server looks for it in the domain it has set for that; Dynamics needs the UPN (user@domain). "
	}
	return "The name was sent as a UPN, the form that Dynamics needs; its suffix must be one that the domain knows. "
}

// otherForm is the logon by Basic under another form of the name, if one was
// accepted.
func (n *node) otherForm() *evidence.Item {
	return n.last(func(l *evidence.Logon) bool {
		return l.Scheme == "Basic" && l.OtherForm && l.Result == evidence.Accepted
	})
}

// formRejected: Basic takes the account under one form of its name and not under
// the other.
func (v *view) formRejected(n *node, refused, accepted *evidence.Item) *hit {
	as, other := refused.Logon.Account, accepted.Logon.Account
	h := &hit{confidence: finding.Confirmed, evidence: []string{refused.ID, accepted.ID}}
	h.summary = fmt.Sprintf("%s refuses the name %s by Basic and accepts %s", v.at(n), as, other)
	h.detail = fmt.Sprintf("The same password was refused by Basic for %s and accepted for %s, so only the form of the name is wrong here.", as, other)
	if strings.Contains(other, "@") {
		h.detail += " Enter the UPN as user name in the Dynamics profile: Dynamics needs that form anyway."
	} else {
		h.detail += " Dynamics needs the UPN as user name, so the server has to learn it: look at the UPN suffixes of the domain, and at what reads Basic in front of Exchange."
	}
	return h
}

func logons(n int, schemes []string) string {
	if n == 1 {
		return "The logon by " + schemes[0] + " was completed and"
	}
	return fmt.Sprintf("%d logons (%s) were completed and", n, strings.Join(schemes, ", "))
}

// lookalikes is what a refusal may mean; the remedies say which event tells.
func lookalikes() string {
	var b strings.Builder
	b.WriteString("What looks the same from here: ")
	for i, l := range finding.Lookalikes() {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(l.Title)
	}
	b.WriteString(". Security event 4625 on the server and the IIS log tell them apart.")
	return b.String()
}

func basicRejected(v *view, n *node) *hit {
	b := n.basic()
	if result(b) != evidence.Refused || v.proved == nil {
		return nil
	}
	if other := n.otherForm(); other != nil {
		return v.formRejected(n, b, other)
	}
	h := &hit{confidence: finding.Confirmed, evidence: []string{b.ID, v.proved.ID}}
	h.summary = fmt.Sprintf("%s offers Basic but refuses with it what %s accepts", v.at(n), v.proved.Logon.Scheme)
	h.detail = fmt.Sprintf("The same account and password were refused by Basic and accepted by %s", v.proved.Logon.Scheme)
	if v.proved.Address != n.address {
		h.confidence = finding.Likely
		h.detail += fmt.Sprintf(" at %s", v.proved.Address)
	}
	h.detail += ". The password is right: look at how Basic reads it (the form of the user name, a default domain, characters beyond ASCII) and at the account's right to log on there."
	return h
}

// windowsStatus: a fault of NTLM is critical where the profile needs it, and
// where Basic offers no way around.
func (v *view) windowsStatus(n *node, withoutBasic bool) finding.Status {
	if v.windowsProfile() || withoutBasic && !n.offer("Basic") {
		return finding.Critical
	}
	return finding.Warning
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

func ntlmBroken(v *view, n *node) *hit {
	if !n.challenged() || v.isOnline(n) || v.plain() || v.kerberosOnly(n) || !n.offer("NTLM") && !n.offer("Negotiate") {
		return nil
	}
	h := &hit{status: v.windowsStatus(n, false), confidence: finding.Confirmed}
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
	case w.Step == evidence.StepSkipped && strings.HasPrefix(w.Logon.Why, "the server ended"):
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
		if first.Connection != 0 && first.Connection == logon.Connection && serverName.MatchString(one) && serverName.MatchString(three) && !strings.EqualFold(one, three) {
			return fmt.Sprintf("The first message of the handshake was answered by %s, the third, on the same connection, by %s, which knew nothing of it.", one, three)
		}
	}
	return ""
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
	h.summary = fmt.Sprintf("%s refuses by %s what %s accepts", v.at(n), w.Logon.Scheme, v.proved.Logon.Scheme)
	if none != nil {
		h.evidence = append(h.evidence, none.ID)
		h.detail = "The password is right, but NTLM refuses it with and without a channel binding."
	} else {
		h.detail = "The password is right, but NTLM refuses it."
	}
	h.detail += " From here these look the same: Extended Protection set to Require while a device in front re-encrypts TLS (event 4625 with sub status 0xC000035B); a policy that restricts NTLM (Network security: Restrict NTLM); an account in Protected Users, which may not use NTLM; the workstation restriction of the account; a device in front that does not keep the server's connection between the legs of the handshake."
	return h
}
