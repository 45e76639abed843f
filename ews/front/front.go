// Package front says who answered: Exchange's own front end, Exchange Online,
// or a device in front (a publisher, a balancer, a filter, a plain web server).
//
// It is decided from headers, before the status is read: a 401 of a device
// says nothing about Exchange's settings. Exchange 2013 and later sign their
// answers (X-FEServer, X-OWA-Version); Exchange 2010 shows only IIS; Exchange
// Online adds headers that no installation on premises sends. Devices show
// themselves by the Server header, by the names of their cookies and by where
// they redirect to. Pure functions on a recorded answer.
package front

import (
	"cmp"
	_ "embed"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Identity is who seems to have answered.
type Identity struct {
	Exchange    bool   // Exchange's own headers are there
	Online      bool   // Exchange Online
	OnlineSign  string // what showed it
	FrontEnd    string // X-FEServer
	BackEnd     string // X-CalculatedBETarget or X-BEServer
	Failed      Failed // what Exchange's front end says of a failure
	Version     string // X-OWA-Version, or the build in X-ServerApplication
	Device      string // what stands in front or instead, "" none seen
	DeviceSign  string // what showed it
	ServerField string // the Server header
}

// names.txt has the headers that Exchange Online alone sends, those of Exchange, on
// premises too, the names under which Exchange Online answers, in every cloud, and those of
// another maker's service that has EWS (Amazon WorkMail), and how the names in devices.txt end
// that are mail servers of their own.
//
//go:embed names.txt
var namesText string

// named are the words of a line of the file.
func named(line string) func() []string {
	return sync.OnceValue(func() []string { return strings.Fields(evidence.Table[string](namesText)[line]) })
}

var onlineHeaders, exchangeHeaders, onlineHosts = named("online-headers"), named("exchange-headers"), named("online-hosts")

var otherHosts = named("other-hosts")

var notExchange = sync.OnceValue(func() string { return evidence.Table[string](namesText)["mail-servers-end"] })

// MailServer is the name of a mail server that is not Exchange; false: the device is none.
func MailServer(device string) (string, bool) { return strings.CutSuffix(device, notExchange()) }

var build = evidence.Expression(`^\d{1,2}\.\d{1,2}\.\d{1,5}\.\d{1,5}$`)

// leadingZeros: Exchange/15.01.2176.009 is 15.1.2176.9.
var leadingZeros = evidence.Expression(`\.0+(\d)`)

var anyTenant = evidence.Expression(`@\*\s*(,|$)`)

// TMG is the name of that device in devices.txt.
const TMG = "Forefront TMG or ISA"

// Foreign: an answer shows nothing of Exchange and signs as another web server, not as a
// device that publishes Exchange.
func (id Identity) Foreign() bool {
	return !id.Exchange && id.ServerField != "" && !strings.HasPrefix(id.ServerField, "Microsoft-IIS") &&
		!slices.Contains([]string{TMG, "F5 BIG-IP APM", "F5 BIG-IP", "Citrix NetScaler", "Kemp LoadMaster"}, id.Device)
}

// Identify reads the headers of an answer.
func Identify(r *evidence.Response) Identity {
	id := Identity{ServerField: r.First("Server"), FrontEnd: r.First("X-FEServer")}
	id.Exchange = slices.ContainsFunc(exchangeHeaders(), func(h string) bool { return len(r.Header(h)) > 0 })
	if v := r.First("X-OWA-Version"); build().MatchString(v) {
		id.Version = v
	} else if v, ok := strings.CutPrefix(r.First("X-ServerApplication"), "Exchange/"); ok {
		id.Exchange = true
		if build().MatchString(v) {
			id.Version = leadingZeros().ReplaceAllString(v, ".$1")
		}
	}
	id.BackEnd = cmp.Or(r.First("X-CalculatedBETarget"), r.First("X-BEServer"))
	id.Failed = failed(r)
	for _, h := range onlineHeaders() {
		if len(r.Header(h)) > 0 {
			id.Online, id.OnlineSign = true, "the header "+h
		}
	}
	if strings.HasSuffix(strings.ToLower(strings.TrimSuffix(id.BackEnd, ".")), ".prod.outlook.com") {
		id.Online, id.OnlineSign = true, "X-CalculatedBETarget "+id.BackEnd
	}
	if c, ok := Offer(r, "Bearer"); ok {
		if issuers, _ := c.Param("trusted_issuers"); anyTenant().MatchString(issuers) {
			id.Online, id.OnlineSign = true, "a Bearer challenge that trusts issuers of any tenant (@*)"
		}
	}
	id.Device, id.DeviceSign = device(r)
	return id
}

// iisPages are how titles begin of the pages that IIS has for errors, and of its default
// page.
var iisPages = []string{
	"IIS 7", "IIS 8", "IIS 10", "IIS7", "IIS8", "IIS Windows", "401 - Unauthorized: Access", "403 - Forbidden: Access",
	"404 - File or directory", "405 - HTTP verb", "500 - Internal server error",
}

// IIS is the version of the IIS that answered, by the Server header, "page" where only its
// own page shows it, "" where nothing does.
func IIS(r *evidence.Response) string {
	version, signed := strings.CutPrefix(r.First("Server"), "Microsoft-IIS/")
	switch {
	case signed:
		return version
	case r.Page != nil && slices.ContainsFunc(iisPages, func(begin string) bool { return strings.HasPrefix(r.Page.Title, begin) }):
		return "page"
	}
	return ""
}

// Offers are the challenges of an answer.
func Offers(r *evidence.Response) []challenge.Challenge {
	return challenge.Parse(r.Header("WWW-Authenticate"))
}

// Names are the schemes of challenges.
func Names(offers []challenge.Challenge) []string {
	names := make([]string, len(offers))
	for i, c := range offers {
		names[i] = c.Scheme
	}
	return names
}

// Offer is the challenge for a scheme.
func Offer(r *evidence.Response, scheme string) (challenge.Challenge, bool) {
	return challenge.Find(Offers(r), scheme)
}

// Tenants are the Entra tenants that a Bearer challenge of Exchange on premises
// trusts: an organization may be in hybrid with several.
func Tenants(c challenge.Challenge) (tenants []string) {
	issuers, _ := c.Param("trusted_issuers")
	for _, issuer := range strings.Split(issuers, ",") {
		id, tenant, ok := strings.Cut(strings.TrimSpace(issuer), "@")
		// 00000001-… is Entra's token service; others are partners.
		if ok && strings.HasPrefix(id, "00000001-") && IsGUID(tenant) {
			tenants = append(tenants, strings.ToLower(tenant))
		}
	}
	return tenants
}

// IsGUID says whether s is written as tenants, users and applications are identified.
func IsGUID(s string) bool {
	return len(s) == 36 && uuid.Validate(s) == nil // it takes three longer and shorter forms too
}

// devices.txt has the devices in the order in which they are tried, the more specific
// first: the name, by what it is recognized in words, and the signs in small letters. A
// sign is a header field that is there, a field with a text that its value holds (a cookie's name begins
// with it), or one of those that shows knows. Below * is software of which many products
// are built: it is told where the page names none.
//
//go:embed devices.txt
var devicesText string

// knownDevice is a line of the table.
type knownDevice struct {
	name, by string
	signs    []sign
}

// sign is a header field, with part one whose value holds the text.
type sign struct {
	field, text string
	part        bool
}

var devices = sync.OnceValue(func() (list []knownDevice) {
	for _, row := range evidence.Rows(devicesText, "\t") {
		d := knownDevice{name: row[0], by: row[1]}
		for _, word := range row[2:] {
			field, text, part := strings.Cut(word, "~")
			d.signs = append(d.signs, sign{field, text, part})
		}
		list = append(list, d)
	}
	return list
})

var signFields = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{"proxy-support": true}
	for _, d := range devices() {
		for _, s := range d.signs {
			names[s.field] = true
		}
	}
	return names
})

