package probe

import (
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// mayAskCredential: never over http nor at Exchange Online, whichever address it
// answers from, and only where a 401 of EWS asks for one.
func (r *run) mayAskCredential(nodes []*node) bool {
	if len(r.plan.Logons) == 0 || !r.dialer.TLS {
		return false
	}
	asks := false
	for _, n := range nodes {
		if n.online() {
			return false
		}
		asks = asks || n.asks()
	}
	return asks && r.mayGoWhereFound(nodes)
}

// mayGoWhereFound: an EWS that Autodiscover named gets the credential like any
// other host that the user did not name.
func (r *run) mayGoWhereFound(nodes []*node) bool {
	if r.Config.FromAddress == "" {
		return true
	}
	for _, n := range nodes {
		held := r.Config.credentialPolicy(place{url: r.Config.URL, direct: true, within: r.forest}, n.reply.Response)
		if n.asks() && held != "" {
			r.withhold(n.address, r.Config.URL, held, evidence.Logon{Scheme: string(r.plan.Logons[0].Scheme), Detail: evidence.Say(heldWhy[held])})
			return false
		}
	}
	return true
}

// place is an endpoint that may be asked, and how it was come upon.
type place struct {
	url *url.URL
	// direct: made of the mailbox's own domain, or EWS as Autodiscover named it.
	// What a redirect or a DNS record leads to is not direct.
	direct bool
	// within is a domain that counts beside the mailbox's, "" none: the Active
	// Directory domain whose own controller named the place, or in whose forest
	// the way began.
	within string
}

// credentialPolicy says why the credential may not go to p, whose anonymous answer is
// given; "" it may. Promise 2: only to a host that the user named, or that is
// under the domain of the mailbox that the user named and shows that Exchange
// answers there. The domain that was asked for service connection points counts
// like the mailbox's: it is the user's word or this machine's own, its controller
// has shown a certificate for its name and taken the password already, and the
// hosts below it are its administrators'. Everything else needs --follow-autodiscover, and some never
// gets it.
func (c Config) credentialPolicy(p place, answer *evidence.Response) evidence.HeldBack {
	host := p.url.Hostname()
	id := front.Identify(answer)
	switch {
	case p.url.Scheme != "https":
		return evidence.HeldNotHTTPS
	case front.OnlineHost(host) || id.Online:
		return evidence.HeldOnline
	case c.named(p.url), c.FollowAutodiscover:
		return ""
	case !p.direct || !underDomain(host, domainOf(c.FromAddress)) && !underDomain(host, p.within):
		return evidence.HeldUnnamed
	case !id.Exchange:
		return evidence.HeldNoExchange
	}
	return ""
}

// named: the user wrote this host and port, in TARGET or --autodiscover.
func (c Config) named(u *url.URL) bool {
	return c.Autodiscover != nil && wire.SameHost(u, c.Autodiscover) || c.FromAddress == "" && c.URL != nil && wire.SameHost(u, c.URL)
}

// underDomain says whether host lies below domain, and whoever owns domain owns
// it. The domain itself is not below itself: it is often a web hoster's. Nor is
// anything below a public suffix (co.uk, azurewebsites.net), whose names have an
// owner each.
func underDomain(host, domain string) bool {
	host, domain = dnsName(host), dnsName(domain)
	if net.ParseIP(host) != nil || domain == "" || !strings.HasSuffix(host, "."+domain) {
		return false
	}
	owned, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return false // domain is a public suffix itself
	}
	above, err := publicsuffix.EffectiveTLDPlusOne(host)
	return err == nil && owned == above
}

func dnsName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// domainOf is the part of an address behind the @, as DNS has it.
func domainOf(address string) string {
	domain := address[strings.LastIndex(address, "@")+1:]
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	return dnsName(domain)
}
