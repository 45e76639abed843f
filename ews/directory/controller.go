// Package directory asks a domain controller about the one account of a check,
// and writes down what it said.
//
// EWS gives the same 401 for every reason to refuse an account. A domain
// controller knows the reason. Two of its protocols tell it. A Kerberos AS-REQ
// without pre-authentication (RFC 4120 5.4.1) carries no secret and costs no
// logon; its error says whether the account exists and, with some KDCs, whether
// it is disabled or locked. An LDAP simple bind carries the password and counts
// like any logon; its error ends in "data 52e" or another of Active Directory's
// reasons. Kerberos is also a way to sign in to EWS: the account's key buys a
// ticket for HTTP/host, and the ticket goes to EWS inside Negotiate. The
// connection of a bind can be searched for the service connection points by
// which Exchange tells its forest where Autodiscover is ([MS-OXDISCO]).
//
// Which controller is asked is the administrator's word (--dc, --domain), this
// machine's own domain, or a name that DNS gives inside that domain: never what
// the EWS server says, because it could name a domain whose "controller"
// collects passwords. LDAP is spoken only inside TLS with a verified
// certificate. Kerberos uses AES only; a reply that anybody could have asked for
// is dropped unread.
package directory

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// Client asks the controllers of one domain. It is made for one check; its steps
// follow each other.
type Client struct {
	Domain     string // DNS name of the domain, "" if only a controller was named
	Realm      string // the Kerberos realm, "" if none is known
	Named      string // --dc: HOST or HOST:PORT, the port being that of LDAPS
	Configured []string
	Credential ews.Credential
	Recorder   *ews.Recorder
	Extra      *x509.CertPool // trusted beside the system's roots
	// Lookup finds the controllers that DNS names; nil asks the system's
	// resolver.
	Lookup func(ctx context.Context, service, domain string) ([]wire.Service, *evidence.Failure)
}

// Limits of what a controller may cost: time to connect and answer, and how
// many are tried when one does not answer.
const (
	patience       = 5 * time.Second
	stepPatience   = 2 * patience // all of them together
	maxTried       = 3
	longestMessage = 64 << 10 // bytes of a KDC's or an LDAP server's answer
)

const (
	ldapsPort    = "636"
	kerberosPort = "88"
)

// kdcs are the controllers to ask with Kerberos, as host:port: the entry of
// krb5.conf for the one that was named, the named one, the others of krb5.conf,
// and only without any of these what DNS names.
func (c *Client) kdcs(ctx context.Context) ([]string, *evidence.Item) {
	named, _ := splitController(c.Named, "")
	var list []string
	for _, k := range c.Configured {
		if host, _ := splitController(k, kerberosPort); named != "" && strings.EqualFold(host, named) {
			list = append(list, joined(k, kerberosPort))
		}
	}
	if named != "" && len(list) == 0 {
		list = append(list, net.JoinHostPort(named, kerberosPort))
	}
	for _, k := range c.Configured {
		if k = joined(k, kerberosPort); !slices.Contains(list, k) {
			list = append(list, k)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	return c.fromDNS(ctx, "kerberos", c.Domain, "")
}

// ldaps are the controllers to bind to, as host:port.
func (c *Client) ldaps(ctx context.Context) ([]string, *evidence.Item) {
	if c.Named != "" {
		return []string{joined(c.Named, ldapsPort)}, nil
	}
	domain := c.Domain
	if domain != "" {
		domain = "dc._msdcs." + domain
	}
	return c.fromDNS(ctx, "ldap", domain, ldapsPort) // the record's port is that of LDAP without TLS
}

// fromDNS asks for the servers of a service. A server outside the domain is
// passed over: whoever can forge an answer could lead the credential to a host
// of his own.
func (c *Client) fromDNS(ctx context.Context, service, domain, port string) ([]string, *evidence.Item) {
	item := evidence.Item{ID: c.Recorder.Begin(), Step: evidence.StepFindController, At: time.Now()}
	fact := &evidence.Kerberos{Realm: c.Realm, Problem: evidence.NoController}
	if service == "kerberos" {
		item.Kerberos = fact
	}
	give := func(why *evidence.Detail) ([]string, *evidence.Item) {
		fact.Detail = why
		if service != "kerberos" {
			item.Bind = &evidence.Bind{Problem: evidence.NoController, Detail: why}
		}
		return nil, new(c.Recorder.Add(item))
	}
	if c.Domain == "" {
		return give(evidence.Say("no-domain"))
	}
	name := fmt.Sprintf("_%s._tcp.%s", service, domain)
	lookup := c.Lookup
	if lookup == nil {
		lookup = wire.Services
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found, fail := lookup(limited, service, domain)
	var list, foreign []string
	for _, s := range found {
		p := port
		if p == "" {
			p = strconv.Itoa(int(s.Port))
		}
		if !strings.HasSuffix(strings.ToLower(s.Host), "."+strings.ToLower(c.Domain)) {
			foreign = append(foreign, s.Host)
			continue
		}
		list = append(list, net.JoinHostPort(s.Host, p))
	}
	item.Error = fail
	item.Resolution = &evidence.Resolution{Name: name, Addresses: list}
	switch {
	case fail != nil:
		return give(evidence.Say("no-record", name, fail))
	case len(list) == 0 && len(foreign) > 0:
		return give(evidence.Say("outside-domain", foreign[0], name))
	case len(list) == 0:
		return give(evidence.Say("record-empty", name))
	}
	item.Kerberos = nil
	c.Recorder.Add(item)
	return list, nil
}

// addresses are the places to try, at most maxTried: each host by the first of
// its addresses.
func (c *Client) addresses(ctx context.Context, controllers []string) (places []place, last *evidence.Failure) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, k := range controllers {
		if len(places) == maxTried {
			break
		}
		host, port := splitController(k, "")
		if ip := net.ParseIP(host); ip != nil {
			places = append(places, place{host, net.JoinHostPort(ip.String(), port)})
			continue
		}
		ips, fail := wire.Resolve(ctx, host)
		if fail != nil {
			last = fail
			continue
		}
		places = append(places, place{host, net.JoinHostPort(ips[0].String(), port)})
	}
	return places, last
}

// place is where a controller is: its name, which its certificate must bear,
// and its address.
type place struct{ host, address string }

// unreached says that a failure happened before anything was sent.
func unreached(f *evidence.Failure) bool { return f != nil && f.Phase == "connect" }

func joined(controller, port string) string {
	return net.JoinHostPort(splitController(controller, port))
}

// splitController parts HOST, HOST:PORT, an IPv6 address or [IPv6]:PORT.
func splitController(s, port string) (string, string) {
	host, port, _ := address.HostPort(s, port)
	return host, port
}
