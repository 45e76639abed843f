package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// seenGroup are lines of what was seen in one place; "" where there is but one.
type seenGroup struct {
	Where string
	Lines [][2]string
}

// seenGroups are all of them, in their order.
func seenGroups(r Report, s Style) []seenGroup {
	list := []seenGroup{{"", profileLines(r)}}
	if r.Target.FromAddress != "" {
		list = append(list, seenGroup{"", seenOfAutodiscover(r, s)}) // it came first
	}
	for _, n := range r.Nodes {
		where := n.Address
		if len(r.Nodes) == 1 {
			where = ""
		}
		list = append(list, seenGroup{where, seenAt(r, n.Address, s)})
	}
	if len(r.Nodes) == 0 {
		list = append(list, seenGroup{"", seenAt(r, "", s)})
	}
	list = append(list, seenGroup{"the domain controller", seenInDirectory(r)}, seenGroup{"", lookedUp(r)})
	if r.Target.FromAddress == "" {
		list = append(list, seenGroup{"", seenOfAutodiscover(r, s)})
	}
	return slices.DeleteFunc(list, func(g seenGroup) bool { return len(g.Lines) == 0 })
}

// seenAt are the lines of one address: what was asked and what came back.
func seenAt(r Report, address string, s Style) [][2]string {
	var lines pairs
	add := lines.add
	var certificate *evidence.TLS
	further := map[string]bool{}
	for _, item := range r.Evidence {
		if item.Step == evidence.StepResolve && address == "" {
			add("name resolution", "%s", outcome(item))
		}
		if item.Address != address || item.Step.Cloud() || item.Step.Autodiscover() {
			continue
		}
		if certificate == nil && item.TLS != nil && item.TLS.Certificate != nil {
			certificate = item.TLS
		}
		if q := item.Request; q != nil && q.Purpose != "" {
			further[item.ID] = true
			continue // below
		}
		if item.Logon != nil {
			continue // below
		}
		switch item.Step {
		case evidence.StepAnonymous:
			add("anonymous POST", "%s", outcome(item))
		case evidence.StepEmptyBearer:
			// What an OAuth profile is judged by, and the only offer of a server
			// that takes tokens alone.
			if r.Target.ProfileAuth == "oauth" || r.Verdict.Code == "no-scheme" {
				add("empty Bearer", "%s%s", outcome(item), authorizer(item))
			}
		case evidence.StepUserAgent:
			add("as Dynamics", "%s, user agent %s", outcome(item), item.Request.UserAgent)
		case evidence.StepAddressFamily:
			add("IPv6 address", "%s", outcome(item))
		case evidence.StepDataverseTLS:
			if item.Error != nil {
				add("TLS for Dataverse", "-    %s", item.Error.Text)
			} else if item.TLS != nil {
				add("TLS for Dataverse", "%s, %s", item.TLS.Version, item.TLS.CipherSuite)
			}
		}
	}
	for _, a := range r.Attempts {
		if a.Address == address && a.Service != "autodiscover" && !further[a.ID] && !(s.tight > 1 && toldBelow(r, a)) {
			add(schemeOf(a), "%s", attempt(r, a, s))
		}
	}
	for _, item := range r.Evidence {
		if further[item.ID] {
			add(item.Request.Operation, "%s", furtherCall(item))
		}
	}
	for _, n := range r.Nodes {
		if n.Address == address {
			who := n.Server
			if !s.Whole {
				who.NetBIOSDomain = "" // it would take a line
			}
			lines.some("server", say("server", who, ", "))
			protection := protectionLine(n.Server)
			if known, ok := finding.LookupProtection(n.Server.ExtendedProtection); ok && !s.Whole {
				protection = known.Name + ": " + known.Means
			}
			lines.some("Ext. Protection", protection)
		}
	}
	if certificate != nil {
		c := certificate.Certificate
		state := "trusted here"
		if !certificate.Trusted() {
			state = "NOT trusted"
			if s.Whole {
				state += ": " + certificate.Problems[0].Text
			}
		}
		add(certificate.Version, "%s, valid until %s, %s", certificate.ServerName, c.NotAfter.UTC().Format("2006-01-02"), state)
	}
	return repeated(lines)
}

// repeated are the lines with equal ones that follow each other told once.
func repeated(lines pairs) (told pairs) {
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		if n > 1 {
			lines[i][1] += fmt.Sprintf(" (%d times)", n)
		}
		told, i = append(told, lines[i]), i+n
	}
	return told
}

// toldBelow says whether a logon was made for the line of Extended Protection.
func toldBelow(r Report, a rule.Attempt) bool {
	return (a.Binding == evidence.BindingNone || a.Binding == evidence.BindingForeign) && slices.ContainsFunc(r.Nodes, func(n rule.Node) bool {
		return n.Address == a.Address && n.Server.ExtendedProtection != ""
	})
}

