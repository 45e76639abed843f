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
	return confirmed("", finding.Params{At: v.at(n), Issuer: finding.Text(t.Certificate.Issuer)}, n.ask)
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
	h := confirmed("", finding.Params{At: v.at(n), Left: left, Until: t.Certificate.NotAfter})
	h.evidence = []string{v.handshakeItem(n, t)}
	return h
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
	return confirmed("", finding.Params{At: v.at(n)}, n.ask)
}

func clockSkew(v *view, n *node) *hit {
	for _, item := range slices.Concat(n.typeOne, n.keep) {
		if item.NTLM == nil || item.NTLM.ClockSkewMS == nil {
			continue
		}
		if h := skewedClock(item, *item.NTLM.ClockSkewMS, "", v.at(n)); h != nil {
			return h
		}
	}
	// A domain controller's clock is the one that Kerberos goes by.
	for _, item := range v.directory {
		if k := item.Kerberos; k != nil && k.ClockSkewMS != nil && n == v.nodes[0] {
			return skewedClock(item, *k.ClockSkewMS, "controller", finding.Place{Address: finding.Address(item.Address)})
		}
	}
	return nil
}

func skewedClock(item *evidence.Item, ms int64, variant string, at finding.Place) *hit {
	skew := time.Duration(ms) * time.Millisecond
	if skew.Abs() <= 5*time.Minute {
		return nil
	}
	return confirmed(variant, finding.Params{At: at, Address: at.Address, Skew: skew.Abs().Round(time.Second), Behind: skew < 0}, item)
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
	h := confirmed("", finding.Params{Host: v.host()})
	for _, aspect := range aspects {
		d := finding.Difference{Aspect: aspect.name}
		distinct := map[string]bool{}
		for _, n := range seen {
			if value := aspect.of(n); value != "" {
				distinct[value] = true
				d.Values = append(d.Values, finding.Value{Value: value, Address: finding.Address(n.address)})
			}
		}
		if len(distinct) > 1 {
			h.params.Differences = append(h.params.Differences, d)
		}
	}
	if len(h.params.Differences) == 0 {
		return nil
	}
	for _, n := range seen {
		h.cite(n.ask)
	}
	return h
}

// aspects are what servers behind one name should have in common. "" means not
// known there.
var aspects = []struct {
	name string
	of   func(*node) string
}{
	{"status", func(n *node) string { return fmt.Sprint(n.status()) }},
	{"schemes", func(n *node) string {
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
	{"basic", func(n *node) string { return decided(n.basic()) }},
	{"ntlm", func(n *node) string { return decided(n.windows()) }},
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
	item := silent[0]
	return confirmed("", finding.Params{Host: v.host(), Address: finding.Address(item.Address), Error: finding.Text(item.Error.Text)}, item)
}

func (v *view) resolved() *evidence.Item {
	for i := range v.rec.Items {
		if item := &v.rec.Items[i]; item.Step == evidence.StepResolve && item.Error == nil {
			return item
		}
	}
	return nil
}
