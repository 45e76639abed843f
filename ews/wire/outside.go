package wire

import (
	"cmp"
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Outside is how services outside the network are reached: over https alone, past
// no untrusted certificate, by the environment's proxy.
type Outside struct {
	Extra     *x509.CertPool                   // trusted beside the system's roots
	Proxy     func(*url.URL) (*url.URL, error) // the proxy for a URL, nil for none; a nil function means none at all
	UserAgent string
}

// Send sends a request on conn, if that is fit for another, else on a connection of its
// own, and writes down what came of it: described says what the Authorization field, or
// the body, holds. The connection is returned where another request may follow; the
// caller closes it.
func (o Outside) Send(
	ctx context.Context, conn *Conn, req Request, described string, item *evidence.Item,
) (Answer, *Conn, *evidence.Failure) {
	if conn == nil || !conn.Fit(0) {
		conn.Close()
		opened, fail := o.open(ctx, req.URL)
		item.TLS, item.Timing, item.Error = opened.TLS, opened.Timing, fail
		if conn = opened.Conn; fail != nil {
			return Answer{}, nil, fail
		}
	}
	req.UserAgent = o.UserAgent
	item.Request = &evidence.Request{ // how long the body is would tell how long a secret in it is
		Method: cmp.Or(req.Method, "POST"), URL: req.URL.String(), UserAgent: o.UserAgent, Authorization: described, Headers: req.Header,
	}
	answer, fail := conn.Post(ctx, req)
	keep(answer, fail, item)
	if fail != nil || answer.Closed {
		conn.Close()
		conn = nil
	}
	return answer, conn, fail
}

// Get is Send of a GET.
func (o Outside) Get(
	ctx context.Context, conn *Conn, req Request, described string, item *evidence.Item,
) (Answer, *Conn, *evidence.Failure) {
	req.Method, req.Body = "GET", nil
	return o.Send(ctx, conn, req, described, item)
}

func (o Outside) open(ctx context.Context, u *url.URL) (Opened, *evidence.Failure) {
	if u.Scheme != "https" {
		return Opened{}, evidence.Fail(evidence.ConnectFailed, "connect", "https-only")
	}
	d := &Dialer{Host: u.Hostname(), TLS: true, Extra: o.Extra}
	if o.Proxy != nil {
		p, err := o.Proxy(u)
		switch {
		case err != nil: // its text would repeat a password in the URL
			return Opened{}, evidence.Fail(evidence.ProxyRefused, "proxy", "proxy-unreadable")
		case p != nil && p.Scheme != "http" && p.Scheme != "https":
			return Opened{}, evidence.Fail(evidence.ProxyRefused, "proxy", "proxy-not-http")
		case p != nil:
			d.Proxy = &url.URL{Scheme: p.Scheme, Host: p.Host}
		}
	}
	return d.Open(ctx, net.JoinHostPort(u.Hostname(), Port(u)))
}

// keep writes down the answer of a service outside without its body, and of its
// headers those that explain it, and the identifiers by which Microsoft's support finds
// it. Never a cookie.
func keep(answer Answer, fail *evidence.Failure, item *evidence.Item) {
	item.Timing, item.Error = answer.Timing, fail
	if answer.Closed {
		item.ClosedBy = "server"
	}
	if answer.Response == nil {
		return
	}
	r := *answer.Response
	told := []string{
		"location", "www-authenticate", "content-type", "retry-after", "date", "server", "via", "odata-version",
		"request-id", "client-request-id", "x-ms-request-id", "x-ms-service-request-id", "req_id",
	}
	r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h [2]string) bool { return !slices.Contains(told, strings.ToLower(h[0])) })
	if len(answer.Body) > 0 {
		r.Withheld = evidence.Say("lookup-not-kept").String()
	}
	item.Response = &r
}

// Port is the port of a URL, that of its scheme where it names none.
func Port(u *url.URL) string {
	return cmp.Or(u.Port(), map[string]string{"http": "80"}[u.Scheme], "443")
}

// SameHost compares host and port: another port is another service.
func SameHost(a, b *url.URL) bool {
	return strings.EqualFold(strings.TrimSuffix(a.Hostname(), "."), strings.TrimSuffix(b.Hostname(), ".")) && Port(a) == Port(b)
}
