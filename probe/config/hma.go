package config

import (
	"context"
	"net/url"
	"strings"
	"unicode"

	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe"
)

// maxResource is the length of the column in Dynamics.
const maxResource = 1024

// usesHMA: an application or a token for Hybrid Modern Authentication is given.
func (s *Settings) usesHMA() bool {
	return s.HMAClientID != "" || s.HMACertificate != "" || s.HMAClientSecretFile != "" || s.HMATokenFile != "" ||
		s.HMAResource != "" || s.HMACertificatePasswordFile != ""
}

// readHMA reads the application that signs in as the profile's does; nil: no token
// is sent.
func (s *Settings) readHMA(ctx context.Context, cfg *probe.Config) *probe.HMA {
	if !s.usesHMA() {
		return nil
	}
	s.checkHMA(cfg)
	h := &probe.HMA{
		Application: entra.Application{Tenant: strings.ToLower(strings.TrimSpace(s.Tenant)), ID: strings.ToLower(strings.TrimSpace(s.HMAClientID))},
		Resource:    s.HMAResource, Entra: s.service("entra-url", s.EntraURL, false), Proxy: environmentProxy,
	}
	if s.HMAClientID != "" && !front.IsGUID(h.Application.ID) {
		s.Keys.usage("{hma-client-id} %q is not a GUID; give the Application (client) ID as Entra shows it", s.HMAClientID)
	}
	h.Application.Certificate = s.readCertificate(ctx, "hma-certificate", s.HMACertificate, s.HMACertificatePasswordFile)
	h.Application.Secret = s.readClientSecret(ctx, "hma-client-secret-file", s.HMAClientSecretFile)
	if s.HMATokenFile != "" {
		h.Token = s.readHMAToken(ctx, cfg)
	}
	cfg.Impersonate = cfg.Mailbox != "" || s.Keys.command == "batch"
	if s.Keys.from["user"].rank > byProfile {
		s.Keys.Notes = append(s.Keys.Notes, s.Keys.named("{user} is ignored: the application signs in, not an account"))
	}
	cfg.User = ""
	if cfg.NoCredentials {
		return nil
	}
	return h
}

// checkHMA refuses what contradicts each other.
func (s *Settings) checkHMA(cfg *probe.Config) {
	ks := s.Keys
	refuse := func(wrong bool, text string) {
		if wrong {
			ks.usage(text)
		}
	}
	application := s.HMAClientID != "" || s.HMACertificate != "" || s.HMAClientSecretFile != ""
	refuse(cfg.ProfileAuth != probe.ProfileOAuth && !ks.failed["profile-auth"] && !ks.failed["profile"],
		"the --hma flags are for a profile with Hybrid Modern Authentication; add {profile-auth} oauth")
	refuse(s.HMATokenFile != "" && application,
		"{hma-token-file} brings a token, and {hma-client-id} with its certificate or secret gets one; leave one of them out")
	refuse(s.HMACertificate != "" && s.HMAClientSecretFile != "",
		"{hma-certificate} and {hma-client-secret-file} exclude each other; use one of them")
	refuse(s.HMACertificatePasswordFile != "" && s.HMACertificate == "",
		"{hma-certificate-password-file} needs {hma-certificate} FILE: whose password it is")
	refuse(application && s.HMAClientID == "",
		"{hma-client-id} is missing; give the application (client) ID that the profile in Dynamics has")
	refuse(s.HMAClientID != "" && s.HMACertificate == "" && s.HMAClientSecretFile == "",
		"{hma-client-id} needs {hma-certificate} FILE, or {hma-client-secret-file} FILE for diagnosis: what the application proves itself with")
	refuse(s.HMAClientID != "" && s.Tenant == "",
		"{hma-client-id} needs {tenant} GUID or DOMAIN: the tenant that Exchange is in hybrid with")
	refuse(s.HMAResource != "" && !application && s.HMATokenFile == "",
		"{hma-resource} needs {hma-client-id} GUID, or {hma-token-file} FILE: who signs in")
	resource := s.HMAResource
	switch {
	case len(resource) > maxResource || strings.ContainsFunc(resource, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		ks.usage("{hma-resource} holds blanks or is longer than %d characters; give it like https://mail.contoso.com", maxResource)
	case len(resource) >= 7 && strings.EqualFold(resource[:7], "http://"):
		ks.usage("{hma-resource} begins with http://, and Exchange takes no such token; give it like https://mail.contoso.com")
	}
}

// readHMAToken reads a token that was got elsewhere. One that is for another server
// is not sent.
func (s *Settings) readHMAToken(ctx context.Context, cfg *probe.Config) *entra.Token {
	text := s.readSecret(ctx, "hma-token-file", s.HMATokenFile, isToken,
		"holds a character that no access token has (a space, a second line, a quote?); save the token alone, without the word Bearer")
	if text == "" {
		return nil
	}
	t, err := entra.ReadToken(text)
	if err != nil {
		s.Keys.Invalid("{hma-token-file} %s %v; save the access token alone", s.HMATokenFile, err)
		return nil
	}
	host := func(raw string) string {
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" {
			return strings.ToLower(raw) // an identifier that is no URL
		}
		return strings.ToLower(u.Hostname())
	}
	audience := host(t.Claims.Audience)
	if named := s.HMAResource != "" && audience == host(s.HMAResource); !named && (cfg.URL != nil && audience != strings.ToLower(cfg.URL.Hostname())) {
		s.Keys.Invalid("{hma-token-file} %s holds a token for %q, not for this server; it was not sent. If it is meant for it, name its audience with {hma-resource}",
			s.HMATokenFile, t.Claims.Audience)
		return nil
	}
	return t
}
