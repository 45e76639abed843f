// Package outbound is how the agent asks what is no Exchange: web hooks and other
// agents. One request, no redirect, over TLS, with an end.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/probe/config"
)

const (
	maxHeader     = 64 << 10        // of an answer
	localPatience = 5 * time.Second // for an agent on this machine
)

// Client is for one request to an address. Only an address on this machine may be
// http, and then nothing beyond this machine is reached, whatever its name means.
func Client(ctx context.Context, to *url.URL, caFile string) (*http.Client, error) {
	roots, err := Trusted(ctx, caFile)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader,
	}
	if to.Scheme != "https" {
		transport.Proxy = nil
		transport.DialContext = (&net.Dialer{Control: loopbackOnly}).DialContext
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, CheckRedirect: noRedirect}, nil
}

func loopbackOnly(_, address string, _ syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().IsLoopback() {
		return errors.New("not a loopback address")
	}
	return nil
}

// Trusted are the roots of the system and those of a file; nil: the system's alone.
func Trusted(ctx context.Context, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	return roots, config.AddCertificates(ctx, roots, file)
}

// Why says why there was no answer, without the address, which http.Client and the
// resolver put into their errors and which may be a secret.
func Why(err error) error {
	var dns *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return errors.New("its name cannot be resolved")
	case errors.As(err, &untrusted):
		return errors.New("its certificate is not trusted; give your own authority with ca_file")
	case wire.Errno(err) == syscall.ECONNREFUSED:
		return errors.New("the connection was refused")
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("it did not answer in time")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		wire.Errno(err) == syscall.ECONNRESET, wire.Errno(err) == syscall.ECONNABORTED:
		return errors.New("the connection was closed without an answer")
	}
	return errors.New("the connection failed")
}

// Local asks the agent that listens on this machine at an address of its
// configuration, and returns the status of its answer. No credential is sent, so
// which certificate it has does not matter.
func Local(ctx context.Context, method, listen, path string) (status int, err error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return 0, err
	}
	if ip, wrong := netip.ParseAddr(host); host == "" || wrong == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, localPatience)
	defer cancel()
	for _, scheme := range []string{"https://", "http://"} {
		r, wrong := http.NewRequestWithContext(ctx, method, scheme+net.JoinHostPort(host, port)+path, nil)
		if wrong != nil {
			return 0, wrong
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
		answer, wrong := transport.RoundTrip(r)
		if wrong == nil {
			answer.Body.Close()
			return answer.StatusCode, nil
		}
		err = Why(wrong)
	}
	return 0, err
}
