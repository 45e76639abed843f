package config

import (
	"context"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// ReadsDynamics: who reads Dynamics was given, or a part of it.
func (s *Settings) ReadsDynamics() bool {
	return s.DynamicsClientID != "" || s.DynamicsCertificate != "" || s.DynamicsCertificatePasswordFile != "" ||
		s.DynamicsClientSecretFile != "" || s.DynamicsTokenFile != "" || s.ServerProfile != ""
}

// Environment is the environment of Dynamics that is to be read, and who reads it;
// nil: it is not. What is wrong is told before anything is sent, with what the
// command line says wrong so far.
func (s *Settings) Environment(ctx context.Context) (*probe.Environment, error) {
	s.yield()
	if !s.ReadsDynamics() && s.Keys.command != "dynamics" {
		return nil, nil
	}
	ks := s.Keys
	refuse := func(wrong bool, text string) {
		if wrong {
			ks.usage(text)
		}
	}
	application := s.DynamicsClientID != "" || s.DynamicsCertificate != "" || s.DynamicsClientSecretFile != ""
	refuse(s.DynamicsURL == "",
		"{dynamics-url} is missing; give the URL of the environment, like https://contoso.crm4.dynamics.com")
	refuse(!application && s.DynamicsTokenFile == "",
		"{dynamics-client-id} is missing, and so is {dynamics-token-file}: one of them says who reads Dynamics; see `ewsprobe explain dynamics`")
	refuse(application && s.DynamicsTokenFile != "",
		"{dynamics-token-file} brings a token, and {dynamics-client-id} with its certificate or secret gets one; leave one of them out")
	refuse(application && s.DynamicsClientID == "",
		"{dynamics-client-id} is missing: the application whose certificate or secret is given")
	refuse(s.DynamicsClientID != "" && s.DynamicsCertificate == "" && s.DynamicsClientSecretFile == "",
		"{dynamics-client-id} needs {dynamics-certificate} FILE or {dynamics-client-secret-file} FILE: what the application proves itself with")
	refuse(s.DynamicsCertificate != "" && s.DynamicsClientSecretFile != "",
		"{dynamics-certificate} and {dynamics-client-secret-file} exclude each other; use one of them")
	refuse(s.DynamicsCertificatePasswordFile != "" && s.DynamicsCertificate == "",
		"{dynamics-certificate-password-file} needs {dynamics-certificate} FILE: whose password it is")
	address := s.dynamicsMailbox()
	refuse(ks.command == "check" && address == "",
		"{dynamics-url} is read for one mailbox; give {mailbox} ADDRESS, or see them all with `ewsprobe dynamics`")
	e := &probe.Environment{
		URL: s.service("dynamics-url", s.DynamicsURL, true), Entra: s.service("entra-url", s.EntraURL, false),
		Application: entra.Application{
			Tenant: strings.ToLower(strings.TrimSpace(s.DynamicsTenant)), ID: strings.ToLower(strings.TrimSpace(s.DynamicsClientID)),
			Certificate: s.readCertificate(ctx, "dynamics-certificate", s.DynamicsCertificate, s.DynamicsCertificatePasswordFile),
			Secret:      s.readClientSecret(ctx, "dynamics-client-secret-file", s.DynamicsClientSecretFile),
		},
		Token: s.readSecret(ctx, "dynamics-token-file", s.DynamicsTokenFile, isToken,
			"holds a character that no access token has (a space, a second line, a quote?); save the token alone, without the word Bearer"),
		Outside: wire.Outside{Extra: s.readCertificates(ctx), Proxy: environmentProxy, UserAgent: s.UserAgent},
		Mailbox: address, Given: s.given(),
	}
	if t := e.Application.Tenant; t != "" && !front.IsGUID(t) && !isTenantDomain(t) {
		ks.usage("{dynamics-tenant} %q is neither a GUID nor a domain; give it like 72f988bf-0000-0000-0000-2d7cd011db47 or contoso.com",
			s.DynamicsTenant)
	}
	if id := e.Application.ID; id != "" && !front.IsGUID(id) {
		ks.usage("{dynamics-client-id} %q is not a GUID; give the Application (client) ID as Entra shows it", s.DynamicsClientID)
	}
	return e, ks.Err()
}

// dynamicsMailbox is the address whose record is read.
func (s *Settings) dynamicsMailbox() string {
	for _, a := range []string{s.Mailbox, s.Target} {
		if a = strings.TrimSpace(a); address.IsMailbox(a) {
			return a
		}
	}
	return ""
}

// TakeDynamics takes from the profile that Dynamics has what nobody gave. A file
// given with --profile wins.
func (s *Settings) TakeDynamics(p *evidence.Profile) {
	if p != nil && s.Profile == "" {
		s.dynamics = p
	}
}
