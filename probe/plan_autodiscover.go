package probe

import (
	"fmt"
	"net/url"

	"github.com/ewsprobe/ewsprobe/ews"
)

// planDiscovery lists what Autodiscover may be asked, none if it is not asked.
func planDiscovery(c Config) []string {
	named := c.Autodiscover
	if named == nil && c.FromAddress == "" {
		return nil
	}
	var lines []string
	if named != nil {
		lines = append(lines, "GET "+named.String()+"; costs no logon")
	} else {
		if c.asksServicePoints() {
			at := "a domain controller of " + c.Domain
			if c.Controller != "" {
				at = c.Controller
			}
			lines = append(
				lines, "LDAP inside TLS at "+at+": a bind, then a search for the service connection points of Autodiscover; costs 1 logon",
				"GET of at most "+fmt.Sprint(mostPoints)+" URLs that they name, https alone; costs no logon")
		}
		domain := domainOf(c.FromAddress)
		for _, prefix := range []string{"https://" + domain, "https://autodiscover." + domain, "http://autodiscover." + domain} {
			lines = append(lines, "GET "+prefix+ews.AutodiscoverPath+"; costs no logon")
		}
		lines = append(lines, "DNS: SRV _autodiscover._tcp."+domain+"; costs no logon")
	}
	lines = append(lines, "GET where redirects lead, at most 10, https alone; costs no logon")
	if !c.sendsPassword() {
		return append(lines, "GET of autodiscover.json, which names the mailbox; costs no logon")
	}
	where := ""
	switch {
	case c.FollowAutodiscover:
		where = "at each of these over https (--follow-autodiscover)"
	case named != nil:
		where = "at " + hostsOf(named, c.URL)
	default:
		where = "at hosts under " + domainOf(c.FromAddress)
		if c.asksServicePoints() && c.Domain != "" && c.Domain != domainOf(c.FromAddress) {
			where += " or " + c.Domain
		}
		where += " that answer as Exchange"
	}
	return append(lines, "POST with the credential by Basic if offered, else NTLM, "+where+"; costs 1 logon each")
}

func hostsOf(named, target *url.URL) string {
	if target == nil || sameHost(named, target) {
		return named.Host
	}
	return named.Host + " and " + target.Host
}
