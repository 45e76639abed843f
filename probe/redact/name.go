package redact

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// forms are those that a text of a kind has where it names nobody: codes,
// versions, words of closed lists. A kind without one here is no code.
var forms = sync.OnceValue(func() map[string]*regexp.Regexp {
	list := map[string]string{
		"id":               `e\d{1,6}`,
		"word":             `[a-z]{1,24}(-[a-z]{1,24}|-\d{1,2}|_[a-z]{1,24}){0,6}|Autodiscover|Entra|Graph|NTLM|Kerberos|NegoEx`,
		"date":             `\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(\.\d{1,7})?(Z|[+-]\d{2}:\d{2})?)?`,
		"time":             `(\d{4}-\d{2}-\d{2}[T ]?)?(\d{2}:\d{2}:\d{2})?( UTC|Z)?`,
		"number":           `\d{1,7}`,
		"refusals":         `\d{1,7}`,
		"failure":          `[a-z]{1,12}(-[a-z]{1,12}){0,3}`,
		"method":           `GET|POST|HEAD|OPTIONS`,
		"protocol":         `HTTP/\d(\.\d)?`,
		"operation":        `FindFolder|GetFolder|ResolveNames|FindItem|GetItem|GetUserSettings|GetServerTimeZones|Autodiscover( v2| POX)?|POX|client credentials`,
		"authorization":    authorizations,
		"withheld":         withheldForms(),
		"class":            `Success|Warning|Error`,
		"ews-code":         `NoError|Error[A-Z][A-Za-z]{1,70}`,
		"folder":           `folder-\d{1,3}`,
		"entry-type":       `Mailbox|Contact|PublicDL|PrivateDL|PublicFolder|OneOff|Unknown|GroupMailbox|ImplicitContact|User`,
		"os-build":         `(5\.[0-2]|6\.[0-3]|10\.0)\.\d{4,5}`,
		"tls-version":      `(TLS|SSL)v? ?\d(\.\d)?|0x0[0-9a-f]{3}`,
		"suite":            `TLS_[A-Z0-9_]+|0x[0-9A-Fa-f]{4}`,
		"signature":        `(SHA\d+|MD\d|DSA|ECDSA|Ed25519|Unknown)[A-Za-z0-9-]{0,16}`,
		"kerberos-error":   `(KDC|KRB|KRB_AP)_[A-Z0-9_]{1,40}`,
		"nt-status":        `0xC000[0-9A-Fa-f]{4}`,
		"enctype":          `(aes|des3?|arcfour|rc4|camellia)[a-z0-9-]{2,40}`,
		"ad-data":          `[0-9a-fA-F]{1,4}`,
		"discovery-action": `settings|redirectAddr|redirectUrl`,
		"discovery-code": `\d{1,4}|NoError|Redirect(Address|Url)|Invalid(User|Request|Setting|Domain)|NotFederated|ServerBusy|InternalServerError|` +
			`SettingIsNotAvailable|(Protocol|Mailbox|Resource)[A-Z][A-Za-z]{3,40}`,
		"cloud-code": `MailboxNotEnabledForRESTAPI|Error[A-Z][A-Za-z]{1,60}|AADSTS\d{4,9}|invalid_[a-z_]{3,30}|(Authorization|Authentication|Request|Resource|` +
			`Directory|Identity|Invalid|Mailbox|Service|General|Unknown|Unauthorized|Forbidden|TooMany)_?[A-Za-z]{0,40}`,
		"region":      `[A-Z]{2,4}`,
		"plan-status": `(?i:enabled|warning|suspended|deleted|lockedout)`,
		"http-date":   `[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT`,
		"guid":        `(?i:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})`,
		// Microsoft's own: Exchange and its kin (…-0ff1-ce00-…), Entra's token service.
		"own-guid":    `(?i:0000000[0-9a-f]-0000-0(ff1-ce00|000-c000)-000000000000)`,
		"port":        `\d{1,5}`,
		"plain-label": `[a-z0-9-]+`,
		"host-like":   `[\pL\pN._-]+`,
		"crm":         `([^.]+\.)*crm\d{0,2}\.(dynamics\.com|microsoftdynamics\.us|dynamics\.cn|appsplatform\.us)`,
		"own-agent":   `(ewsprobe|CRM|ExchangeServicesClient)/[0-9.]{0,40}`,
		"asm-cookie":  `TS[0-9a-fA-F]{6,10}`,
		"parameter":   `invalid_(token|request|client)|insufficient_scope|MD5|SHA-256|((app_asserted_user_v1|service_asserted_app_v1) ?){1,2}`,
		"placeholder": `\[text-\d{1,6}\]`,
	}
	compiled := map[string]*regexp.Regexp{}
	for kind, form := range list {
		compiled[kind] = regexp.MustCompile(`^(` + form + `)$`)
	}
	return compiled
})

