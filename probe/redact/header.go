package redact

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// field is the value of a header field.
func (r *Redactor) field(name, value string) string {
	form := known().forms["header "+name]
	switch {
	case form != nil && form.MatchString(value), has("http-date", value), isPlaceholder(value):
		return value
	case name == "www-authenticate":
		return r.challenges(value)
	case name == "x-ms-diagnostics":
		return r.diagnostics(challenge.Diagnostics([]string{value}))
	case name == "x-ms-diagnostics-from-backend":
		return r.diagnostics(challenge.BackEndDiagnostics([]string{value}))
	case name == "location":
		out, piece := r.url(value), signOf(name, value)
		if like := "/" + strings.TrimPrefix(piece, "/"); piece != "" && signOf(name, out) != piece && front.SignIn(like) == front.SignIn(value) {
			return like
		}
		return out
	case name == "set-cookie", name == "set-cookie2":
		return r.cookie(value)
	case name == "server":
		// What the rules know the field by.
		if products := known().find["products"].FindAllString(value, -1); products != nil {
			return strings.Join(products, " ")
		}
	case name == "x-owa-version", name == "x-serverapplication":
		return r.build(value)
	case name == "user-agent":
		return r.agent(value)
	case has("guid", value):
		return r.tenant(value)
	case listed("servers", name) && utf8.RuneCountInString(value) < 256 && has("host-like", value):
		return r.host(value)
	case strings.HasPrefix(value, "http://"), strings.HasPrefix(value, "https://"):
		return r.url(value)
	}
	if piece := signOf(name, value); piece != "" {
		return piece
	}
	return r.unknown(value)
}

// signOf is the piece of a header field's value by which a device is told, "" none. It
// is from a list, and names no person or place.
func signOf(name, value string) string {
	pieces, _ := front.Signs(name)
	value = strings.ToLower(value)
	for _, piece := range pieces {
		if name == "set-cookie" && strings.HasPrefix(value, piece) || name != "set-cookie" && strings.Contains(value, piece) {
			return piece
		}
	}
	return ""
}

// diagnostics keep what tells one refusal of a token from another: the number and its
// category, the pieces of the words that the rules know, and in quotes what is named.
func (r *Redactor) diagnostics(list []challenge.Diagnostic) string {
	var fields []string
	for _, d := range list {
		words := finding.TokenPieces(d.Number, d.Reason)
		for _, q := range d.Quoted() {
			switch {
			case has("guid", q):
				q = r.tenant(q)
			case strings.Contains(q, "://"):
				q = r.url(q)
			case !isPlaceholder(q):
				q = r.unknown(q)
			}
			words = append(words, "'"+q+"'")
		}
		reason := strings.Join(words, " ")
		if d.Number == 0 {
			fields = append(fields, "|"+reason)
			continue
		}
		fields = append(fields, fmt.Sprintf(`%d;reason="%s";error_category="%s"`, d.Number, reason, finding.TokenRefusal(d.Number, "").Category))
	}
	return strings.Join(fields, ", ")
}

func (r *Redactor) scheme(s string) string {
	if s == "" || listed("schemes", strings.ToLower(s)) {
		return s
	}
	if piece := signOf("www-authenticate", s); piece != "" {
		return piece
	}
	return r.whole("scheme", "Scheme-%d", s)
}

// challenges writes the challenges of a field again: names of schemes and of
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
			if !listed("params", name) {
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
		return cmp.Or(signOf("www-authenticate", value), r.unknown(value))
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
		if piece := signOf("www-authenticate", `realm="`+value+`"`); piece != "" { // a device is told by it
			return strings.Trim(strings.TrimPrefix(piece, "realm="), `"`)
		}
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

// cookie keeps the name where it tells a device; the value was never kept.
func (r *Redactor) cookie(value string) string {
	name, _, named := strings.Cut(value, "=")
	name = strings.TrimSpace(name)
	lower := strings.ToLower(name)
	switch {
	case !named:
		return "[value not kept]"
	case has("asm-cookie", name):
		name = r.whole("ts", "TS%06d", name)
	case listed("knownCookies", lower):
	case signOf("set-cookie", name) != "":
		name = signOf("set-cookie", name) + r.whole("cookie", "%d", name)
	default:
		name = r.whole("cookie", "cookie-%d", name)
	}
	return name + "=[value not kept]"
}
