package rule

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

func certificatePrivate(v *view, n *node) *hit {
	t := n.tls()
	if v.rec.Target.View != "public" || t == nil || t.PublicRoot == nil || *t.PublicRoot || !t.Trusted() {
		return nil
	}
	return confirmed("", finding.Params{Issuer: t.Certificate.Issuer}, n.ask)
}

// namePrivate: Dynamics online does not find the host of EWS. A name of this machine
// itself is somebody's trial.
func namePrivate(v *view) *hit {
	private := func(host string) string {
		if a, err := netip.ParseAddr(host); host == "" || strings.EqualFold(host, "localhost") || err == nil && a.IsLoopback() {
			return ""
		}
		return insideOnly(host)
	}
	if kind := private(v.rec.Target.Host); kind != "" && v.rec.Target.View == "public" && len(v.nodes) > 0 && v.nodes[0].ask != nil {
		return confirmed("", finding.Params{Scheme: kind}, v.nodes[0].ask)
	}
	item := v.foundEWS()
	if item == nil {
		return nil
	}
	kind := private(parsed(item.Discovery.EwsURL).Hostname())
	if kind == "" {
		return nil
	}
	h := confirmed("autodiscover", finding.Params{URL: item.Discovery.EwsURL, Source: source(item), Scheme: kind}, item)
	h.status = finding.Warning
	if p := v.rec.Target.Profile; p != nil && p.AutoDiscover != nil && *p.AutoDiscover {
		h.status = finding.Critical
	}
	return h
}

func certificateExpiring(v *view, n *node) *hit {
	item := n.handshake()
	if item == nil || item.TLS.Certificate == nil {
		return nil
	}
	return v.expiring(item.TLS.Certificate, finding.Params{}, item)
}

// expiring: the certificate is good for fewer days than a warning is wanted for.
func (v *view) expiring(c *evidence.Certificate, p finding.Params, item *evidence.Item) *hit {
	p.Until, p.Left = c.NotAfter, c.NotAfter.Sub(v.rec.Started)
	if p.Left <= 0 || p.Left >= time.Duration(v.rec.Target.CertWarnDays)*24*time.Hour {
		return nil
	}
	return confirmed("", p, item)
}

func basicAndNTLM(v *view, n *node) *hit {
	if v.rec.Target.ProfileAuth != "ntlm" || !n.challenged() || !n.offer("Basic") || !n.offer("NTLM") || v.isOnline(n) || v.plain() {
		return nil
	}
	return confirmed("", finding.Params{}, n.ask)
}

// clockSkew is the clock by a challenge of NTLM, or where none tells it by the Date
// header (RFC 9110 6.6.1). An answer out of a cache has the date of its making.
func clockSkew(v *view, n *node) *hit {
	told := false
	for _, item := range slices.Concat(n.typeOne, n.keep) {
		if item.NTLM == nil || item.NTLM.ClockSkewMS == nil {
			continue
		}
		told = true
		if h := skewedClock(item, *item.NTLM.ClockSkewMS, "", v.at(n)); h != nil {
			return h
		}
	}
	// A domain controller's clock is the one that Kerberos goes by.
	for _, item := range v.directory {
		if k := item.Kerberos; k != nil && k.ClockSkewMS != nil && n == v.nodes[0] {
			return skewedClock(item, *k.ClockSkewMS, "controller", finding.Place{Address: item.Address})
		}
	}
	if told || !n.answered() || n.ask.At.IsZero() || n.ask.Response.First("Age") != "" {
		return nil
	}
	date, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", n.ask.Response.First("Date")) // RFC 9110 5.6.7
	if err != nil {
		return nil
	}
	at := n.ask.At
	if total := n.ask.Timing.Total; total != nil {
		at = at.Add(time.Duration(*total * float64(time.Millisecond)))
	}
	return skewedClock(n.ask, date.Sub(at).Milliseconds(), "date", v.at(n))
}

func skewedClock(item *evidence.Item, ms int64, variant string, at finding.Place) *hit {
	skew := time.Duration(ms) * time.Millisecond
	if skew.Abs() <= 5*time.Minute {
		return nil
	}
	return confirmed(variant, finding.Params{At: at, Address: at.Address, Skew: skew.Abs().Round(time.Second), Behind: skew < 0}, item)
}

func addressFamily(v *view) *hit {
	asked := func(item *evidence.Item) bool {
		return item.Address != "" && (item.Step == evidence.StepAnonymous || item.Step == evidence.StepAddressFamily)
	}
	silent := first(v.items, func(item *evidence.Item) bool { return asked(item) && isPublishedIPv6(item) })
	answered := first(v.items, func(item *evidence.Item) bool { return asked(item) && !isPublishedIPv6(item) && item.Response != nil })
	if silent == nil || answered == nil || v.resolved() == nil {
		return nil
	}
	return confirmed("", finding.Params{Address: silent.Address, Error: silent.Error.Text}, silent)
}

// isPublishedIPv6: a connection to an IPv6 address, not of this machine itself,
// failed.
func isPublishedIPv6(item *evidence.Item) bool {
	host, _, err := net.SplitHostPort(item.Address)
	ip := net.ParseIP(host)
	f := item.Error
	return err == nil && ip != nil && ip.To4() == nil && !ip.IsLoopback() &&
		f != nil && f.Phase == "connect" && (f.Code == evidence.ConnectRefused || f.Code == evidence.TimedOut)
}

func (v *view) resolved() *evidence.Item {
	return first(v.items, func(item *evidence.Item) bool { return item.Step == evidence.StepResolve && item.Error == nil })
}
