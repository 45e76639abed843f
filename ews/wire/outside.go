package wire

import (
	"context"
	"crypto/x509"
	"net"
	"net/url"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Outside is how services outside the network are reached: over https alone, past
// no untrusted certificate, by the environment's proxy.
type Outside struct {
	Extra *x509.CertPool                   // trusted beside the system's roots
	Proxy func(*url.URL) (*url.URL, error) // the proxy for a URL, nil for none; a nil function means none at all
}

// Open connects to the host of a URL.
func (o Outside) Open(ctx context.Context, u *url.URL) (Opened, *evidence.Failure) {
	if u.Scheme != "https" {
		return Opened{}, evidence.Fail(evidence.ConnectFailed, "connect", evidence.WhyHTTPSOnly)
	}
	d := &Dialer{Host: u.Hostname(), TLS: true, Extra: o.Extra}
	if o.Proxy != nil {
		p, err := o.Proxy(u)
		switch {
		case err != nil: // its text would repeat a password in the URL
			return Opened{}, evidence.Fail(evidence.ProxyRefused, "proxy", evidence.WhyProxyUnreadable)
		case p != nil && p.Scheme != "http" && p.Scheme != "https":
			return Opened{}, evidence.Fail(evidence.ProxyRefused, "proxy", evidence.WhyProxyNotHTTP)
		case p != nil:
			d.Proxy = &url.URL{Scheme: p.Scheme, Host: p.Host}
		}
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return d.Open(ctx, net.JoinHostPort(u.Hostname(), port))
}
