package rule

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

func certificatePrivate(v *view, n *node) *hit {
	t := nodeTLS(n)
	if v.rec.Target.View != "public" || t == nil || t.PublicRoot == nil || *t.PublicRoot || !t.Trusted() {
		return nil
	}
	h := &hit{confidence: finding.Confirmed, evidence: []string{n.ask.ID}}
	h.summary = fmt.Sprintf("The certificate of %s does not end in a public root", v.at(n))
	h.detail = fmt.Sprintf("This machine trusts it, but its issuer (%s) is not among the roots that public clients know. Dynamics comes from the Internet and has no other.", t.Certificate.Issuer)
	return h
}

func certificateExpiring(v *view, n *node) *hit {
	t := nodeTLS(n)
	if t == nil || t.Certificate == nil || v.rec.Target.CertWarnDays <= 0 {
		return nil
	}
	left := t.Certificate.NotAfter.Sub(v.rec.Started)
	if left <= 0 || left >= time.Duration(v.rec.Target.CertWarnDays)*24*time.Hour {
		return nil
	}
	return &hit{
		confidence: finding.Confirmed, evidence: []string{v.handshakeItem(n, t)},
		summary: fmt.Sprintf("The certificate of %s expires in %s", v.at(n), days(left)),
		detail:  fmt.Sprintf("Valid until %s.", t.Certificate.NotAfter.UTC().Format("2006-01-02 15:04 UTC")),
	}
}

func days(d time.Duration) string {
	switch n := int(d.Hours() / 24); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

func (v *view) handshakeItem(n *node, t *evidence.TLS) string {
	for _, item := range n.items {
		if item.TLS == t {
			return item.ID
		}
	}
	return ""
}

func basicAndNTLM(v *view, n *node) *hit {
	if v.rec.Target.ProfileAuth != "ntlm" || !n.challenged() || !n.offer("Basic") || !n.offer("NTLM") || v.isOnline(n) || v.plain() {
		return nil
	}
	return &hit{
		confidence: finding.Confirmed, evidence: []string{n.ask.ID},
		summary: fmt.Sprintf("%s offers Basic although the profile uses NTLM", v.at(n)),
		detail:  "The documented prerequisite for an NTLM profile is that Basic is disabled on the EWS virtual directory. Whether Dynamics then really chooses Basic is not proved.",
	}
}

func clockSkew(v *view, n *node) *hit {
	for _, item := range slices.Concat(n.typeOne, n.keep) {
		if item.NTLM == nil || item.NTLM.ClockSkewMS == nil {
			continue
		}
		if h := skewedClock(item, *item.NTLM.ClockSkewMS, v.at(n), "the server's NTLM challenge"); h != nil {
			return h
		}
	}
	// A domain controller's clock is the one that Kerberos goes by.
	for _, item := range v.directory {
		if k := item.Kerberos; k != nil && k.ClockSkewMS != nil && n == v.nodes[0] {
			return skewedClock(item, *k.ClockSkewMS, "the domain controller at "+item.Address, "the domain controller's answer")
		}
	}
	return nil
}

func skewedClock(item *evidence.Item, ms int64, whose, from string) *hit {
	skew := time.Duration(ms) * time.Millisecond
	if skew.Abs() <= 5*time.Minute {
		return nil
	}
	way := "ahead of"
	if skew < 0 {
		way = "behind"
	}
	return &hit{
		confidence: finding.Confirmed, evidence: []string{item.ID},
		summary: fmt.Sprintf("The clock of %s is %s %s this machine's", whose, skew.Abs().Round(time.Second), way),
		detail:  fmt.Sprintf("Read from %s. Kerberos refuses more than 5 minutes of difference; which of the two clocks is wrong cannot be seen from here.", from),
	}
}

func farmInconsistent(v *view) *hit {
	var seen []*node
	for _, n := range v.nodes {
		if n.answered() {
			seen = append(seen, n)
		}
	}
	if len(seen) < 2 {
		return nil
	}
	h := &hit{confidence: finding.Confirmed}
	var differences []string
	for _, aspect := range aspects {
		var values, places []string
		for _, n := range seen {
			if value := aspect.of(n); value != "" {
				values = append(values, value)
				places = append(places, fmt.Sprintf("%s at %s", value, n.address))
			}
		}
		if slices.Sort(values); len(slices.Compact(values)) > 1 {
			differences = append(differences, aspect.name+": "+strings.Join(places, ", "))
		}
	}
	if len(differences) == 0 {
		return nil
	}
	for _, n := range seen {
		h.evidence = append(h.evidence, n.ask.ID)
	}
	h.summary = fmt.Sprintf("The servers behind %s differ: %s", v.host(), differences[0])
	h.detail = "They should be configured alike; " + strings.Join(differences, "; ") + "."
	return h
}

// aspects are what servers behind one name should have in common. "" means not
// known there.
var aspects = []struct {
	name string
	of   func(*node) string
}{
	{"HTTP status", func(n *node) string { return fmt.Sprint(n.status()) }},
	{"schemes offered", func(n *node) string {
		if n.status() != 401 {
			return ""
		}
		names := n.offerNames()
		slices.Sort(names)
		if len(names) == 0 {
			return "none"
		}
		return strings.Join(names, "+")
	}},
	{"Basic logon", func(n *node) string { return decided(n.basic()) }},
	{"NTLM logon", func(n *node) string { return decided(n.windows()) }},
	{"version", func(n *node) string { return front.Product(n.who.Version) }},
}

func decided(item *evidence.Item) string {
	if r := result(item); r == evidence.Accepted || r == evidence.Refused {
		return string(r)
	}
	return ""
}

func addressFamily(v *view) *hit {
	var silent []*evidence.Item
	answered := false
	for i := range v.rec.Items {
		item := &v.rec.Items[i]
		host, _, err := net.SplitHostPort(item.Address)
		if err != nil || item.Step != evidence.StepAnonymous && item.Step != evidence.StepAddressFamily {
			continue
		}
		ip := net.ParseIP(host)
		six := ip != nil && ip.To4() == nil && !ip.IsLoopback()
		if f := item.Error; six && f != nil && f.Phase == "connect" && (f.Code == evidence.ConnectRefused || f.Code == evidence.TimedOut) {
			silent = append(silent, item)
		} else if item.Response != nil {
			answered = true
		}
	}
	if len(silent) == 0 || !answered || v.resolved() == nil {
		return nil
	}
	return &hit{
		confidence: finding.Confirmed, evidence: []string{silent[0].ID},
		summary: fmt.Sprintf("%s publishes an IPv6 address that does not answer (%s)", v.host(), silent[0].Address),
		detail:  fmt.Sprintf("An AAAA record names %s, and this machine has a route to it, but: %s. Power Platform connects over IPv6 where an AAAA record is published.", silent[0].Address, silent[0].Error.Text),
	}
}

func (v *view) resolved() *evidence.Item {
	for i := range v.rec.Items {
		if item := &v.rec.Items[i]; item.Step == evidence.StepResolve && item.Error == nil {
			return item
		}
	}
	return nil
}
