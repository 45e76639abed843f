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
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Identity is who seems to have answered.
type Identity struct {
	Exchange    bool    // Exchange's own headers are there
	Online      bool    // Exchange Online
	OnlineSign  string  // what showed it
	FrontEnd    string  // X-FEServer
	BackEnd     string  // X-CalculatedBETarget or X-BEServer
	Failed      *Failed // what Exchange's front end says of a failure, nil nothing
	Version     string  // X-OWA-Version, or the build in X-ServerApplication
	Device      string  // what stands in front or instead, "" none seen
	DeviceSign  string  // what showed it
	ServerField string  // the Server header
}

// onlineHeaders are sent by Exchange Online only.
var onlineHeaders = []string{
	"X-BackEndHttpStatus", "X-Proxy-BackendServerStatus", "X-CalculatedFETarget", "X-FEProxyInfo", "X-RUM-Validated",
	"X-Proxy-RoutingCorrectness", "X-FirstHopCafeEFZ", "X-MailboxGuid", "X-NanoProxy", "X-EWS-Policy-Reason",
}

// exchangeHeaders are sent by Exchange, on premises too.
var exchangeHeaders = []string{
	"X-FEServer", "X-OWA-Version", "X-CalculatedBETarget", "X-BEServer", "X-DiagInfo",
	"X-SOAP-Enabled", "X-WSSecurity-Enabled", "X-OAuth-Enabled", "X-OWA-Error",
	"X-FailureContext", "X-CasErrorCode",
}

var build = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d{1,2}\.\d{1,2}\.\d{1,5}\.\d{1,5}$`) })

// leadingZeros: Exchange/15.01.2176.009 is 15.1.2176.9.
var leadingZeros = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\.0+(\d)`) })

// Identify reads the headers of an answer.
func Identify(r *evidence.Response) Identity {
	id := Identity{ServerField: r.First("Server"), FrontEnd: r.First("X-FEServer")}
	for _, h := range exchangeHeaders {
		if len(r.Header(h)) > 0 {
			id.Exchange = true
		}
	}
	if v := r.First("X-OWA-Version"); build().MatchString(v) {
		id.Version = v
	} else if v, ok := strings.CutPrefix(r.First("X-ServerApplication"), "Exchange/"); ok {
		id.Exchange = true
		if build().MatchString(v) {
			id.Version = leadingZeros().ReplaceAllString(v, ".$1")
		}
	}
	id.BackEnd = r.First("X-CalculatedBETarget")
	if id.BackEnd == "" {
		id.BackEnd = r.First("X-BEServer")
	}
	id.Failed = failed(r)
	for _, h := range onlineHeaders {
		if len(r.Header(h)) > 0 {
			id.Online, id.OnlineSign = true, "the header "+h
		}
	}
	if strings.HasSuffix(strings.ToLower(strings.TrimSuffix(id.BackEnd, ".")), ".prod.outlook.com") {
		id.Online, id.OnlineSign = true, "X-CalculatedBETarget "+id.BackEnd
	}
	if c, ok := Offer(r, "Bearer"); ok {
		if issuers, _ := c.Param("trusted_issuers"); anyTenant(issuers) {
			id.Online, id.OnlineSign = true, "a Bearer challenge that trusts issuers of any tenant (@*)"
		}
	}
	id.Device, id.DeviceSign = device(r)
	return id
}

// Offers are the challenges of an answer.
func Offers(r *evidence.Response) []challenge.Challenge {
	return challenge.Parse(r.Header("WWW-Authenticate"))
}

// Offer is the challenge for a scheme.
func Offer(r *evidence.Response, scheme string) (challenge.Challenge, bool) {
	return challenge.Find(Offers(r), scheme)
}

func anyTenant(issuers string) bool {
	return slices.ContainsFunc(strings.Split(issuers, ","), func(s string) bool { return strings.HasSuffix(strings.TrimSpace(s), "@*") })
}

