package redact

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
)

// knownFields are the names of headers that stay; a server can write anything
// there.
var knownFields = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(fieldNames) {
		set[name] = true
	}
	return set
})

const fieldNames = `accept accept-encoding accept-language access-control-allow-origin age allow alt-svc authorization cache-control cf-cache-status cf-ray client-request-id connection
	content-encoding content-language content-length content-security-policy content-type cookie date etag expires keep-alive last-modified location ms-author-via mime-version nel
	p3p persistent-auth pragma prefer proxy-authenticate proxy-connection proxy-support public-key-pins referrer-policy report-to request-id retry-after return-client-request-id server server-timing
	set-cookie set-cookie2 soapaction strict-transport-security tracestate transfer-encoding upgrade user-agent vary via warning www-authenticate
	x-anchormailbox x-aspnet-version x-backendhttpstatus x-beserver x-besku x-bepartition x-calculatedbetarget x-calculatedfetarget x-cache x-content-type-options x-diaginfo x-ews-policy-reason
	x-failurecontext x-fe-server x-feefzinfo x-feproxyinfo x-feserver x-firsthopcafeefz x-forwarded-for x-frame-options x-mailboxguid x-ms-appid x-ms-diagnostics x-ms-request-id x-ms-serverfqdn
	x-nanoproxy x-oauth-enabled x-owa-error x-owa-version x-oauth-supported x-powered-by x-proxy-backendserverstatus x-proxy-routingcorrectness x-requestid x-responseorigin x-rum-notupdatequeriedpath
	x-rum-notupdatequerieddbcopy x-rum-validated x-serverapplication x-soap-enabled x-targetbeserver x-ua-compatible x-user-identity x-wssecurity-enabled x-wssecurity-symmetrickey-enabled
	x-wssecurity-x509cert-enabled x-xss-protection x-ms-correlation-request-id x-squid-error`

// servers are fields whose value names a server.
var servers = strings.Fields("x-beserver x-calculatedbetarget x-calculatedfetarget x-diaginfo x-fe-server x-feproxyinfo x-feserver x-ms-serverfqdn x-responseorigin x-targetbeserver")

// products are what the rules know a Server field by.
var products = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(microsoft-iis|microsoft-httpapi|microsoft|bigip|big-ip|haproxy|nginx|openresty|apache|cloudflare|envoy|loadmaster|kemp|squid)` +
		`(/\d{1,2}(\.\d{1,3}){0,2}\b)?`)
})

// values are the forms of the values of fields that name nobody.
var values = sync.OnceValue(func() map[string]*regexp.Regexp {
	compiled := map[string]*regexp.Regexp{}
	for names, form := range map[string]string{
		"content-type accept": `[a-z]+/[a-z0-9.+-]+(, ?[a-z]+/[a-z0-9.+-]+)*(; ?charset="?(?i:utf-8|us-ascii|iso-8859-1|utf-16)"?)?`,
		"content-length age":  `\d{1,9}`, "retry-after": `\d{1,6}`, "x-nanoproxy": `\d(,\d)?`,
		"connection keep-alive":        `(?i:close|keep-alive|timeout=\d{1,5}(, ?max=\d{1,5})?)`,
		"content-encoding":             `(?i:gzip|deflate|br|identity)`,
		"transfer-encoding":            `(?i:chunked|gzip)`,
		"cache-control pragma expires": `(?i:private|no-cache|no-store|must-revalidate|max-age=\d{1,9}|,| |0|-1)+`,
		"proxy-support":                `(?i:session-based-authentication)`,
		"persistent-auth x-soap-enabled x-oauth-enabled x-oauth-supported x-wssecurity-enabled x-wssecurity-symmetrickey-enabled x-wssecurity-x509cert-enabled": `(?i:true|false)`,
		"x-powered-by": `(?i:asp\.net|arr/\d\.\d)`, "x-aspnet-version": `[24]\.\d\.\d{4,5}`,
		"x-ews-policy-reason": `EWS is (disabled for this user or tenant|blocked by policy for this user or tenant)`,
		"soapaction":          `"http://schemas\.microsoft\.com/exchange/[A-Za-z0-9/]{1,80}"`,
	} {
		for _, name := range strings.Fields(names) {
			compiled[name] = regexp.MustCompile(`^(` + form + `)$`)
		}
	}
	return compiled
})

// field is the value of a header field.
func (r *Redactor) field(name, value string) string {
	form := values()[name]
	switch {
	case form != nil && form.MatchString(value), has("http-date", value), isPlaceholder(value):
		return value
	case name == "www-authenticate":
		return r.challenges(value)
	case name == "location":
		return r.url(value)
	case name == "set-cookie", name == "set-cookie2":
		return r.cookie(value)
	case name == "server":
		if known := products().FindAllString(value, -1); known != nil {
			return strings.Join(known, " ")
		}
	case name == "x-owa-version", name == "x-serverapplication":
		return r.build(value)
	case name == "user-agent":
		return r.agent(value)
	case has("guid", value):
		return r.tenant(value)
	case slices.Contains(servers, name) && utf8.RuneCountInString(value) < 256 && has("host-like", value):
		return r.host(value)
	case strings.HasPrefix(value, "http://"), strings.HasPrefix(value, "https://"):
		return r.url(value)
	}
	return r.unknown(value)
}

// schemes are the names that a challenge may have; the rules know some of them.
var schemes = strings.Fields("basic ntlm negotiate bearer digest kerberos oauth mutual hoba scram-sha-1 scram-sha-256 vapid wsse passport1.4 ldaps")

func (r *Redactor) scheme(s string) string {
	if s == "" || slices.Contains(schemes, strings.ToLower(s)) {
		return s
	}
	return r.whole("scheme", "Scheme-%d", s)
}

// params are the names of parameters that stay.
var params = strings.Fields("realm charset client_id trusted_issuers token_types authorization_uri error error_description resource_id nonce qop algorithm stale opaque domain scope")

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
			if !slices.Contains(params, name) {
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
		return r.unknown(value)
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
	case "token_types", "error", "algorithm":
		if has("parameter", value) {
			return value
		}
	}
	if value == "" || isPlaceholder(value) {
		return value
	}
	return r.unknown(value)
}

// knownCookies are those by which devices and Exchange are told.
var knownCookies = strings.Fields("exchangecookie x-backendcookie clientid mrhsession lastmrh_session f5_st edgeaccesscookie citrix_ns_id cadata cadatakey cadatattl " +
	"cadataiv cadatasig outlooksession uc timewindow timewindowkey")

// cookie keeps the name where it tells a device; the value was never kept.
func (r *Redactor) cookie(value string) string {
	name, _, named := strings.Cut(value, "=")
	name = strings.TrimSpace(name)
	lower := strings.ToLower(name)
	switch {
	case !named:
		return "[value not kept]"
	case strings.HasPrefix(lower, "bigipserver"):
		name = name[:len("BIGipServer")] + r.whole("cookie", "%d", name)
	case strings.HasPrefix(lower, "nsc_"):
		name = name[:len("NSC_")] + r.whole("cookie", "%d", name)
	case has("asm-cookie", name):
		name = r.whole("ts", "TS%06d", name)
	case !slices.Contains(knownCookies, lower):
		name = r.whole("cookie", "cookie-%d", name)
	}
	return name + "=[value not kept]"
}