// Signs are the pieces of a header field's values by which devices are told, in small
// letters. known says that the field tells of one at all.
func Signs(field string) (pieces []string, known bool) {
	for _, d := range devices() {
		for _, s := range d.signs {
			if !strings.EqualFold(s.field, field) {
				continue
			}
			if known = true; s.part {
				pieces = append(pieces, s.text)
			}
		}
	}
	return pieces, known
}

// Balanced says whether an answer shows a device that spreads connections over
// several servers, by its own signs or by a cookie that is not Exchange's.
func Balanced(r *evidence.Response) bool {
	if r == nil {
		return false
	}
	if d, _ := device(r); slices.Contains([]string{
		"F5 BIG-IP", "Citrix NetScaler", "Kemp LoadMaster", "HAProxy", "Amazon's load balancer", "Azure Application Gateway",
		"IIS Application Request Routing (ARR)",
	}, d) {
		return true
	}
	return hasCookie(r, func(name string) bool {
		own := []string{"exchangecookie", "clientid", "x-backendcookie", "x-owa-canary", "outlooksession", "usercontext", "cadata"}
		return !slices.ContainsFunc(own, func(p string) bool { return strings.HasPrefix(strings.ToLower(name), p) })
	})
}

var asmCookie = evidence.Expression(`^TS[0-9a-fA-F]{6,10}$`)

