package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cookies are what a host has set and gets back (RFC 6265), as Dynamics' client
// does it: a balancer may keep a sign-in at one server by them. They go to no other
// host, whatever their Domain says. A device may also remember a sign-in by one, so
// what is set in answer to a credential goes back only with the further messages and
// calls of that sign-in. The zero value is empty, nil keeps none.
type Cookies struct {
	mu   sync.Mutex
	kept []*http.Cookie
}

// Bounds of what is kept.
const (
	mostCookies   = 50
	longestCookie = 4096
)

// Set takes over the Set-Cookie fields of an answer.
func (c *Cookies) Set(fields []string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, field := range fields {
		n, err := http.ParseSetCookie(field)
		if err != nil || len(field) > longestCookie {
			continue
		}
		c.kept = slices.DeleteFunc(c.kept, func(old *http.Cookie) bool { return old.Name == n.Name && old.Path == n.Path })
		over := n.MaxAge < 0 || n.MaxAge == 0 && !n.Expires.IsZero() && n.Expires.Before(time.Now())
		if !over && len(c.kept) < mostCookies {
			c.kept = append(c.kept, n)
		}
	}
}

// Copy is what a sign-in begins with.
func (c *Cookies) Copy() *Cookies {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Cookies{kept: slices.Clone(c.kept)}
}

// Field is the Cookie field of a request, and what the record says of it; "" for
// none.
func (c *Cookies) Field(u *url.URL) (value, described string) {
	if c == nil {
		return "", ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var pairs []string
	for _, k := range c.kept {
		if (!k.Secure || u.Scheme == "https") && under(u.Path, k.Path) {
			pairs = append(pairs, k.Name+"="+k.Value)
		}
	}
	if len(pairs) == 0 {
		return "", ""
	}
	return strings.Join(pairs, "; "), fmt.Sprintf("%d set by this server, values not kept", len(pairs))
}

// under is the path match of RFC 6265 5.1.4. A cookie without a path of its own is
// taken to be for all of the host.
func under(path, of string) bool {
	if !strings.HasPrefix(of, "/") {
		return true
	}
	rest, ok := strings.CutPrefix(strings.ToLower(path), strings.ToLower(of)) // IIS minds no case
	return ok && (rest == "" || strings.HasSuffix(of, "/") || strings.HasPrefix(rest, "/"))
}
