package wire

import (
	"context"
	"net"
	"strconv"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Elsewhere is a dialer for another endpoint of the same check: it trusts the
// same roots and numbers its connections on. It never goes past an untrusted
// certificate: Insecure is for the endpoint that the user named it for.
func (d *Dialer) Elsewhere(host string, secure bool) *Dialer {
	first := d
	if d.first != nil {
		first = d.first
	}
	return &Dialer{Host: host, TLS: secure, Roots: d.Roots, Extra: d.Extra, Public: d.Public, Now: d.Now, first: first}
}

// number is the next connection's.
func (d *Dialer) number() int {
	if d.first != nil {
		d = d.first
	}
	return int(d.opened.Add(1))
}

// ResolveService asks the system's resolver for the hosts and ports of a service
// of a domain over TCP (RFC 2782), the preferred first, as "host:port".
func ResolveService(ctx context.Context, service, domain string) ([]string, *evidence.Failure) {
	_, records, err := net.DefaultResolver.LookupSRV(ctx, service, "tcp", domain)
	if err != nil && len(records) == 0 {
		return nil, Classify(ctx, "resolve", err)
	}
	var places []string
	for _, r := range records {
		// A single dot says that there is no such service (RFC 2782).
		if host := strings.TrimSuffix(r.Target, "."); host != "" {
			places = append(places, net.JoinHostPort(host, strconv.Itoa(int(r.Port))))
		}
	}
	return places, nil
}