// authorizer says whether a Bearer challenge names where to get a token.
func authorizer(item evidence.Item) string {
	c, ok := front.Offer(item.Response, "Bearer")
	if !ok {
		return ""
	}
	if uri, ok := c.Param("authorization_uri"); ok && uri != "" {
		return "; tokens from " + uri
	}
	return "; names no authorization_uri"
}

// furtherCall is a call made after the sign-in: what it asked, and the answer.
func furtherCall(item evidence.Item) string {
	what := say("purpose", item.Request, "")
	s := outcome(item)
	if item.Logon != nil && item.Response == nil && item.Error == nil {
		s = "-    " + item.Logon.Why
	}
	if status, rest, ok := strings.Cut(s, "  "); ok {
		s = fmt.Sprintf("%s  %s: %s", status, what, strings.TrimSpace(rest))
	}
	if e := item.EWS; e != nil {
		for _, entry := range e.Resolved {
			if entry.Address != "" {
				s += ", " + entry.Address
			}
		}
		if e.Folder != "" && (item.Request.Purpose == evidence.OwnInbox || item.Request.Purpose == evidence.NamedInbox) {
			s += ", " + e.Folder
		}
	}
	return s
}

// attempt is a logon: what came back, when it was sent, how it ended. In a glance the
// account is named only where it is not the one that was asked for.
func attempt(r Report, a rule.Attempt, style Style) string {
	status := "-  "
	if a.Status != 0 {
		status = fmt.Sprint(a.Status)
	}
	s := status + "  "
	switch at := style.clock(a.At); {
	case a.Result == string(evidence.Skipped):
		s += "not sent"
	case !style.Whole && strings.EqualFold(a.Account, r.Target.User):
		s += strings.TrimSpace(at + "  " + a.Result)
	default:
		s += strings.TrimSpace(at + "  " + a.Account + " " + a.Result)
	}
	code, accepted := acceptedWith(r, a)
	if !style.Whole && accepted {
		if code != "NoError" {
			return s + ", " + code
		}
		a.Why = ""
	}
	switch a.Binding {
	case evidence.BindingRight:
		s += ", channel binding sent"
	case evidence.BindingNone:
		s += ", no channel binding"
	case evidence.BindingForeign:
		s += ", wrong channel binding"
	case evidence.BindingZero:
		s += ", all-zero channel binding"
	}
	if a.Why != "" {
		s += ": " + a.Why
	}
	switch {
	case a.Counted && style.Whole:
		s += " (counts as a refused logon)"
	case a.Counted:
		s += ", counted"
	}
	return s
}

// schemeOf is a scheme with what was inside it.
func schemeOf(a rule.Attempt) string {
	if a.Mechanism != "" && a.Mechanism != a.Scheme {
		return a.Scheme + "/" + a.Mechanism
	}
	return a.Scheme
}

// protectionLine says how the server treats channel bindings, what clients meet
// there, and what to do.
func protectionLine(s rule.Server) string {
	p, ok := finding.LookupProtection(s.ExtendedProtection)
	if !ok {
		return ""
	}
	clients := fmt.Sprintf("Clients that send one (Windows) %s, others %s.", p.Binding, p.Without)
	if p.Binding == p.Without {
		clients = fmt.Sprintf("Clients with and without one %s.", p.Binding)
	}
	line := fmt.Sprintf("%s: %s. %s %s", p.Name, p.Means, clients, p.Do)
	b := s.Bindings
	if b == nil {
		return line
	}
	if b.Zero != "" {
		line += fmt.Sprintf(" An all-zero binding is %s.", b.Zero)
	}
	if b.CertificateSHA256 != "" {
		line += fmt.Sprintf(" Certificate seen: SHA-256 %s", b.CertificateSHA256)
	}
	return line
}

// seenInDirectory are the lines about domain controllers: what each was asked,
// what it said, and what that cost.
func seenInDirectory(r Report) [][2]string {
	var lines [][2]string
	for _, item := range r.Evidence {
		if !item.AtDirectory() {
			continue
		}
		label := StepName(item.Step)
		switch item.Step {
		case evidence.StepFindController:
			label = "DNS"
		case evidence.StepLogon, evidence.StepSkipped:
			label = item.Logon.Scheme
		}
		words := say("directory", &item, "; ")
		if item.Address != "" {
			words = item.Address + "  " + words
		}
		lines = append(lines, [2]string{label, words})
	}
	return lines
}

// lookedUp are the lines of the look-ups outside the network.
func lookedUp(r Report) [][2]string {
	var lines [][2]string
	for step, name := range steps {
		for _, item := range r.Evidence {
			if item.Step != step || item.Cloud == nil && item.Step != evidence.StepHMAToken {
				continue
			}
			status := "-  "
			if item.Response != nil {
				status = fmt.Sprint(item.Response.Status)
			}
			lines = append(lines, [2]string{name, status + "  " + say("look-up", &item, "; ")})
		}
	}
	return lines
}
