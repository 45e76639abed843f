package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Block A: nothing could be asked, or later, an answer that was needed did not
// come.

// needed returns the legs whose answers the verdict needs at n: the anonymous
// POST and, once it was answered, the logon by the profile's scheme (or any,
// while none was accepted). In a row of a batch it is the call alone.
func (v *view) needed(n *node) []*evidence.Item {
	if v.row {
		return n.call()
	}
	var legs []*evidence.Item
	if n.ask != nil {
		legs = append(legs, n.ask)
	}
	return append(legs, v.deciding(n)...)
}

// deciding are the unfinished logons that keep the verdict open: NTLM beside an
// accepted Basic explains, it does not decide.
func (v *view) deciding(n *node) []*evidence.Item {
	if v.signedIn(n) != nil && result(v.ownLogon(n)) != evidence.Unfinished {
		return nil
	}
	var legs []*evidence.Item
	for _, item := range []*evidence.Item{n.basic(), n.windows()} {
		if result(item) != evidence.Unfinished || item.Step == evidence.StepSkipped {
			continue
		}
		own := strings.EqualFold(item.Logon.Scheme, v.profileScheme())
		if !own && isWindows(item.Logon) && n.offer("Basic") {
			continue
		}
		legs = append(legs, item)
	}
	return legs
}

// ownLogon is the logon by the profile's scheme.
func (v *view) ownLogon(n *node) *evidence.Item {
	if v.windowsProfile() {
		return n.windows()
	}
	return n.basic()
}

// failedBy returns the first needed leg that failed in one of the given ways.
func (v *view) failedBy(n *node, codes ...evidence.FailureCode) *evidence.Item {
	for _, leg := range v.needed(n) {
		if leg.Error != nil && slices.Contains(codes, leg.Error.Code) {
			return leg
		}
	}
	return nil
}

func dnsFailed(v *view) *hit {
	for i := range v.rec.Items {
		item := &v.rec.Items[i]
		asked := item.Step == evidence.StepResolve || v.row && item.Logon != nil && item.Error != nil &&
			(item.Error.Phase == "resolve" || item.Error.Code == evidence.DNSFailed || item.Error.Code == evidence.DNSNotFound)
		if !asked || item.Error == nil {
			continue
		}
		h := &hit{confidence: finding.Confirmed, evidence: []string{item.ID}}
		h.summary = fmt.Sprintf("No address for %s", v.host())
		h.detail = fmt.Sprintf("The resolver of this machine has no address for %s (%s). Dynamics asks public name servers: what they answer may differ.", v.host(), item.Error.Text)
		switch item.Error.Code {
		case evidence.Interrupted:
			return nil
		case evidence.TimedOut:
			h.summary = fmt.Sprintf("The resolver did not answer for %s", v.host())
			h.confidence = finding.Likely
		case evidence.DNSFailed:
			h.confidence = finding.Likely
		}
		return h
	}
	return nil
}

func connectFailed(v *view, n *node) *hit {
	if call := v.noAnswer(n); call != nil {
		h := &hit{confidence: finding.Confirmed, evidence: []string{call.ID}}
		h.summary = fmt.Sprintf("%s ended the connection instead of answering %s", v.at(n), v.asked(call))
		h.detail = "The connection did not last from the sign-in to the call."
		return h
	}
	leg := v.failedBy(n, evidence.ConnectRefused, evidence.ConnectUnreachable, evidence.ConnectFailed, evidence.ConnectionReset,
		evidence.ConnectionClosed, evidence.ProxyRefused)
	if leg == nil || !v.row && connectionLost(n) != "" && leg.Logon != nil && isWindows(leg.Logon) {
		return nil
	}
	if v.row && leg.Response != nil {
		return nil // server-error: an answer had begun
	}
	if leg.Error.Phase == "tls" && n.legacySuite() != nil {
		return nil // tls-failed knows more
	}
	h := &hit{confidence: finding.Confirmed, evidence: []string{leg.ID}}
	switch {
	case v.row && leg.Error.Phase != "connect" && leg.Error.Phase != "proxy" && leg.Error.Phase != "tls":
		h.summary = fmt.Sprintf("%s ended the connection instead of answering %s", v.at(n), v.asked(leg))
		h.detail = fmt.Sprintf("The connection was made, then: %s.", leg.Error.Text)
	case leg.Logon != nil && !v.row:
		h.summary = fmt.Sprintf("%s ended the connection instead of answering %s", v.at(n), v.asked(leg))
		h.detail = fmt.Sprintf("The anonymous request was answered, the request with the credential was not: %s. Whether the password was looked at cannot be seen from here; the logon is counted as refused.", leg.Error.Text)
	case leg.Error.Phase == "connect" || leg.Error.Phase == "proxy":
		h.summary = fmt.Sprintf("No connection to %s", v.at(n))
		h.detail = fmt.Sprintf("TCP to %s failed: %s.", n.address, leg.Error.Text)
		if leg.Error.Code == evidence.ProxyRefused {
			h.detail = fmt.Sprintf("The proxy did not open a tunnel to %s: %s.", n.address, leg.Error.Text)
		}
	case leg.Error.Phase == "tls":
		h.summary = fmt.Sprintf("%s ended the connection in the TLS handshake", v.at(n))
		h.detail = fmt.Sprintf("TCP to %s was connected, then, after the first TLS message: %s. A firewall or balancer without a server does this, and so does an old server that refuses the TLS version without saying so.", n.address, leg.Error.Text)
	default:
		h.summary = fmt.Sprintf("%s ended the connection without an HTTP answer", v.at(n))
		h.detail = fmt.Sprintf("The connection was made and the request sent, then: %s.", leg.Error.Text)
	}
	return h
}