// Tenant returns the first Entra tenant that a Bearer challenge of Exchange on
// premises trusts, "" if there is none.
func Tenant(c challenge.Challenge) string {
	if all := Tenants(c); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Tenants returns all of them: an organisation may be in hybrid with several.
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
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", c) {
			return false
		}
	}
	return true
}

// deviceSigns are tried in order: the more specific first.
var deviceSigns = []struct {
	device, sign string
	seen         func(*evidence.Response) bool
}{
	{
		"F5 BIG-IP APM", "its cookie MRHSession or the redirect to /my.policy",
		either(cookie("MRHSession", "LastMRH_Session"), location("/my.policy")),
	},
	{"F5 BIG-IP", "its Server header or cookie", either(server("bigip"), cookie("BIGipServer"))},
	{"F5 BIG-IP ASM", "its cookie TS…", func(r *evidence.Response) bool { return hasCookie(r, asmCookie().MatchString) }},
	{"Citrix NetScaler", "its cookies or log-on page", either(cookie("NSC_", "citrix_ns_id"), location("/vpn/", "/logon/logonpoint"))},
	{"Forefront TMG or ISA", "its Proxy-Support header or Kerberos scheme", func(r *evidence.Response) bool {
		_, kerberos := Offer(r, "Kerberos")
		return kerberos || len(r.Header("Proxy-Support")) > 0 && r.First("X-FEServer") == "" || location("cookieauth.dll")(r)
	}},
	{"UAG", "its internal error page", location("/internalsite/", "initparams.aspx")},
	{"Entra application proxy", "the redirect to an Entra sign-in, or its headers", either(location(
		"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.windows.net"),
		header("x-ms-proxy-app-id", "x-ms-proxy-transaction-id", "x-ms-proxy-group-id"))},
	{"Web Application Proxy or AD FS", "its cookie or the redirect to /adfs/ls", either(cookie("EdgeAccessCookie"), location("/adfs/"))},
	{"Imperva", "its cookies or headers", func(r *evidence.Response) bool {
		return cookie("incap_ses_", "visid_incap_", "nlbi_")(r) || r.First("X-Iinfo") != "" || containsAny(r.First("X-CDN"), []string{"imperva", "incapsula"})
	}},
	{"FortiWeb", "its cookie", cookie("cookiesession1", "FORTIWAFSID")},
	{"Barracuda", "its cookie", cookie("barra_counter_session", "BNI__BARRACUDA", "BNI_persistence")},
	{"Akamai", "its Server header", server("akamai")},
	{"Azure Application Gateway", "its Server header", server("azure-application-gateway")},
	{"Azure Front Door", "its header X-Azure-Ref", func(r *evidence.Response) bool { return r.First("X-Azure-Ref") != "" }},
	{"Amazon CloudFront", "its headers", either(server("cloudfront"), func(r *evidence.Response) bool { return r.First("X-Amz-Cf-Id") != "" })},
	{"Amazon's load balancer", "its Server header", server("awselb")},
	{"Sucuri", "its header X-Sucuri-ID", func(r *evidence.Response) bool { return r.First("X-Sucuri-ID") != "" }},
	{"Cisco ASA", "its cookie or log-on page", either(cookie("webvpn"), location("/+cscoe+/"))},
	{"Pulse Secure or Ivanti", "its cookie or log-on page", either(cookie("DSSignInURL", "DSID"), location("/dana-na/"))},
	{"IIS Application Request Routing (ARR)", "its X-Powered-By header", func(r *evidence.Response) bool {
		return containsAny(strings.Join(r.Header("X-Powered-By"), " "), []string{"arr/"})
	}},
	{"Zscaler", "its Server header or sign-in", either(server("zscaler"), location("gateway.zscaler"))},
	{"Palo Alto Networks", "its authentication portal", location("/php/uid.php", "/sslvpn/login.esp", "/global-protect/")},
	{"FortiGate (Fortinet)", "its portal", location("/remote/login", "/fgtauth?")},
	{"Cisco Umbrella", "its block page", location("opendns.com", "sse.cisco.com")},
	{"Forcepoint (Websense)", "its block page", either(server("websense"), location("blockpage.cgi"))},
	{"Squid", "its headers", either(server("squid"), either(header("X-Squid-Error"), via("squid")))},
	{"Google Cloud Load Balancing", "its Via header", via("google")},
	{"Fastly or Varnish", "its Via header", via("varnish")},
	{"Cloudflare", "its Server header", either(server("cloudflare"), func(r *evidence.Response) bool { return r.First("CF-RAY") != "" })},
	{"HAProxy", "its Server header", server("haproxy")},
	{"Tomcat, a server of Java", "its Server header", server("coyote", "tomcat")},
	{"nginx", "its Server header", server("nginx", "openresty")},
	{"Apache", "its Server header", server("apache")},
	{"Envoy", "its Server header", server("envoy")},
	{"Kemp LoadMaster", "its Server header or sign-in", either(server("loadmaster", "kemp"), location("lm_auth_proxy"))},
	{"IBM Security Verify Access (WebSEAL)", "its Server header or sign-in", either(server("webseal"), location("/pkmslogin"))},
	{"authentik", "its outpost", either(location("/outpost.goauthentik.io/"), header("X-authentik-auth-callback"))},
	{"Traefik", "its Server header", server("traefik")},
	{"Caddy", "its Server header", server("caddy")},
	{"LiteSpeed", "its Server header", server("litespeed")},
	{"Jetty, a server of Java", "its Server header", server("jetty")},
	{"a proxy", "its Via header", func(r *evidence.Response) bool { return r.First("Via") != "" }},
}

