package rule

import (
	_ "embed"
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
	public := v.rec.Target.View == "public"
	item := v.foundEWS()
	asked := first(v.items, func(item *evidence.Item) bool {
		return item.Step == evidence.StepResolve || item.Step == evidence.StepAnonymous
	})
	if kind := private(v.rec.Target.Host); kind != "" && public && asked != nil && (item == nil || item.Discovery.EwsURL != v.rec.Target.URL) {
		return confirmed("", finding.Params{Scheme: kind}, asked)
	}
	if item == nil {
		return nil
	}
	kind := private(parsed(item.Discovery.EwsURL).Hostname())
	if kind == "" {
		return nil
	}
	h := confirmed("autodiscover", finding.Params{URL: item.Discovery.EwsURL, Source: source(item), Scheme: kind}, item)
	h.status = finding.Warning
	if p := v.rec.Target.Profile; public || p != nil && p.AutoDiscover != nil && *p.AutoDiscover {
		h.status = finding.Critical
	}
	return h
}

func certificateExpiring(v *view, n *node) *hit {
	if c := n.certificate(); c != nil {
		return v.expiring(c, finding.Params{}, n.handshake())
	}
	return nil
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

// untrusted are the items at n that met a certificate which is not trusted: any
// connection of a run counts, not only the first.
func (n *node) untrusted() []*evidence.Item {
	return slices.DeleteFunc(slices.Clone(n.items), func(item *evidence.Item) bool {
		return item.TLS == nil || item.TLS.Certificate == nil || item.TLS.Trusted()
	})
}

func tlsUntrusted(v *view, n *node) *hit {
	items := n.untrusted()
	if len(items) == 0 {
		return nil
	}
	t := items[0].TLS
	if first := n.tls(); !first.Trusted() && first.Certificate != nil {
		t = first // the anonymous request's is told of, where it is one of them
	}
	h := untrustedBy(t)
	if g := v.rec.Target.Given; g != nil && len(t.Problems) > 0 && t.Problems[0].Code == "unknown-issuer" {
		h.params.By = g.CAFile
	}
	for _, item := range items {
		if item.TLS == t {
			h.cite(item)
		}
	}
	for _, item := range n.items {
		if o := item.TLS; o.Trusted() && o.Certificate != nil && h.params.Issuer == "" {
			h.params.Issuer = o.Certificate.Issuer // of another connection
			h.cite(item)
		}
	}
	if h.variant == "limit" {
		return h
	}
	stopped := slices.ContainsFunc(items, func(i *evidence.Item) bool { return i.Error != nil && i.Error.Code == evidence.TLSUntrusted })
	if v.rec.Target.Insecure && !stopped {
		h.variant, h.status = "insecure", finding.Warning
	}
	return h
}

// untrustedBy is what is wrong with a certificate, and what made it.
func untrustedBy(t *evidence.TLS) *hit {
	c := t.Certificate
	h := confirmed("", finding.Params{Inspector: marked(inspectors, c.Issuer), Device: marked(defaults, c.Subject)})
	for _, problem := range t.Problems {
		h.params.Problems = append(h.params.Problems, problem.Text)
	}
	if p := t.Problems; len(p) > 0 {
		h.use = finding.Case(p[0].Code)
		if p[0].Detail.Is("certificate-alone", "certificate-alone-aia", "certificate-other-chain") {
			h.use = finding.Incomplete
		}
	}
	name, management := strings.CutPrefix(commonName(c.Subject), "WMSvc-")
	switch {
	case management && c.Subject == c.Issuer:
		h.params.Sign, h.params.Server = "WMSvc", strings.TrimPrefix(name, "SHA2-")
	case selfMade(c):
		h.params.Server = name
	}
	if len(t.Problems) == 1 && t.Problems[0].Code == "issuer-encoding" {
		h.variant, h.status, h.confidence = "limit", finding.Unknown, finding.Undetermined
	}
	return h
}

// selfMade: Exchange makes such a certificate for each server at setup: it signs
// itself and names the computer alone and with its domain.
func selfMade(c *evidence.Certificate) bool {
	name := commonName(c.Subject)
	if name == "" || c.Subject != c.Issuer || strings.Contains(name, ".") {
		return false
	}
	return slices.ContainsFunc(c.Names, func(s string) bool { return strings.EqualFold(s, name) })
}

// defaults are what stands in the subjects of the certificates that devices make for
// themselves, where none was installed, and inspectors what stands in the issuers of
// products that open TLS on the way out and sign certificates of their own; by their
// manuals.
var (
	//go:embed defaults.txt
	defaults string
	//go:embed inspectors.txt
	inspectors string
)

// marked is the product of a list of which a name has the mark; "" none.
func marked(list, name string) string {
	name = strings.ToLower(name)
	for line := range strings.Lines(list) {
		if mark, product, _ := strings.Cut(strings.TrimSpace(line), "\t"); strings.Contains(name, mark) {
			return product
		}
	}
	return ""
}

// commonName is CN of a distinguished name (RFC 4514).
func commonName(dn string) string {
	_, rest, found := strings.Cut(dn, "CN=")
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, ",")
	return strings.TrimSpace(name)
}

func tlsFailed(v *view, n *node) *hit {
	for _, item := range v.needed(n) {
		if wantsClientCertificate(item) {
			return confirmed("client-certificate-page", v.answer(n, item), item)
		}
	}
	item := v.failedBy(n, evidence.TLSHandshake, evidence.TLSClientCert, evidence.TLSNotSpoken)
	legacy := n.legacySuite()
	if item == nil && legacy != nil {
		item = n.ask
	}
	if item == nil || item.Error == nil {
		return nil
	}
	h := confirmed("", finding.Params{Error: item.Error.Text}, item)
	why := item.Error.Detail
	switch {
	case why.Is("renegotiation"):
		h.variant, h.status, h.confidence = "renegotiation", finding.Unknown, finding.Undetermined
		return h
	case why.Is("certificate-unread"):
		h.variant, h.status, h.confidence = "unreadable", finding.Unknown, finding.Undetermined
		return h
	case why.Is("tls-unread"):
		h.variant, h.status, h.confidence = "limit", finding.Unknown, finding.Undetermined
		return h
	case item.Error.Code == evidence.TLSClientCert:
		h.variant = "client-certificate"
	case item.Error.Code == evidence.TLSNotSpoken:
		h.variant = "not-tls"
	case why.Is("tls-alert") && len(why.Args) > 1:
		h.params.Alert = why.Args[1]
	}
	if legacy != nil {
		h.status, h.confidence = finding.Unknown, finding.Undetermined
		h.cite(legacy)
		h.params.Suite = legacy.TLS.CipherSuite
	}
	return h
}
