package wire

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Stream opens a verified TLS connection to addr for another protocol than
// HTTP. It ends with ctx, whatever the protocol does on it. The caller closes it.
func (d *Dialer) Stream(ctx context.Context, addr string) (net.Conn, *evidence.TLS, evidence.Timing, *evidence.Failure) {
	o, fail := d.Open(ctx, addr)
	if fail != nil {
		return nil, o.TLS, o.Timing, fail
	}
	return &boundConn{Conn: o.Conn.net, lift: bound(ctx, o.Conn.net)}, o.TLS, o.Timing, nil
}

// boundConn lets go of its context when it is closed.
type boundConn struct {
	net.Conn
	lift func()
}

func (e *boundConn) Close() error {
	e.lift()
	return e.Conn.Close()
}

// Exchange sends one message to addr over TCP and reads one back, each behind
// its length in four bytes, as a KDC is asked (RFC 4120 7.2.2). An answer longer
// than most bytes is not read.
func Exchange(ctx context.Context, addr string, message []byte, most int) ([]byte, evidence.Timing, *evidence.Failure) {
	var timing evidence.Timing
	start := time.Now()
	defer func() { timing.Total = Millis(time.Since(start)) }()
	c, fail := dial(ctx, "connect", addr)
	timing.Connect = Millis(time.Since(start))
	if fail != nil {
		return nil, timing, fail
	}
	defer c.Close()
	defer bound(ctx, c)()
	framed := append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
	if _, err := c.Write(framed); err != nil {
		return nil, timing, Classify(ctx, "write", err)
	}
	var head [4]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, timing, Classify(ctx, "read", err)
	}
	timing.FirstByte = Millis(time.Since(start))
	n := binary.BigEndian.Uint32(head[:])
	if n > uint32(most) {
		return nil, timing, evidence.Fail(evidence.Malformed, "read", "too-long-announced", n, most)
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(c, answer); err != nil {
		return nil, timing, Classify(ctx, "read", err)
	}
	return answer, timing, nil
}

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
