package redact

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// build is a version of Exchange. Four small numbers are an address, except the
// few releases of Exchange that look like one.
func (r *Redactor) build(s string) string {
	parts := strings.Split(strings.TrimPrefix(s, "Exchange/"), ".")
	for i, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n > 99999 || i < 2 && len(p) > 2 {
			return r.unknown(s)
		}
	}
	major := slices.Contains([]string{"8", "14", "15"}, parts[0])
	if !major || len(parts) != 4 {
		return r.unknown(s)
	}
	if _, err := netip.ParseAddr(strings.Join(parts, ".")); err == nil && !listed("smallBuilds", strings.Join(parts[:3], ".")) {
		return r.endpoint(strings.Join(parts, "."))
	}
	return s
}

// whole replaces a text as a whole.
func (r *Redactor) whole(table, format, s string) string {
	if s == "" {
		return ""
	}
	return r.numbered(table, format, s)
}

func (r *Redactor) unknown(s string) string { return r.whole("text", "[text-%d]", s) }

func isPlaceholder(s string) bool { return has("placeholder", s) }

// host is a host name, a domain or an address.
func (r *Redactor) host(s string) string {
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), "."))
	if name == "" || name == "localhost" {
		return name
	}
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return r.ip(ip)
	}
	base, replaced := "", ""
	if at := strings.LastIndex("."+name, ".crm"); at >= 0 && has("crm", name) {
		base = name[at:]
	}
	for _, b := range known().lists["bases"] {
		if (name == b || strings.HasSuffix(name, "."+b)) && len(b) > len(base) {
			base = b
		}
	}
	switch {
	case base != "":
		replaced = base
	case !strings.Contains(name, "."):
		return r.label(name)
	default:
		owned, err := publicsuffix.EffectiveTLDPlusOne(name)
		if err != nil {
			owned = name
		}
		base, replaced = owned, r.whole("domain", "domain-%d.example", owned)
	}
	front := strings.TrimSuffix(strings.TrimSuffix(name, base), ".")
	if front == "" {
		return replaced
	}
	return strings.Join(each(strings.Split(front, "."), r.label), ".") + "." + replaced
}

func (r *Redactor) label(s string) string {
	if s == "" || s == "autodiscover" || s == "www" || s == "*" {
		return s
	}
	// The rules tell a server's name from another text by its form
	// (^[A-Za-z0-9-]{1,15}$): one that has not that form must not get it.
	switch {
	case !has("plain-label", s):
		return r.numbered("host", "host_%d", s)
	case len(s) > 15:
		return r.numbered("host", "long-name-host-%d", s)
	}
	return r.numbered("host", "host-%d", s)
}

// ip is an address for documentation (RFC 5737, RFC 3849). Loopback is everybody's.
func (r *Redactor) ip(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() || a.IsUnspecified() {
		return a.String()
	}
	if a.Is6() {
		return r.numbered("ip6", "2001:db8::%x", a.String())
	}
	blocks := []string{"192.0.2.", "198.51.100.", "203.0.113."}
	for i, b := range blocks { // one that was given out stays
		if last, ok := strings.CutPrefix(a.String(), b); ok {
			if n, _ := strconv.Atoi(last); n > 0 && 254*i+n <= len(r.tables["ip4"]) {
				return a.String()
			}
		}
	}
	n, _ := strconv.Atoi(r.numbered("ip4", "%d", a.String()))
	n--
	if block := n / 254; block < len(blocks) {
		return fmt.Sprintf("%s%d", blocks[block], n%254+1)
	}
	n -= 254 * len(blocks) // used up: those for benchmarks (RFC 2544)
	return fmt.Sprintf("198.%d.%d.%d", 18+n/(254*256)%2, n/254%256, n%254+1)
}

// endpoint is an address or a host, with or without a port.
func (r *Redactor) endpoint(s string) string {
	if s == "" {
		return ""
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return hostPort(r.ip(ap.Addr()), fmt.Sprint(ap.Port()))
	}
	if i := strings.LastIndexByte(s, ':'); i > 0 && has("port", s[i+1:]) && !strings.Contains(s[:i], ":") {
		return hostPort(r.host(s[:i]), s[i+1:])
	}
	return r.host(s)
}

func hostPort(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + port
}

// user is an account's name: DOMAIN\user, user@domain, user.
func (r *Redactor) user(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }) {
		return s // nothing, or what stands for any mailbox
	}
	if domain, name, ok := strings.Cut(s, `\`); ok {
		if strings.Contains(domain, ".") {
			domain = r.host(domain)
		} else {
			domain = r.whole("nt", "nt-%d", domain)
		}
		return domain + `\` + r.user(name)
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return r.user(s[:i]) + "@" + r.host(s[i+1:])
	}
	return r.whole("account", "account-%d", s)
}

func (r *Redactor) tenant(s string) string {
	switch {
	case s == "" || has("own-guid", s):
		return s
	case has("guid", s):
		return r.numbered("guid", "00000000-0000-0000-0000-%012d", s)
	case strings.Contains(s, "@"):
		return r.user(s)
	}
	return r.host(s)
}

// subject is what a look-up was about.
func (r *Redactor) subject(s string) string {
	if strings.Contains(s, "://") {
		return r.url(s)
	}
	if has("guid", s) || strings.Contains(s, "@") {
		return r.tenant(s)
	}
	return r.endpoint(s)
}

// certified is a name in a certificate.
func (r *Redactor) certified(s string) string {
	if strings.Contains(s, "@") {
		return r.user(s)
	}
	return r.host(s)
}

// service is a service principal name: HTTP/host@REALM.
func (r *Redactor) service(s string) string {
	class, rest, ok := strings.Cut(s, "/")
	if !ok {
		return r.user(s)
	}
	if class != "HTTP" && class != "krbtgt" && class != "ldap" {
		class = r.unknown(class)
	}
	host, realm, ok := strings.Cut(rest, "@")
	rest = strings.Join(each(strings.Split(host, "/"), r.endpoint), "/")
	if ok {
		rest += "@" + r.host(realm)
	}
	return class + "/" + rest
}

// agent is a user agent; that of synchronization begins CRM/.
func (r *Redactor) agent(s string) string {
	switch {
	case s == "" || has("own-agent", s):
		return s
	case evidence.SyncAgent(s):
		return "CRM/" + r.whole("agent", "agent-%d", s)
	}
	return r.whole("agent", "agent-%d", s)
}
