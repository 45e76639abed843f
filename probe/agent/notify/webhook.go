package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/service"
	"github.com/ewsprobe/ewsprobe/probe/config"
)

// mostAddress bounds the file with the address of a web hook, mostAnswer what is
// read of its answer.
const (
	mostAddress = 8 << 10
	mostAnswer  = 64 << 10
)

// webhook is a POST. Its address is a secret: who knows it can write into the
// channel. So no error names it, nor the host in it.
type webhook struct {
	*agentfile.Webhook
	version string
}

func (w webhook) send(ctx context.Context, key string, n Notification) error {
	to, err := hookAddress(ctx, w.URLFile)
	if err != nil {
		return err
	}
	roots, err := trusted(ctx, w.CAFile)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(n.body()))
	if err != nil {
		return errors.New("the address in url_file cannot be used")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "ewsprobe/"+w.version)
	r.Header.Set("Idempotency-Key", key) // the same each time it is tried
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, MaxResponseHeaderBytes: mostAnswer,
	}
	if to.Scheme == "http" {
		transport.Proxy = nil
		transport.DialContext = (&net.Dialer{Control: loopbackOnly}).DialContext
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return whyNoAnswer(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, mostAnswer)) // some count a cut answer as a failure
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return fmt.Errorf("the web hook answers with a redirect (%d), which is not followed: put the final address into url_file", code)
	default:
		return fmt.Errorf("the web hook answers %d %s", code, http.StatusText(code))
	}
}

// hookAddress reads the address of a web hook.
func hookAddress(ctx context.Context, file string) (*url.URL, error) {
	raw, err := config.Read(ctx, service.SecretFile(file), mostAddress)
	if err != nil {
		return nil, fmt.Errorf("url_file %w", err)
	}
	text, err := config.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("url_file %w", err)
	}
	to, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || to.Hostname() == "" || to.Opaque != "":
		return nil, errors.New("url_file does not hold one address like https://HOST/PATH")
	case to.Scheme == "https":
	case to.Scheme != "http":
		return nil, errors.New("the address in url_file must begin with https://")
	case !loopback(to.Hostname()):
		return nil, errors.New("the address in url_file is http: allowed only on this machine (127.0.0.1, ::1, localhost); use https")
	}
	return to, nil
}

// loopback says whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// loopbackOnly keeps to it whatever localhost resolves to.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().IsLoopback() {
		return errors.New("not a loopback address")
	}
	return nil
}

// trusted are the roots of the system and those of a file; nil: the system's alone.
func trusted(ctx context.Context, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := config.Read(ctx, file, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("ca_file %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(raw) {
		return nil, errors.New("ca_file holds no certificate in PEM")
	}
	return roots, nil
}

// whyNoAnswer says why there was no answer, without the address that http.Client and
// the resolver put into their errors.
func whyNoAnswer(err error) error {
	var dns *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return errors.New("its name could not be resolved")
	case errors.As(err, &untrusted):
		return errors.New("its certificate is not trusted here; ca_file names an authority of your own")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the connection was refused")
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("no answer within the time")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return errors.New("the connection ended without an answer")
	}
	return errors.New("the connection failed")
}
