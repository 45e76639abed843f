package rule

import (
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// untrusted are the legs at n that met a certificate which is not trusted: any
// connection of a run counts, not only the first.
func (n *node) untrusted() []*evidence.Item {
	var legs []*evidence.Item
	for _, item := range n.items {
		if t := item.TLS; t != nil && t.Certificate != nil && !t.Trusted() {
			legs = append(legs, item)
		}
	}
	return legs
}

func tlsUntrusted(v *view, n *node) *hit {
	legs := n.untrusted()
	if len(legs) == 0 {
		return nil
	}
	t := legs[0].TLS
	if first := n.tls(); !first.Trusted() && first.Certificate != nil {
		t = first // the anonymous request's is told of, where it is one of them
	}
	h := confirmed("", finding.Params{At: v.at(n), Inspector: inspector(t.Certificate.Issuer)})
	for _, problem := range t.Problems {
		h.params.Problems = append(h.params.Problems, problem.Text)
	}
	for _, leg := range legs {
		if leg.TLS == t {
			h.cite(leg)
		}
	}
	h.params.Host, h.params.Device = v.host(), defaultOf(t.Certificate)
	name, management := strings.CutPrefix(commonName(t.Certificate.Subject), "WMSvc-")
	switch {
	case management && t.Certificate.Subject == t.Certificate.Issuer:
		h.params.Sign, h.params.Server = "WMSvc", strings.TrimPrefix(name, "SHA2-")
	case selfMade(t.Certificate):
		h.params.Server = name
	}
	for _, item := range n.items {
		if o := item.TLS; o.Trusted() && o.Certificate != nil && h.params.Issuer == "" {
			h.params.Issuer = o.Certificate.Issuer // of another connection
			h.cite(item)
		}
	}
	stopped := slices.ContainsFunc(legs, func(i *evidence.Item) bool { return i.Error != nil && i.Error.Code == evidence.TLSUntrusted })
	if v.rec.Target.Insecure && !stopped {
		h.variant, h.status = "insecure", finding.Warning
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

// defaultOf is the device whose certificate this is where none was installed; "" none
// that is known.
func defaultOf(c *evidence.Certificate) string {
	subject := strings.ToLower(c.Subject)
	for line := range strings.Lines(defaults) {
		mark, device, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if strings.Contains(subject, mark) {
			return device
		}
	}
	return ""
}

// defaults are what stands in the subjects of the certificates that devices make for
// themselves, by their manuals.
const defaults = `traefik default cert	Traefik
kubernetes ingress controller fake certificate	the ingress controller (nginx) of a Kubernetes cluster
cn=localhost.localdomain	a device with the certificate of its factory, such as BIG-IP (F5),
o=fortinet	a FortiGate (Fortinet)
ou=fortigate	a FortiGate (Fortinet)
sonicwall	a SonicWall
kemp	a LoadMaster (Kemp)
ns-default	a NetScaler (Citrix)
ou=ns internal	a NetScaler (Citrix)
cn=nsroot	a NetScaler (Citrix)
plesk	a server with Plesk
synology	a Synology
cn=sophos	a Sophos firewall
watchguard	a WatchGuard
palo alto networks	a Palo Alto Networks firewall
pfsense	a pfSense
opnsense	an OPNsense
barracuda	a Barracuda
caddy local authority	Caddy`

// commonName is CN of a distinguished name (RFC 4514).
func commonName(dn string) string {
	_, rest, found := strings.Cut(dn, "CN=")
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, ",")
	return strings.TrimSpace(name)
}

// inspector is the product that opens TLS on the way out and signs certificates of
// its own, as their issuer names it; "" for any other issuer.
func inspector(issuer string) string {
	issuer = strings.ToLower(issuer)
	for line := range strings.Lines(inspectors) {
		mark, product, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if mark != "" && strings.Contains(issuer, mark) {
			return product
		}
	}
	return ""
}

// inspectors are what stands in the issuers of products that inspect TLS, by their
// manuals.
const inspectors = `zscaler	Zscaler
fortinet	FortiGate (Fortinet)
fortigate	FortiGate (Fortinet)
palo alto networks	Palo Alto Networks
globalprotect	Palo Alto Networks
blue coat	Blue Coat ProxySG (Symantec)
bluecoat	Blue Coat ProxySG (Symantec)
proxysg	Blue Coat ProxySG (Symantec)
netskope	Netskope
goskope	Netskope
sophos	Sophos
cisco umbrella	Cisco Umbrella
cisco secure access	Cisco Secure Access
cisco web security	Cisco Secure Web Appliance
forcepoint	Forcepoint
websense	Forcepoint (Websense)
mcafee web gateway	Skyhigh Secure Web Gateway (McAfee)
skyhigh	Skyhigh Secure Web Gateway
check point	Check Point
checkpoint	Check Point
sonicwall	SonicWall
watchguard	WatchGuard
barracuda	Barracuda
iboss	iboss
menlo security	Menlo Security
gateway ca - cloudflare	Cloudflare Gateway
cloudflare for teams	Cloudflare Gateway
cato networks	Cato Networks
trend micro	Trend Micro
kaspersky	Kaspersky
eset ssl filter	ESET
avast	Avast
avg technologies	AVG
avg web/mail shield	AVG
bitdefender	Bitdefender
dr.web	Dr.Web
untangle	Untangle
smoothwall	Smoothwall
lightspeed	Lightspeed
securly	Securly
contentkeeper	ContentKeeper
stormshield	Stormshield
sangfor	Sangfor
hillstone	Hillstone
clearswift	Clearswift
trustwave swg	Trustwave
usergate	UserGate
kerio control	Kerio Control
squid	Squid
pfsense	pfSense
mitmproxy	mitmproxy
do_not_trust_fiddlerroot	Fiddler
fiddlerroot	Fiddler
charles proxy	Charles
portswigger	Burp Suite
threat management gateway	Microsoft TMG
tmg https inspection	Microsoft TMG`

func tlsFailed(v *view, n *node) *hit {
	for _, leg := range v.needed(n) {
		if wantsClientCertificate(leg) {
			return confirmed("client-certificate-page", v.answer(n, leg), leg)
		}
	}
	leg := v.failedBy(n, evidence.TLSHandshake, evidence.TLSClientCert, evidence.TLSNotSpoken)
	legacy := n.legacySuite()
	if leg == nil && legacy != nil {
		leg = n.ask
	}
	if leg == nil || leg.Error == nil {
		return nil
	}
	h := confirmed("", finding.Params{At: v.at(n), Host: v.host(), Error: leg.Error.Text}, leg)
	why := leg.Error.Detail
	switch {
	case why.Is(evidence.WhyRenegotiation):
		h.variant, h.status, h.confidence = "renegotiation", finding.Unknown, finding.Undetermined
		return h
	case why.Is(evidence.WhyCertificateUnread):
		h.variant, h.status, h.confidence = "unreadable", finding.Unknown, finding.Undetermined
		return h
	case why.Is(evidence.WhyTLSUnread):
		h.variant, h.status, h.confidence = "limit", finding.Unknown, finding.Undetermined
		return h
	case leg.Error.Code == evidence.TLSClientCert:
		h.variant = "client-certificate"
	case leg.Error.Code == evidence.TLSNotSpoken:
		h.variant = "not-tls"
	case why.Is(evidence.WhyTLSAlert) && len(why.Args) > 1:
		h.params.Alert = why.Args[1]
	}
	if legacy != nil {
		h.status, h.confidence = finding.Unknown, finding.Undetermined
		h.cite(legacy)
		h.params.Suite = legacy.TLS.CipherSuite
	}
	return h
}