func timedOut(v *view, n *node) *hit {
	leg := v.failedBy(n, evidence.TimedOut)
	if leg == nil || v.row && leg.Error.Phase == "resolve" {
		return nil // of the latter, dns-failed speaks
	}
	h := &hit{confidence: finding.Confirmed, evidence: []string{leg.ID}}
	h.summary = fmt.Sprintf("%s did not answer within the time", v.at(n))
	h.detail = fmt.Sprintf("The time ran out while waiting for %s.", map[string]string{
		"resolve": "the resolver", "connect": "a TCP connection", "proxy": "the proxy", "tls": "the TLS handshake", "write": "the server to take the request", "read": "the answer",
	}[leg.Error.Phase])
	if r := leg.Response; r != nil {
		h.summary = fmt.Sprintf("%s began an answer (%d) that did not end within the time", v.at(n), r.Status)
	}
	switch {
	case v.row && leg.Error.Phase == "connect":
		h.summary = fmt.Sprintf("No connection to %s within the time", v.at(n))
	case v.row && leg.Response == nil:
		h.summary = fmt.Sprintf("%s did not answer %s within the time", v.at(n), v.asked(leg))
	case v.row:
		h.summary = fmt.Sprintf("%s began an answer (%d) to %s that did not end within the time", v.at(n), leg.Response.Status, v.asked(leg))
	case leg.Logon != nil:
		h.summary = fmt.Sprintf("%s did not answer %s within the time", v.at(n), v.asked(leg))
		h.detail += " The anonymous request was answered. The logon is counted as refused, because the server may have looked at the password."
	}
	return h
}

func tlsUntrusted(v *view, n *node) *hit {
	t := nodeTLS(n)
	if t == nil || t.Certificate == nil || t.Trusted() {
		return nil
	}
	h := &hit{confidence: finding.Confirmed}
	for _, item := range n.items {
		if item.TLS == t {
			h.evidence = []string{item.ID}
		}
	}
	texts := make([]string, len(t.Problems))
	for i, p := range t.Problems {
		texts[i] = p.Text
	}
	h.summary = fmt.Sprintf("The certificate of %s is not to be trusted: %s", v.at(n), texts[0])
	h.detail = capital(strings.Join(texts, "; ")) + ". Nothing was sent over this connection."
	passed := n.ask == nil || n.ask.Error == nil || n.ask.Error.Code != evidence.TLSUntrusted
	if v.rec.Target.Insecure && passed {
		h.status = finding.Warning
		h.detail = capital(strings.Join(texts, "; ")) + ". --insecure was given: the check went on all the same, and whoever stands in between may have seen the credential. Dynamics will not go on."
	}
	return h
}

// nodeTLS is the handshake of the anonymous request, else the first seen.
func nodeTLS(n *node) *evidence.TLS {
	if n.ask != nil && n.ask.TLS != nil {
		return n.ask.TLS
	}
	for _, item := range n.items {
		if item.TLS != nil && item.Step != evidence.StepLegacySuites && item.Step != evidence.StepDataverseTLS {
			return item.TLS
		}
	}
	return nil
}