func device(r *evidence.Response) (name, by string) {
	if r == nil {
		return "", ""
	}
	fields := map[string][]string{} // those of signs, by name, in small letters
	for _, h := range r.Headers {
		if field := strings.ToLower(h[0]); signFields()[field] {
			fields[field] = append(fields[field], strings.ToLower(h[1]))
		}
	}
	for _, d := range devices() {
		if d.name == "*" && r.Notice != nil && r.Notice.Product != "" {
			return r.Notice.Product, d.by
		}
		if slices.ContainsFunc(d.signs, func(s sign) bool { return shows(r, fields, s) }) {
			return d.name, d.by
		}
	}
	return "", ""
}

func shows(r *evidence.Response, fields map[string][]string, s sign) bool {
	values := fields[s.field]
	switch {
	case s.field == "f5-asm":
		return hasCookie(r, asmCookie().MatchString)
	case s.field == "tmg":
		_, kerberos := Offer(r, "Kerberos")
		return kerberos || strings.Contains(" "+r.Reason, " ( ") || len(fields["proxy-support"]) > 0 && r.First("X-FEServer") == ""
	case s.field == "adfs-token": // Exchange itself may ask for one too
		c, _ := Offer(r, "Bearer")
		uri, _ := c.Param("authorization_uri")
		return strings.Contains(strings.ToLower(uri), "/adfs/") && r.First("X-FEServer") == ""
	case len(values) == 0:
		return false
	case s.field == "set-cookie":
		return slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(strings.TrimSpace(v), s.text) })
	case s.part:
		return strings.Contains(strings.Join(values, " "), s.text)
	}
	return values[0] != ""
}

func hasCookie(r *evidence.Response, is func(name string) bool) bool {
	return slices.ContainsFunc(r.Header("Set-Cookie"), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return is(strings.TrimSpace(name))
	})
}

// pages.txt has the sign-in pages that are told by their address: the name, an address
// that is one (of those that SignIn tells by other signs too), and pieces of the path,
// from its beginning with ^ and to its end with $, or of the host.
//
//go:embed pages.txt
var pagesText string

var pages = sync.OnceValue(func() [][]string { return evidence.Rows(pagesText, "\t") })

// SignInLike is an address that leads to the sign-in page of that name, "" of none.
func SignInLike(page string) string {
	for _, p := range pages() {
		if p[0] == page {
			return p[1]
		}
	}
	return ""
}

// SignIn names the sign-in page a redirect leads to, "" if the location is
// none that is known.
func SignIn(locationField string) string {
	u, err := url.Parse(locationField)
	if err != nil {
		return ""
	}
	host, path := strings.ToLower(u.Hostname()), strings.ToLower(u.Path)
	for _, p := range pages() {
		if slices.ContainsFunc(p[2:], func(piece string) bool {
			if of, ok := strings.CutPrefix(piece, "host:"); ok {
				return strings.Contains(host, of)
			}
			return strings.Contains("^"+path+"$", piece)
		}) {
			return p[0]
		}
	}
	switch {
	case signInPath().MatchString(path):
		return "known by its address"
	case strings.EqualFold(u.Query().Get("wa"), "wsignin1.0"), u.Query().Has("SAMLRequest"):
		return "a federation sign-in"
	case u.Query().Has("client_id") && u.Query().Has("response_type"):
		return "an OpenID Connect provider"
	case signInHost().MatchString(host):
		return "known by its address"
	case leadsBack(u):
		return "a page that leads back to EWS afterwards"
	}
	return ""
}

// leadsBack: the redirect takes along the URL that was asked for, so that the visitor
// can be sent back to it: as a gateway or captive portal does that wants something
// first, and a plain move does not. An error page of ASP.NET takes it along too.
func leadsBack(u *url.URL) bool {
	for name, values := range u.Query() {
		back := slices.ContainsFunc(values, func(v string) bool {
			v = strings.ToLower(v)
			return strings.Contains(v, "/ews/") || strings.Contains(v, "/autodiscover/")
		})
		if back && !strings.Contains(strings.ToLower(name), "err") {
			return true
		}
	}
	return false
}

var signInPath = evidence.Expression(`(^|[/_.-])(log-?in|log-?on|sign-?in|sso|saml2?|auth|oauth2?|openid-connect|authorize|` +
	`siteminderagent|idp|nidp)([/_.?-]|$)`)

var signInHost = evidence.Expression(`^(sts|sso|adfs|idp|login|signin|auth|accounts)\d*\.`)

// OnlineHost says whether host is a name of Exchange Online.
func OnlineHost(host string) bool { return isUnder(host, onlineHosts()) }

// IdentifyAt is Identify for an answer of that host.
func IdentifyAt(host string, r *evidence.Response) Identity {
	id := Identify(r)
	if r != nil && !id.Exchange && id.Device == "" && isUnder(host, otherHosts()) {
		id.Device, id.DeviceSign = "Amazon WorkMail"+notExchange(), "its host name"
	}
	return id
}

func isUnder(host string, domains []string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	return slices.ContainsFunc(domains, func(o string) bool { return host == o || strings.HasSuffix(host, "."+o) })
}
