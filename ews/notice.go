package ews

import (
	"bytes"
	"cmp"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// longestNotice is what is read of a page for people.
const longestNotice = 64 << 10

// readNotice reads what an answer that is not EWS says of itself: the number under
// which its sender keeps it, the sub-status of IIS, the product, the reason. These
// are words of a closed list and numbers, so they may be kept of an answer to a
// credential as well. nil: it says nothing of the kind.
func readNotice(r *evidence.Response, body []byte, credential bool) *evidence.Notice {
	text := plainText(body)
	if len(strings.Fields(r.Reason)) > 5 { // TMG and others say there what happened
		text += " " + r.Reason
	}
	low := strings.ToLower(text)
	n := &evidence.Notice{
		Numbers: numbersIn(text, credential), SubStatus: subStatus(r.Status, text), Product: productIn(strings.ToLower(string(body[:min(len(body), longestNotice)])), low),
	}
	for _, p := range notices() {
		if slices.ContainsFunc(p.phrases, func(s string) bool { return strings.Contains(low, s) }) {
			n.Says = p.says
			break
		}
	}
	if r.Status == 401 || r.Status == 403 || r.Status == 456 {
		n.Windows = windowsError(strings.ToLower(r.Reason) + " " + low)
	}
	switch {
	case strings.EqualFold(r.First("cf-mitigated"), "challenge"), r.First("x-amzn-waf-action") != "": // a challenge or a CAPTCHA
		n.Says = evidence.SaysChallenge
	case r.Status == 431 && n.Says == "":
		n.Says = evidence.SaysHeaderTooLong
	case n.SubStatus == "403.7":
		n.Says = evidence.SaysClientCertificate
	case n.SubStatus == "403.4":
		n.Says = evidence.SaysPlainHTTP
	case r.Status == 456 && n.Windows == "":
		n.Windows = evidence.WindowsLocked // as ExchangeService of Microsoft's API has it
	}
	if n.Number() == "" && n.SubStatus == "" && n.Product == "" && n.Says == "" && n.Windows == "" {
		return nil
	}
	return n
}

// plainText is the text of a page, without its tags.
func plainText(body []byte) string {
	body = body[:min(len(body), longestNotice)]
	if !utf8.Valid(body) {
		out := make([]byte, 0, len(body))
		for _, b := range body {
			out = utf8.AppendRune(out, rune(b))
		}
		body = out
	}
	var b strings.Builder
	for len(body) > 0 {
		before, rest, found := bytes.Cut(body, []byte("<"))
		b.Write(before)
		b.WriteByte(' ')
		if !found {
			break
		}
		if _, body, found = bytes.Cut(rest, []byte(">")); !found {
			break
		}
	}
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}

// numbered is a number with what it is called: "Your support ID is: 42",
// "Ereignis-Nummer: 42", "Reference #18.2d351ab8", "error code: 1020", and the numbers
// of Windows Sockets and of TMG: "(12202)".
var numbered = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:\b|[\pL-])(id|ids|number|nummer|num[ée]ro|n[úu]mero|nr\.?|no\.|code|ref(?:erence|erenz|\. ?[abc]|\.| [abc])?|azure ref|incident|case|ticket|event|transaction)` +
		`(?: (?:id|number|code|no\.?|nr\.?))?(?: is)? ?[:#=]* ?#?([0-9A-Za-z][0-9A-Za-z._=-]{3,79})|\((\d{5})\)`)
})

// numbersIn are the numbers that a page names, each once, at most three: at least
// four digits, or capitals with a digit ("EXPVP16"). Of an answer to a credential only
// what is made of hexadecimal digits counts.
func numbersIn(text string, credential bool) []string {
	var list []string
	for _, m := range numbered().FindAllStringSubmatch(text, 20) {
		value := strings.TrimRight(cmp.Or(m[2], m[3]), ".-_")
		digits := 0
		for _, c := range value {
			if c >= '0' && c <= '9' {
				digits++
			} else if credential && !strings.ContainsRune("abcdefABCDEF.-", c) {
				digits = -1 << 10
			}
		}
		rule := !credential && digits > 0 && len(value) > 4 && value == strings.ToUpper(value)
		if (rule || digits >= 4 && digits*3 >= len(value)) && len(list) < 3 && !slices.Contains(list, value) {
			list = append(list, value)
		}
	}
	return list
}

var subStatusForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:error\s+|status[: ]+|^|\s)([45]\d\d)\.(\d{1,2})(?:\s*[-–:]|\s|$)`)
})

// subStatus is IIS' sub-status of this status, as its page has it: "403.6".
func subStatus(status int, text string) string {
	for _, m := range subStatusForm().FindAllStringSubmatch(text, 5) {
		if m[1] == strconv.Itoa(status) {
			return m[1] + "." + m[2]
		}
	}
	return ""
}

// products are known by what their pages hold, source or text, in lower case.
func productIn(source, text string) string {
	for _, p := range []struct {
		product string
		marks   []string
	}{
		{"F5 BIG-IP ASM", []string{"the requested url was rejected. please consult with your administrator", "your support id is"}},
		{"FortiGuard web filter (Fortinet)", []string{"fortiguard"}},
		{"FortiWeb", []string{"web page blocked!", "fortiweb", "attack id:", "fortigate", "fortinet"}},
		{"Imperva", []string{"incapsula", "imperva"}},
		{"Akamai", []string{"errors.edgesuite.net", "akamaighost"}},
		{"Barracuda", []string{"barracuda"}},
		{"Citrix NetScaler", []string{"netscaler", "citrix application firewall", "ns_csm_td"}},
		{"Azure Application Gateway", []string{"azure-application-gateway", "azure application gateway"}},
		{"Azure Front Door", []string{"azure front door", "azure ref:", "azurefd"}},
		{"Cloudflare", []string{"cloudflare"}},
		{"Amazon CloudFront", []string{"generated by cloudfront"}},
		{"Sucuri", []string{"sucuri website firewall"}},
		{"ModSecurity", []string{"mod_security", "modsecurity"}},
		{"Radware AppWall", []string{"unauthorized activity has been detected", "radware"}},
		{"Sophos", []string{"sophos"}},
		{"Zscaler", []string{"zscaler"}},
		{"Check Point", []string{"check point software", "checkpoint.com", "usercheck"}},
		{"UrlScan", []string{"rejected-by-urlscan", "such as urlscan"}},
		{"Airlock", []string{"server detected a syntax error in your request"}},
		{"AWS WAF", []string{"awswaf.com"}},
		{"dotDefender", []string{"dotdefender blocked your request"}},
		{"WebKnight", []string{"aqtronix webknight", "webknight application firewall"}},
		{"Wordfence", []string{"generated by wordfence", "wordfence advanced blocking"}},
		{"Imunify360", []string{"imunify360"}},
		{"NAXSI", []string{"blocked by naxsi"}},
		{"Palo Alto Networks", []string{"palo alto networks", "web page blocked</title>"}},
		{"Forefront TMG or ISA", []string{"isa server", "forefront tmg", "denied the specified uniform resource locator", "microsoft isa"}},
		{"Squid", []string{"x-squid-error", "err_access_denied", "generated by squid", "(squid/"}},
		{"Entra application proxy", []string{"this corporate app can't be accessed", "connectorgroupid"}},
		{"Jetty, a server of Java", []string{"powered by jetty", "eclipse.org/jetty"}},
		{"Tomcat, a server of Java", []string{"apache tomcat"}},
		{"Varnish", []string{"varnish cache server", "guru meditation"}},
		{"SonicWall", []string{"sonicwall"}},
		{"WatchGuard", []string{"watchguard"}},
		{"Cisco Umbrella", []string{"cisco umbrella", "opendns"}},
		{"Traefik, or another server written in Go", []string{"404 page not found"}},
		{"HAProxy", []string{"no server is available to handle this request"}},
		{"Envoy", []string{"upstream connect error or disconnect/reset before headers"}},
		{"IIS Application Request Routing (ARR)", []string{"application request routing"}},
		{"nginx", []string{"<center>nginx", "<center>openresty"}},
	} {
		if slices.ContainsFunc(p.marks, func(m string) bool { return strings.Contains(source, m) || strings.Contains(text, m) }) {
			return p.product
		}
	}
	return ""
}

type noticed struct {
	says    string
	phrases []string
}

// notices are what pages of servers and devices say, in lower case: HTTP.sys,
// nginx, HAProxy and IIS have these in English everywhere.
func notices() []noticed {
	return []noticed{
		{evidence.SaysClientCertificate, []string{
			"no required ssl certificate was sent", "the ssl certificate error", "ssl client certificate", "client certificate that the web server recognizes",
			"client certificate required", "client certificate is required",
		}},
		{evidence.SaysHeaderTooLong, []string{
			"request headers is too long", "request header or cookie too large", "request header fields too large", "request too long", "size of a request header field exceeds",
			"header field is too large",
		}},
		{evidence.SaysBodyTooLarge, []string{"request entity too large", "request entity is too large", "content too large", "payload too large"}},
		{evidence.SaysChallenge, []string{
			"enable javascript and cookies to continue", "checking your browser", "making sure you're not a bot", "verify you are human", "verifying you are human",
			"please enable javascript", "please turn javascript on",
		}},
		{evidence.SaysPlainHTTP, []string{
			"plain http request was sent to https port", "speaking plain http to an ssl-enabled server", "sent an http request to an https server",
			"combination of host and port requires tls", "is secured with secure sockets layer", "must be viewed over a secure channel",
		}},
		{evidence.SaysNoServer, []string{"no server is available to handle this request", "no healthy upstream", "no available server"}},
	}
}

var (
	hresult  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`0x8007([0-9a-f]{4})\b`) })
	sspi     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`0x(80090(?:302|311|322|324|346))\b`) })
	ntStatus = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`0x(c0000[0-9a-f]{3})\b`) })
	win32    = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?:[(:=]|error|fehler|erreur|status)\s*(1311|1326|1327|1328|1329|1330|1331|1385|1786|1787|1789|1793|1907|1909)\b`)
	})
)