// Balanced says whether an answer shows a device that spreads connections over
// several servers, by its own signs or by a cookie that is not Exchange's.
func Balanced(r *evidence.Response) bool {
	if r == nil {
		return false
	}
	if d, _ := device(r); slices.Contains([]string{
		"F5 BIG-IP", "Citrix NetScaler", "Kemp LoadMaster", "HAProxy", "Amazon's load balancer", "Azure Application Gateway", "IIS Application Request Routing (ARR)",
	}, d) {
		return true
	}
	return hasCookie(r, func(name string) bool {
		own := []string{"exchangecookie", "clientid", "x-backendcookie", "x-owa-canary", "outlooksession", "usercontext", "cadata"}
		return !slices.ContainsFunc(own, func(p string) bool { return strings.HasPrefix(strings.ToLower(name), p) })
	})
}

var asmCookie = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^TS[0-9a-fA-F]{6,10}$`) })

func device(r *evidence.Response) (name, sign string) {
	if r == nil {
		return "", ""
	}
	for _, d := range deviceSigns {
		if d.seen(r) {
			return d.device, d.sign
		}
	}
	if r.Notice != nil && r.Notice.Product != "" {
		return r.Notice.Product, "its page"
	}
	return "", ""
}

func either(a, b func(*evidence.Response) bool) func(*evidence.Response) bool {
	return func(r *evidence.Response) bool { return a(r) || b(r) }
}

func server(parts ...string) func(*evidence.Response) bool {
	return func(r *evidence.Response) bool { return containsAny(r.First("Server"), parts) }
}

func header(names ...string) func(*evidence.Response) bool {
	return func(r *evidence.Response) bool {
		return slices.ContainsFunc(names, func(name string) bool { return r.First(name) != "" })
	}
}

func via(parts ...string) func(*evidence.Response) bool {
	return func(r *evidence.Response) bool { return containsAny(strings.Join(r.Header("Via"), " "), parts) }
}

func location(parts ...string) func(*evidence.Response) bool {
	return func(r *evidence.Response) bool { return containsAny(r.First("Location"), parts) }
}

func cookie(prefixes ...string) func(*evidence.Response) bool {
	return func(r *evidence.Response) bool {
		return hasCookie(r, func(name string) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(strings.ToLower(name), strings.ToLower(p)) })
		})
	}
}

func hasCookie(r *evidence.Response, is func(name string) bool) bool {
	return slices.ContainsFunc(r.Header("Set-Cookie"), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return is(strings.TrimSpace(name))
	})
}

func containsAny(s string, parts []string) bool {
	s = strings.ToLower(s)
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

var entraHosts = []string{
	"login.microsoftonline.", "login.partner.microsoftonline.", "login.windows.net", "login.live.com", "login.chinacloudapi.cn",
}

// SignIn names the sign-in page a redirect leads to, "" if the location is
// none that is known.
func SignIn(locationField string) string {
	u, err := url.Parse(locationField)
	if err != nil {
		return ""
	}
	host, path := strings.ToLower(u.Hostname()), strings.ToLower(u.Path)
	switch {
	case containsAny(host, entraHosts):
		return "Entra ID"
	case strings.Contains(path, "/adfs/"):
		return "AD FS"
	case strings.Contains(path, "/owa/auth"):
		return "Outlook on the web's form"
	case strings.Contains(path, "/ecp/auth"):
		return "the Exchange admin centre's form"
	case strings.Contains(path, "cookieauth.dll"):
		return "the form of TMG or ISA"
	case strings.Contains(path, "/my.policy"):
		return "F5 APM"
	case strings.HasPrefix(path, "/vpn/"), strings.Contains(path, "/logonpoint"):
		return "NetScaler"
	case strings.Contains(path, "/internalsite/"):
		return "UAG"
	case strings.Contains(path, "/+cscoe+/"):
		return "Cisco's VPN portal"
	case strings.Contains(path, "/dana-na/"):
		return "the portal of Pulse Secure or Ivanti"
	case strings.Contains(path, "lm_auth_proxy"):
		return "the form of a Kemp LoadMaster"
	case strings.HasPrefix(path, "/remote/login"), strings.HasPrefix(path, "/fgtauth"):
		return "the portal of a FortiGate"
	case strings.Contains(path, "/global-protect/"), strings.HasPrefix(path, "/sslvpn/login.esp"), strings.HasSuffix(path, "/php/uid.php"):
		return "the authentication portal of Palo Alto Networks"
	case strings.Contains(path, "/pkmslogin"):
		return "the form of IBM's WebSEAL"
	case strings.HasPrefix(path, "/outpost.goauthentik.io/"):
		return "authentik"
	case signInPath().MatchString(path):
		return "a sign-in page"
	case strings.EqualFold(u.Query().Get("wa"), "wsignin1.0"), u.Query().Has("SAMLRequest"):
		return "a federation sign-in"
	case u.Query().Has("client_id") && u.Query().Has("response_type"):
		return "an OpenID Connect sign-in"
	case signInHost().MatchString(host):
		return "a sign-in page"
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
		back := slices.ContainsFunc(values, func(v string) bool { return containsAny(v, []string{"/ews/", "/autodiscover/"}) })
		if back && !strings.Contains(strings.ToLower(name), "err") {
			return true
		}
	}
	return false
}

var signInPath = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(^|[/_.-])(log-?in|log-?on|sign-?in|sso|saml2?|auth|oauth2?|openid-connect|authorize|siteminderagent|idp|nidp)([/_.?-]|$)`)
})

var signInHost = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(sts|sso|adfs|idp|login|signin|auth|accounts)\d*\.`)
})

// onlineHosts are names under which Exchange Online answers, in every cloud.
var onlineHosts = []string{
	"outlook.office365.com", "outlook.office.com", "outlook.com", "smtp.office365.com", "outlook-sdf.office.com",
	"outlook.office365.us", "outlook-dod.office365.us", "webmail.apps.mil", "partner.outlook.cn", "outlook.de", "hotmail.com",
}

// OnlineHost says whether host is a name of Exchange Online.
func OnlineHost(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	return slices.ContainsFunc(onlineHosts, func(o string) bool { return host == o || strings.HasSuffix(host, "."+o) })
}