// has says whether a text has the form of its kind.
func has(kind, s string) bool {
	form := forms()[kind]
	return form != nil && form.MatchString(s)
}

// authorizations describe what was sent, and are this program's own words.
const authorizations = `(Basic|NTLM|Negotiate|Bearer|client secret)(, (empty|NTLM type [13]( inside SPNEGO)?|Kerberos AP-REQ|a token( of (NTLM|Kerberos))?))?(, value not kept)?`

func withheldForms() string {
	var list []string
	for _, c := range []evidence.DetailCode{evidence.WhyBodyNotKept, evidence.WhyLookupNotKept, evidence.WhyRecordFull, evidence.WhyRedacted} {
		list = append(list, regexp.QuoteMeta(evidence.Say(c).String()))
	}
	return strings.Join(list, "|")
}

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
	if _, err := netip.ParseAddr(strings.Join(parts, ".")); err == nil && !slices.Contains(smallBuilds, strings.Join(parts[:3], ".")) {
		return r.endpoint(strings.Join(parts, "."))
	}
	return s
}

// smallBuilds are the releases of Exchange whose third number is below 256.
var smallBuilds = []string{"8.1.240", "8.2.176", "8.3.83", "14.1.218", "14.2.247", "14.3.123", "15.1.225", "15.2.196", "15.2.221"}

// whole replaces a text as a whole.
func (r *Redactor) whole(table, format, s string) string {
	if s == "" {
		return ""
	}
	return r.numbered(table, format, s)
}

func (r *Redactor) unknown(s string) string { return r.whole("text", "[text-%d]", s) }

func isPlaceholder(s string) bool { return has("placeholder", s) }

// bases are the domains of Microsoft's clouds. The rules tell a place by them;
// what stands in front names the customer or a single server.
var bases = []string{
	"mail.onmicrosoft.com", "onmicrosoft.com", "prod.outlook.com", "internal.outlook.com", "outlook.com", "outlook.office365.com", "outlook.office.com",
	"smtp.office365.com", "autodiscover-s.outlook.com", "outlook-sdf.office.com", "outlook.office365.us", "outlook-dod.office365.us", "autodiscover-s.office365.us",
	"webmail.apps.mil", "partner.outlook.cn", "outlook.de", "hotmail.com",
	"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.windows.net", "login.live.com", "login.chinacloudapi.cn",
	"sts.windows.net", "accounts.accesscontrol.windows.net", "graph.microsoft.com", "graph.microsoft.us", "microsoftonline.com", "schemas.microsoft.com",
	"dynamics.com", "crm.dynamics.com", "learn.microsoft.com",
}

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
	for _, b := range bases {
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

// ip is an address for documentation (RFC 5737, RFC 3849). Loopback is
// everybody's.
func (r *Redactor) ip(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() || a.IsUnspecified() {
		return a.String()
	}
	if a.Is6() {
		return r.numbered("ip6", "2001:db8::%x", a.String())
	}
	n := int(r.placed("ip4", "%d", a.String()).number)
	block := []string{"192.0.2", "198.51.100", "203.0.113"}[min((n-1)/254, 2)]
	return fmt.Sprintf("%s.%d", block, (n-1)%254+1)
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
	if s == "" {
		return ""
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
	case len(s) >= 4 && strings.EqualFold(s[:4], "CRM/"):
		return "CRM/" + r.whole("agent", "agent-%d", s)
	}
	return r.whole("agent", "agent-%d", s)
}
