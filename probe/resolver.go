package probe

import (
	"context"
	"net"
	"strconv"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Resolver finds where a host and the Autodiscover service of a domain are.
type Resolver interface {
	// Addresses are where to connect to for host and port, as "IP:port".
	Addresses(ctx context.Context, host, port string) ([]string, *evidence.Failure)
	// Service are the hosts and ports of SRV _autodiscover._tcp.domain, the
	// preferred first, as "host:port"; none is no failure.
	Service(ctx context.Context, domain string) ([]string, *evidence.Failure)
}

// resolver is the configured one, or the system's.
func (c Config) resolver() Resolver {
	if c.Resolver != nil {
		return c.Resolver
	}
	return systemResolver{}
}

type systemResolver struct{}

func (systemResolver) Addresses(ctx context.Context, host, port string) ([]string, *evidence.Failure) {
	ips, fail := wire.Resolve(ctx, host)
	var addresses []string
	for _, ip := range ips {
		addresses = append(addresses, net.JoinHostPort(ip.String(), port))
	}
	return addresses, fail
}

func (systemResolver) Service(ctx context.Context, domain string) ([]string, *evidence.Failure) {
	services, fail := wire.Services(ctx, "autodiscover", domain)
	var places []string
	for _, s := range services {
		places = append(places, net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port))))
	}
	if fail != nil && fail.Code == evidence.DNSNotFound {
		fail = nil
	}
	return places, fail
}
