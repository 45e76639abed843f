package config

import (
	"context"
	"net/http"
	"net/url"

	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/front"
)

// environmentProxy is the proxy of the environment. EWS goes direct, or by --proxy.
func environmentProxy(u *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: u})
}

// readCertificate reads an application's certificate and key; nil where none is named.
func (s *Settings) readCertificate(ctx context.Context, key, name, passwordFile string) *entra.Certificate {
	password := ""
	if passwordFile != "" {
		f, err := Open(ctx, passwordFile)
		if err != nil {
			s.Keys.Invalid("{"+key+"-password-file} cannot be read (%v)", err)
			return nil
		}
		defer f.Close()
		if password, err = line(f, maxToken); err != nil {
			s.Keys.Invalid("{"+key+"-password-file} %s %v", passwordFile, err)
			return nil
		}
	}
	raw := s.read(ctx, key, name, maxCertificates)
	if raw == nil {
		return nil
	}
	c, err := entra.ReadCertificate(raw, password)
	if err != nil {
		s.Keys.Invalid("{"+key+"} %s %v", name, err)
		return nil
	}
	return c
}

// readClientSecret reads an application's secret; "" where none is named.
func (s *Settings) readClientSecret(ctx context.Context, key, name string) string {
	text := s.readSecret(ctx, key, name, isClientSecret,
		"holds a character that no client secret has (a space, a second line?); save its value alone")
	if front.IsGUID(text) {
		s.Keys.Invalid("{"+key+"} %s holds a GUID, so it is the secret's ID; save its value, which Entra shows only once", name)
	}
	return text
}
