package config

import (
	"context"
	"net/http"
	"net/url"

	"github.com/ewsprobe/ewsprobe/ews/entra"
)

func environmentProxy(u *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: u})
}

func (s *Settings) readCertificate(ctx context.Context, key, name, passwordFile string) *entra.Certificate {
	return nil
}

func (s *Settings) readClientSecret(ctx context.Context, key, name string) string { return "" }
