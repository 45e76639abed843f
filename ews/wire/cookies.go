package wire

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

// Cookies are what a host has set and gets back (RFC 6265), as Dynamics' client
// does it: a balancer may keep a sign-in at one server by them. They go to no other
// host: one Cookies serves the requests to one host. A device may also remember a
// sign-in by one, so what is set in answer to a credential goes back only with the
// further messages and calls of that sign-in. The zero value is empty, nil keeps
// none.
type Cookies struct {
	mu  sync.Mutex
	jar *cookiejar.Jar
	set []setCookie // all that was set, in its order

	// What goes back stays the same while nothing is set: the next call need not ask the jar.
	lastFor         url.URL
	last, described string
}

type setCookie struct {
	by     *url.URL
	field  string // as it was sent
	cookie *http.Cookie
}

// Bounds of what is kept.
const (
	maxCookies    = 50
	longestCookie = 4096
)

// Set takes over the Set-Cookie fields of an answer of u.
func (c *Cookies) Set(u *url.URL, fields []string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, field := range fields {
		again := func(s setCookie) bool { return s.field == field && *s.by == *u && s.cookie.MaxAge == 0 }
		if len(field) > longestCookie || slices.ContainsFunc(c.set, again) {
			continue // a balancer repeats its own in each answer
		}
		if n, err := http.ParseSetCookie(field); err == nil {
			c.keep(setCookie{u, field, n})
		}
	}
}

func (c *Cookies) keep(s setCookie) {
	c.set = slices.DeleteFunc(c.set, func(old setCookie) bool {
		return old.cookie.Name == s.cookie.Name && old.cookie.Path == s.cookie.Path && old.cookie.Domain == s.cookie.Domain
	})
	if len(c.set) == maxCookies {
		return
	}
	if c.jar == nil {
		// Public suffixes do not matter: the jar is asked for one host alone.
		c.jar, _ = cookiejar.New(nil)
	}
	c.set = append(c.set, s)
	c.jar.SetCookies(s.by, []*http.Cookie{s.cookie})
	c.lastFor = url.URL{}
}

// Copy is what a sign-in begins with.
func (c *Cookies) Copy() *Cookies {
	if c == nil {
		return nil
	}
	n := &Cookies{}
	n.Join(c)
	return n
}

// Join takes over what was set at o in the meantime.
func (c *Cookies) Join(o *Cookies) {
	if c == nil || o == nil || c == o {
		return
	}
	o.mu.Lock()
	set := slices.Clone(o.set)
	o.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range set {
		if !slices.Contains(c.set, s) {
			c.keep(s)
		}
	}
}

// Field is the Cookie field of a request, and what the record says of it; "" for
// none.
func (c *Cookies) Field(u *url.URL) (value, described string) {
	if c == nil {
		return "", ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jar == nil {
		return "", ""
	}
	if c.lastFor == *u {
		return c.last, c.described
	}
	list := c.jar.Cookies(u)
	if len(list) == 0 {
		return "", ""
	}
	r := http.Request{Header: http.Header{}}
	for _, k := range list {
		r.AddCookie(k)
	}
	c.last, c.described = r.Header.Get("Cookie"), strconv.Itoa(len(list))+" set by this server, values not kept"
	if !slices.ContainsFunc(c.set, func(s setCookie) bool { return s.cookie.MaxAge > 0 || !s.cookie.Expires.IsZero() }) {
		c.lastFor = *u
	}
	return c.last, c.described
}
