package redact

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// Forms of texts that may stay: versions and codes, which name nobody.
var (
	itemID          = regexp.MustCompile(`^e\d{1,6}$`)
	dotted          = regexp.MustCompile(`^\d{1,6}(\.\d{1,6}){0,4}$`)
	exchangeBuild   = regexp.MustCompile(`^(Exchange/)?(8|14|15)\.\d{1,2}\.\d{1,4}(\.\d{1,4})?$`)
	hexadecimal     = regexp.MustCompile(`^[0-9a-fA-F]{1,8}$`)
	suite           = regexp.MustCompile(`^(TLS_[A-Z0-9_]+|0x[0-9A-Fa-f]{1,4})$`)
	signature       = regexp.MustCompile(`^(SHA\d+|MD\d|DSA|ECDSA|Ed25519|Unknown)[A-Za-z0-9-]{0,16}$`)
	proto           = regexp.MustCompile(`^HTTP/\d(\.\d)?$`)
	ewsCode         = regexp.MustCompile(`^(NoError|Error[A-Z][A-Za-z]{1,70})$`)
	folder          = regexp.MustCompile(`^folder-\d{1,3}$`)
	entryType       = regexp.MustCompile(`^(Mailbox|Contact|PublicDL|PrivateDL|PublicFolder|OneOff|Unknown|GroupMailbox|ImplicitContact|User)$`)
	discoveryAction = regexp.MustCompile(`^(settings|redirectAddr|redirectUrl)$`)
	discoveryCode   = regexp.MustCompile(`^(\d{1,4}|NoError|Redirect(Address|Url)|Invalid(User|Request|Setting|Domain)|NotFederated|ServerBusy|InternalServerError|SettingIsNotAvailable|(Protocol|Mailbox|Resource)[A-Z][A-Za-z]{3,40})$`)
	cloudCode       = regexp.MustCompile(`^(MailboxNotEnabledForRESTAPI|Error[A-Z][A-Za-z]{1,60}|AADSTS\d{1,9}|invalid_[a-z_]{3,30}|(Authorization|Authentication|Request|Resource|Directory|Identity|Invalid|Mailbox|Service|General|Unknown|Unauthorized|Forbidden|TooMany)_?[A-Za-z]{0,40})$`)
	region          = regexp.MustCompile(`^[A-Z]{2,4}$`)
	planStatus      = regexp.MustCompile(`^(?i:enabled|warning|suspended|deleted|lockedout)$`)
	kerberosError   = regexp.MustCompile(`^(KDC|KRB|KRB_AP)_[A-Z0-9_]{1,40}$`)
	status          = regexp.MustCompile(`^0x[0-9A-Fa-f]{1,8}$`)
	encType         = regexp.MustCompile(`^(aes|des3?|arcfour|rc4|camellia)[a-z0-9-]{2,40}$`)
	closedWord      = regexp.MustCompile(`^[a-z]{1,24}([-_][a-z]{1,24}){0,4}$`)
	method          = regexp.MustCompile(`^(GET|POST|HEAD|OPTIONS)$`)
	operation       = regexp.MustCompile(`^(FindFolder|GetFolder|ResolveNames|FindItem|GetItem|GetUserSettings|GetServerTimeZones|Autodiscover|POX)$`)
	class           = regexp.MustCompile(`^(Success|Warning|Error)$`)
	guidForm        = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	// Microsoft's own: Exchange and its kin (…-0ff1-ce00-…), Entra's token service.
	ownGUID = regexp.MustCompile(`(?i)^0000000[0-9a-f]-0000-0(ff1-ce00|000-c000)-000000000000$`)
)

// keep leaves a text of that form, and numbers any other.
func (r *Redactor) keep(s string, form *regexp.Regexp) string {
	if s == "" || form.MatchString(s) || isPlaceholder(s) {
		return s
	}
	return r.unknown(s)
}

// build is a version. Four small numbers may be an address instead, except
// where Exchange begins so.
func (r *Redactor) build(s string) string {
	if _, err := netip.ParseAddr(s); err == nil && !exchangeBuild.MatchString(s) {
		return r.endpoint(s)
	}
	return r.keep(s, dotted)
}

// whole replaces a text as a whole.
func (r *Redactor) whole(table, format, s string) string {
	if s == "" {
		return ""
	}
	return r.numbered(table, format, s)
}

func (r *Redactor) unknown(s string) string { return r.whole("text", "[text-%d]", s) }

var placeholder = regexp.MustCompile(`^\[text-\d{1,6}\]$`)

func isPlaceholder(s string) bool { return placeholder.MatchString(s) }

// vocabularyWord is a word of a closed list of this program's own (a step, a
// result, a failure); no server chooses it. In a record from elsewhere it may be
// anything.
func (r *Redactor) vocabularyWord(s string) string { return r.keep(s, closedWord) }

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

var (
	regionalCRM  = regexp.MustCompile(`(^|\.)(crm\d{0,2}\.(dynamics\.com|microsoftdynamics\.us|dynamics\.cn|appsplatform\.us))$`)
	generalLabel = map[string]bool{"autodiscover": true, "www": true, "*": true}
)

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
	if m := regionalCRM.FindStringSubmatch(name); m != nil {
		base = m[2]
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
	if s == "" || generalLabel[s] {
		return s
	}
	// The rules tell a server's name from another text by its form
	// (^[A-Za-z0-9-]{1,15}$): one that has not that form must not get it.
	switch {
	case !plainLabel.MatchString(s):
		return r.numbered("host", "host_%d", s)
	case len(s) > 15:
		return r.numbered("host", "long-name-host-%d", s)
	}
	return r.numbered("host", "host-%d", s)
}

var plainLabel = regexp.MustCompile(`^[a-z0-9-]+$`)

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
	if i := strings.LastIndexByte(s, ':'); i > 0 && port.MatchString(s[i+1:]) && !strings.Contains(s[:i], ":") {
		return hostPort(r.host(s[:i]), s[i+1:])
	}
	return r.host(s)
}

var port = regexp.MustCompile(`^\d{1,5}$`)

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

// mail is an address; an account and a mailbox of the same name stay the same.
func (r *Redactor) mail(s string) string { return r.user(s) }

func (r *Redactor) tenant(s string) string {
	switch {
	case s == "" || ownGUID.MatchString(s):
		return s
	case guidForm.MatchString(s):
		return r.numbered("guid", "00000000-0000-0000-0000-%012d", s)
	case strings.Contains(s, "@"):
		return r.user(s)
	}
	return r.host(s)
}

// plan is a service plan of Microsoft's, which names nobody.
func (r *Redactor) plan(s string) string {
	if rule.KnownPlan(s) {
		return s
	}
	return r.tenant(s)
}

// subject is what a look-up was about.
func (r *Redactor) subject(s string) string {
	if strings.Contains(s, "://") {
		return r.url(s)
	}
	if guidForm.MatchString(s) || strings.Contains(s, "@") {
		return r.tenant(s)
	}
	return r.endpoint(s)
}

// certified is a name in a certificate.
func (r *Redactor) certified(s string) string {
	if strings.Contains(s, "@") {
		return r.mail(s)
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

var agents = regexp.MustCompile(`^(ewsprobe|CRM|ExchangeServicesClient)/[0-9.]{0,40}$`)

// agent is a user agent; that of synchronization begins CRM/.
func (r *Redactor) agent(s string) string {
	switch {
	case s == "" || agents.MatchString(s):
		return s
	case len(s) >= 4 && strings.EqualFold(s[:4], "CRM/"):
		return "CRM/" + r.whole("agent", "agent-%d", s)
	}
	return r.whole("agent", "agent-%d", s)
}
