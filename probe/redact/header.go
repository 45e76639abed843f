package redact

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
)

// fields are the names of headers that stay; a server can write anything there.
var fields = wordSet(`accept accept-encoding accept-language access-control-allow-origin age allow alt-svc authorization cache-control cf-cache-status cf-ray client-request-id connection
	content-encoding content-language content-length content-security-policy content-type cookie date etag expires keep-alive last-modified location ms-author-via mime-version nel
	p3p persistent-auth pragma prefer proxy-authenticate proxy-connection proxy-support public-key-pins referrer-policy report-to request-id retry-after return-client-request-id server server-timing
	set-cookie set-cookie2 soapaction strict-transport-security tracestate transfer-encoding upgrade user-agent vary via warning www-authenticate
	x-anchormailbox x-aspnet-version x-backendhttpstatus x-beserver x-besku x-bepartition x-calculatedbetarget x-calculatedfetarget x-cache x-content-type-options x-diaginfo x-ews-policy-reason
	x-failurecontext x-fe-server x-feefzinfo x-feproxyinfo x-feserver x-firsthopcafeefz x-forwarded-for x-frame-options x-mailboxguid x-ms-appid x-ms-diagnostics x-ms-request-id x-ms-serverfqdn
	x-nanoproxy x-oauth-enabled x-owa-error x-owa-version x-oauth-supported x-powered-by x-proxy-backendserverstatus x-proxy-routingcorrectness x-requestid x-responseorigin x-rum-notupdatequeriedpath
	x-rum-notupdatequerieddbcopy x-rum-validated x-serverapplication x-soap-enabled x-targetbeserver x-ua-compatible x-user-identity x-wssecurity-enabled x-wssecurity-symmetrickey-enabled
	x-wssecurity-x509cert-enabled x-xss-protection www-authenticate x-oauth-supported x-ms-correlation-request-id x-squid-error`)

// servers are fields whose value names a server.
var servers = wordSet("x-beserver x-calculatedbetarget x-calculatedfetarget x-diaginfo x-fe-server x-feproxyinfo x-feserver x-ms-serverfqdn x-responseorigin x-targetbeserver")

// products are what the rules know a Server field by.
var products = regexp.MustCompile(`(?i)(microsoft-iis|microsoft-httpapi|microsoft|bigip|big-ip|haproxy|nginx|openresty|apache|cloudflare|envoy|loadmaster|kemp|squid)(/[0-9.]{1,20})?`)

var hostLike = regexp.MustCompile(`^[\pL\pN._-]+$`)

// httpDate is a time as HTTP writes it (RFC 9110 5.6.7).
var httpDate = regexp.MustCompile(`^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$`)

func (r *Redactor) headers(list [][2]string) [][2]string {
	if list == nil {
		return nil
	}
	out := make([][2]string, len(list))
	for i, h := range list {
		name := h[0]
		if !fields[strings.ToLower(name)] {
			name = r.whole("field", "X-Header-%d", name)
		}
		out[i] = [2]string{name, r.field(strings.ToLower(h[0]), h[1])}
	}
	return out
}

func (r *Redactor) field(name, value string) string {
	if value == "" {
		return ""
	}
	switch {
	case name == "www-authenticate":
		return r.challenges(value)
	case name == "location":
		return r.url(value)
	case name == "set-cookie", name == "set-cookie2":
		return r.cookie(value)
	case name == "server":
		if known := products.FindAllString(value, -1); known != nil {
			return strings.Join(known, " ")
		}
		return r.words(value)
	case servers[name] && utf8.RuneCountInString(value) < 256 && hostLike.MatchString(value):
		return r.host(value)
	case exchangeBuild.MatchString(value), httpDate.MatchString(value):
		return value
	case strings.HasPrefix(value, "http://"), strings.HasPrefix(value, "https://"):
		return r.url(value)
	}
	return r.words(value)
}

// schemes are the names that a challenge may have; the rules know some of them.
var schemes = wordSet("basic ntlm negotiate bearer digest kerberos oauth mutual hoba scram-sha-1 scram-sha-256 vapid wsse passport1.4 ldaps")

func (r *Redactor) scheme(s string) string {
	if s == "" || schemes[strings.ToLower(s)] {
		return s
	}
	return r.whole("scheme", "Scheme-%d", s)
}

var params = wordSet("realm charset client_id trusted_issuers token_types authorization_uri error error_description resource_id nonce qop algorithm stale opaque domain scope")

// challenges writes the challenges of a field anew: names of schemes and of
// parameters, the issuers by which Exchange Online and a tenant are told, and
// of the token of NTLM nothing.
func (r *Redactor) challenges(value string) string {
	var list []string
	for _, c := range challenge.Parse([]string{value}) {
		s := r.scheme(c.Scheme)
		var with []string
		for _, p := range c.Params {
			name := strings.ToLower(p.Name)
			kept := p.Name
			if !params[name] {
				kept = r.whole("param", "param-%d", p.Name)
			}
			with = append(with, kept+`="`+r.param(name, p.Value)+`"`)
		}
		if len(with) > 0 {
			s += " " + strings.Join(with, ", ")
		} else if c.Token != "" {
			s += " cmVkYWN0ZWQ=" // "redacted": that there was a token is seen
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return r.words(value)
	}
	return strings.Join(list, ", ")
}

func (r *Redactor) param(name, value string) string {
	switch name {
	case "authorization_uri":
		return r.url(value)
	case "client_id":
		return r.tenant(value)
	case "trusted_issuers":
		return strings.Join(each(strings.Split(value, ","), func(issuer string) string {
			id, tenant, ok := strings.Cut(strings.TrimSpace(issuer), "@")
			if !ok {
				return r.tenant(id)
			}
			if tenant != "*" {
				tenant = r.tenant(tenant)
			}
			return r.tenant(id) + "@" + tenant
		}), ",")
	case "realm":
		return r.endpoint(value)
	}
	return r.words(value)
}

var (
	knownCookies  = wordSet("exchangecookie x-backendcookie clientid mrhsession lastmrh_session f5_st edgeaccesscookie citrix_ns_id cadata cadatakey cadatattl cadataiv cadatasig outlooksession uc timewindow timewindowkey")
	cookieFamily  = regexp.MustCompile(`(?i)^(BIGipServer|NSC_)`)
	asmCookieName = regexp.MustCompile(`^TS[0-9a-fA-F]{6,10}$`)
)

// cookie keeps the name where it tells a device; the value was never kept.
func (r *Redactor) cookie(value string) string {
	name, _, named := strings.Cut(value, "=")
	name = strings.TrimSpace(name)
	switch family := cookieFamily.FindString(name); {
	case !named:
		return "[value not kept]"
	case family != "":
		name = family + r.whole("cookie", "%d", name)
	case asmCookieName.MatchString(name):
		name = r.whole("ts", "TS%06d", name)
	case !knownCookies[strings.ToLower(name)]:
		name = r.whole("cookie", "cookie-%d", name)
	}
	return name + "=[value not kept]"
}