// windowsError is the error of Windows by which a refusal names its reason: a
// number, or its English text (in some languages that of a locked account, after
// which nothing more may be sent).
func windowsError(low string) string {
	if m := hresult().FindStringSubmatch(low); m != nil {
		if code, err := strconv.ParseUint(m[1], 16, 32); err == nil {
			return strconv.FormatUint(code, 10)
		}
	}
	if m := sspi().FindStringSubmatch(low); m != nil {
		return "0x" + m[1]
	}
	if m := ntStatus().FindStringSubmatch(low); m != nil {
		return "0x" + strings.ToUpper(m[1])
	}
	if m := win32().FindStringSubmatch(low); m != nil {
		return m[1]
	}
	for _, t := range []struct {
		number string
		all    []string
	}{
		{evidence.WindowsLocked, []string{"account", "locked out"}},
		{evidence.WindowsLocked, []string{"account", "is locked"}},
		{evidence.WindowsLocked, []string{"konto", "gesperrt"}},
		{evidence.WindowsLocked, []string{"compte", "verrouillé"}},
		{evidence.WindowsLocked, []string{"cuenta", "bloquead"}},
		{evidence.WindowsLocked, []string{"conta", "bloquead"}},
		{"1331", []string{"account", "currently disabled"}},
		{"1331", []string{"account", "is disabled"}},
		{"1793", []string{"account has expired"}},
		{"1330", []string{"password", "has expired"}},
		{"1907", []string{"password", "must be changed"}},
		{"1907", []string{"must change", "password"}},
		{"1328", []string{"logon time restriction"}},
		{"1329", []string{"not allowed to log on to this computer"}},
		{"1385", []string{"not been granted the requested logon type"}},
	} {
		if !slices.ContainsFunc(t.all, func(s string) bool { return !strings.Contains(low, s) }) {
			return t.number
		}
	}
	return ""
}
