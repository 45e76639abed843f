package redact

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/front"
)

// url is a URL, whole or relative. What the rules know of it stays.
func (r *Redactor) url(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" {
		return r.unknown(s)
	}
	if u.Scheme == "" && u.Host == "" && !strings.HasPrefix(u.Path, "/") {
		return r.endpoint(s) // a bare host, where a URL was expected
	}
	out := ""
	switch scheme := strings.ToLower(u.Scheme); scheme {
	case "http", "https", "ldap", "ldaps":
		out = scheme + "://"
	case "":
		if u.Host != "" {
			out = "//"
		}
	default:
		out = "x://"
	}
	out += r.hostOf(u) + r.path(u.Path) + r.query(u)
	// A page that asks for a sign-in must still look like one, where the parts of its
	// address cannot be told apart from a name.
	if page := front.SignIn(s); front.SignIn(out) != page {
		out = cmp.Or(front.SignInLike(page), "/path")
	}
	return out
}

func (r *Redactor) hostOf(u *url.URL) string {
	if u.Host == "" {
		return ""
	}
	host := r.host(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if p := u.Port(); p != "" {
		host += ":" + p
	}
	return host
}

func (r *Redactor) path(p string) string {
	if p == "" {
		return ""
	}
	parts := strings.Split(p, "/")
	for i, s := range parts {
		switch {
		case s == "" || listed("steps", strings.ToLower(s)):
		case has("guid", s):
			parts[i] = r.tenant(s)
		case strings.Contains(s, "@"):
			parts[i] = r.user(s)
		case i == 1 && strings.Contains(s, ".") && len(parts) > 2:
			parts[i] = r.host(s) // Entra: /contoso.com/v2.0/…
		default:
			parts[i] = r.whole("path", "path-%d", s)
		}
	}
	return strings.Join(parts, "/")
}

// query keeps what shows a federated sign-in; of the rest, that there was one.
func (r *Redactor) query(u *url.URL) string {
	if u.RawQuery == "" {
		return ""
	}
	q := u.Query()
	switch {
	case strings.EqualFold(q.Get("wa"), "wsignin1.0"):
		return "?wa=wsignin1.0"
	case q.Has("SAMLRequest"):
		return "?SAMLRequest=redacted"
	}
	return "?redacted"
}