func tlsFailed(v *view, n *node) *hit {
	leg := v.failedBy(n, evidence.TLSHandshake, evidence.TLSClientCert, evidence.TLSNotSpoken)
	legacy := n.legacySuite()
	if leg == nil && legacy != nil {
		leg = n.ask
	}
	if leg == nil || leg.Error == nil {
		return nil
	}
	h := &hit{confidence: finding.Confirmed, evidence: []string{leg.ID}}
	h.summary = fmt.Sprintf("No TLS handshake with %s", v.at(n))
	h.detail = fmt.Sprintf("TLS 1.2 and 1.3 were offered with the suites that Dataverse accepts; the server refused: %s.", leg.Error.Text)
	switch leg.Error.Code {
	case evidence.TLSClientCert:
		h.summary = fmt.Sprintf("%s demands a client certificate", v.at(n))
		h.detail = "The server asked for a client certificate and went no further without one. Dynamics has none to show."
	case evidence.TLSNotSpoken:
		h.summary = fmt.Sprintf("%s does not speak TLS", v.at(n))
		h.detail = fmt.Sprintf("What came back is not TLS (%s): perhaps the port is meant for http.", leg.Error.Text)
	}
	if legacy != nil {
		h.status, h.confidence = finding.Unknown, finding.Undetermined
		h.evidence = append(h.evidence, legacy.ID)
		h.detail = fmt.Sprintf("This tool could not shake hands, but the server agrees on %s, which Dataverse accepts and this tool lacks. So this is no fault that Dynamics would see; the endpoint could not be examined.", legacy.TLS.CipherSuite)
	}
	return h
}

// tlsOutdated: the handshake that was made used something that Dataverse does
// not accept, and what it accepts was refused when it was offered alone. An
// offer that got no answer proves nothing.
func tlsOutdated(v *view, n *node) *hit {
	t := nodeTLS(n)
	if n.suites == nil || n.suites.Error == nil || t == nil {
		return nil
	}
	h := &hit{evidence: []string{v.handshakeItem(n, t), n.suites.ID}}
	switch n.suites.Error.Code {
	case evidence.TLSHandshake:
		h.confidence = finding.Confirmed
	case evidence.ConnectionReset, evidence.ConnectionClosed:
		h.confidence = finding.Likely // some servers refuse without a word, and some firewalls too
	default:
		return nil
	}
	h.summary = fmt.Sprintf("%s has no TLS version and cipher suite that Dataverse accepts", v.at(n))
	h.detail = fmt.Sprintf("With this tool the server agreed on %s with %s, which Dataverse does not accept. Offered exactly what Dataverse accepts (TLS 1.3 and 1.2 with its ten suites), it refused: %s.", t.Version, t.CipherSuite, n.suites.Error.Text)
	return h
}

// legacySuite is the leg in which the server agreed on a suite that Go lacks.
func (n *node) legacySuite() *evidence.Item {
	for _, item := range n.items {
		if item.Step == evidence.StepLegacySuites && item.TLS != nil {
			return item
		}
	}
	return nil
}

func proxyAuthRequired(v *view, n *node) *hit {
	if leg := v.failedBy(n, evidence.ProxyAuth); leg != nil {
		return &hit{
			confidence: finding.Confirmed, evidence: []string{leg.ID},
			summary: "The proxy between this machine and the endpoint asks for a sign-in (407)",
			detail:  leg.Error.Text + ". It stands in front of this machine only: Dynamics comes from outside and does not see it.",
		}
	}
	if n.status() != 407 {
		return nil
	}
	return &hit{
		confidence: finding.Confirmed, evidence: []string{n.ask.ID},
		summary: fmt.Sprintf("A proxy answered for %s and asks for a sign-in (407)", v.host()),
		detail:  "A 407 comes from a proxy in front of this machine, not from Exchange, and not from anything that Dynamics passes.",
	}
}

