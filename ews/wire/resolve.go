package wire

import (
	"context"
	"net"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Resolve asks the system's resolver for the addresses of host.
func Resolve(ctx context.Context, host string) ([]net.IP, *evidence.Failure) {
	ips, err := net.DefaultResolver.LookupIP(ctx, "ip", host)
	if err != nil {
		return nil, Classify(ctx, "resolve", err)
	}
	return ips, nil
}

// Service is one server of a domain, as DNS names it.
type Service struct {
	Host string
	Port uint16
}

// Services asks DNS which servers offer service ("kerberos") over TCP in domain
// (RFC 2782), the preferred first.
func Services(ctx context.Context, service, domain string) ([]Service, *evidence.Failure) {
	_, records, err := net.DefaultResolver.LookupSRV(ctx, service, "tcp", domain)
	if err != nil && len(records) == 0 {
		return nil, Classify(ctx, "resolve", err)
	}
	var found []Service
	for _, r := range records {
		// A single dot says that there is no such service.
		if host := strings.TrimSuffix(r.Target, "."); host != "" && r.Port != 0 {
			found = append(found, Service{Host: host, Port: r.Port})
		}
	}
	return found, nil
}
