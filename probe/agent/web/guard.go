package web

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// setSecurityHeaders keeps a page in its place: nothing from elsewhere is loaded, run, framed or
// posted to, and nothing of a page is kept.
func setSecurityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// With no-referrer a browser sends "Origin: null" along with a form, which
	// mayAct refuses.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// policy allows a page its own style and its own script, which are known by their
// hashes.
var policy = sync.OnceValue(func() string {
	return "default-src 'none'; style-src '" + hashOf(pageStyle()) + "'; script-src '" + hashOf(pageScript) +
		"'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
})

// mayNot says why a request may change nothing; "" that it may. A page of another
// origin cannot act through the browser of somebody who may: browsers say where a
// request comes from (Fetch Metadata, RFC 6454 7), and a name that leads to this
// machine only by the DNS of somebody else (DNS rebinding) is not loopback.
func (s *Server) mayNot(r *http.Request) string {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return "a page of another origin cannot do this"
	}
	for _, origin := range r.Header.Values("Origin") {
		if !ownOrigin(r, origin) {
			return "a page of another origin cannot do this"
		}
	}
	_, users, err := About(s.o.WebConfig)
	switch host, _, _ := net.SplitHostPort(r.RemoteAddr); {
	case err != nil:
		return "web_config cannot be read"
	case users: // who comes here is one of them
		return ""
	case !address.IsLoopback(host):
		return "this needs a user of web_config, or a connection from the machine of the agent"
	case !address.IsLoopback(hostname(r.Host)):
		return "without users in web_config the host must be a loopback address or localhost"
	}
	return ""
}

func ownOrigin(r *http.Request, origin string) bool {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Scheme, scheme) && strings.EqualFold(u.Host, r.Host) && u.Host != ""
}

// hostname is a Host field without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}