func serverError(v *view, n *node) *hit {
	if leg := v.failedBy(n, evidence.Malformed, evidence.HeaderTooLarge); leg != nil {
		return &hit{
			confidence: finding.Confirmed, evidence: []string{leg.ID},
			summary: fmt.Sprintf("%s answered something that is not HTTP%s", v.at(n), v.inAnswer(leg)),
			detail:  fmt.Sprintf("The answer could not be read: %s.", leg.Error.Text),
		}
	}
	for _, leg := range v.needed(n) {
		r := leg.Response
		if r == nil || leg.EWS.Answered() {
			continue
		}
		h := &hit{confidence: finding.Confirmed, evidence: []string{leg.ID}}
		to := v.asked(leg)
		switch {
		case r.Status >= 500 && !asksPatience(r):
			h.summary = fmt.Sprintf("%s answered %d to %s", v.at(n), r.Status, to)
			h.detail = fmt.Sprintf("HTTP %d %s without an EWS answer in it. The application pool may be stopped or starting, the server in maintenance, or a device in front may have no server to pass the request to.", r.Status, r.Reason)
		case r.Status/100 == 2 && r.Oversized && r.Page == nil:
			h.summary = fmt.Sprintf("%s sent more than 256 KiB in answer to %s", v.at(n), to)
			h.detail = "An EWS answer to this request has a few kilobytes. Reading was stopped."
		case r.Status/100 == 2 && r.CutShort:
			h.summary = fmt.Sprintf("%s ended the connection inside its answer to %s", v.at(n), to)
			h.detail = fmt.Sprintf("HTTP %d, then %d bytes of a longer body, then the connection ended.", r.Status, r.BodyBytes)
		case r.Status/100 == 2 && leg.EWS != nil && leg.EWS.Unreadable:
			h.summary = fmt.Sprintf("%s sent XML that cannot be read safely in answer to %s", v.at(n), to)
			h.detail = fmt.Sprintf("%s. Exchange never sends this; something else answers or tampers.", sentence(leg.EWS.Problem))
		case v.row && isNotEWS(leg):
			h.summary = fmt.Sprintf("Something else than EWS answered %s (HTTP %d%s)", to, r.Status, titled(r))
			h.detail = fmt.Sprintf("EWS answers at this address otherwise, so it is no wrong path: a device in front, or a server in maintenance, answered in its place with HTTP %d %s.", r.Status, r.Reason)
		case v.row && r.Status == 401:
			h.summary = fmt.Sprintf("%s asked for a sign-in again instead of answering %s", v.at(n), to)
			h.detail = "The endpoint lets the account sign in and did so before; this time the sign-in was not remembered until the call, or was not carried on."
		default:
			continue
		}
		return h
	}
	return nil
}

// inAnswer is "in answer to the call for the mailbox"; "" in a check, which has
// one report for all that it asked.
func (v *view) inAnswer(leg *evidence.Item) string {
	if !v.row {
		return ""
	}
	return " in answer to " + v.asked(leg)
}

// titled names the page that came.
func titled(r *evidence.Response) string {
	if r.Page == nil || r.Page.Title == "" {
		return ""
	}
	return fmt.Sprintf(", a page titled %q", r.Page.Title)
}

func asksPatience(r *evidence.Response) bool {
	return r.Status == 429 || r.Status == 503 && r.First("Retry-After") != ""
}

func throttled(v *view, n *node) *hit {
	legs := v.needed(n)
	if item := v.signedIn(n); item != nil {
		legs = append(legs, item)
	}
	for _, leg := range legs {
		r := leg.Response
		if r == nil {
			continue
		}
		h := &hit{confidence: finding.Confirmed, evidence: []string{leg.ID}}
		switch {
		case leg.EWS.Answered() && soap.Busy(leg.EWS.Code):
			h.summary = fmt.Sprintf("Exchange is too busy to answer (%s)", leg.EWS.Code)
			h.detail = fmt.Sprintf("Exchange answered %s.", leg.EWS.Code)
			if ms := leg.EWS.BackOffMS; ms > 0 {
				h.detail += fmt.Sprintf(" It asks to wait %.0f s, longer than this check may last.", float64(ms)/1000)
			}
			if leg.Logon != nil || leg.Step == evidence.StepSignedIn {
				h.detail += " The sign-in itself was accepted."
			}
		case asksPatience(r) && !leg.EWS.Answered():
			h.summary = fmt.Sprintf("%s asks to come back later (%d)", v.at(n), r.Status)
			h.detail = fmt.Sprintf("HTTP %d %s.", r.Status, r.Reason)
			if after := r.First("Retry-After"); after != "" {
				h.detail = fmt.Sprintf("HTTP %d %s with Retry-After: %s, longer than this check may last.", r.Status, r.Reason, after)
			}
		default:
			continue
		}
		return h
	}
	return nil
}
