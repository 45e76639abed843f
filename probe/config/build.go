package config

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/kerberos"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/baseline"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// How large a file may be, each far above what is usual.
const (
	maxCertificates = 8 << 20 // the bundle of a whole system has some hundred kilobytes
	maxProfile      = 8 << 20 // a row has some kilobytes
	maxBaseline     = 1 << 20
	maxKerberosFile = 1 << 20
	maxToken        = 32 << 10 // some kilobytes, by group memberships
)

// shortestToken is far below any access token and any secret that Entra makes (40
// characters); a shorter text could not be kept out of a report, because every text
// may hold it by chance.
const shortestToken = 8

// Config is what the settings come to, without the password: validated and
// complete. The error is Problems, of the sources too.
func (s *Settings) Config(ctx context.Context, getenv func(string) string) (probe.Config, error) {
	s.yield()
	profile := s.readProfile(ctx)
	cfg := probe.Config{
		User: s.User, Mailbox: s.Mailbox, Impersonate: s.Impersonate, ProfileAuth: s.ProfileAuth, View: s.View, EachAddress: s.EachAddress,
		Insecure: s.Insecure, Timeout: s.Timeout, UserAgent: s.UserAgent, NoUserAgentProbe: s.NoUserAgentProbe, MaxRejections: s.MaxRejections,
		RetryRefused: s.RetryRefused, NoCredentials: s.NoCredentials, CertWarnDays: s.CertWarn, DynamicsAgents: probe.DynamicsUserAgents,
		FollowAutodiscover: s.FollowAutodiscover, CurrentUser: s.CurrentUser, Explain: s.ExplainRejection, Profile: profile,
	}
	if s.DynamicsUserAgent != "" {
		cfg.DynamicsAgents = []string{s.DynamicsUserAgent}
	}
	for key, agent := range map[string]string{"user-agent": s.UserAgent, "dynamics-user-agent": s.DynamicsUserAgent} {
		if strings.ContainsFunc(agent, unicode.IsControl) || agent != "" && strings.TrimSpace(agent) == "" {
			s.Keys.usage("{" + key + "} must be a line of text; leave it out for the usual one")
		}
	}
	switch {
	case s.Target != "" || s.Given("target"):
		s.parseTarget(&cfg)
	case !s.Keys.failed["profile"]:
		s.Keys.usage("{target} is missing; give the EWS URL or the host name, or {profile} FILE, see `ewsprobe %s --help`", s.Keys.command)
	}
	cfg.Addresses = nil
	s.parseAddresses(&cfg)
	cfg.Proxy, cfg.Autodiscover = s.parseProxy(), s.parseAutodiscover()
	s.checkAccount(&cfg)
	s.checkTogether(&cfg)
	if s.Keys.command == "batch" {
		s.checkBatch(&cfg)
	}
	cfg.HMA = s.readHMA(ctx, &cfg)
	cfg.Extra = s.readCertificates(ctx)
	cfg.Cloud = s.readCloud(ctx)
	cfg.Accepted = s.ReadBaseline(ctx)
	s.findDomain(ctx, getenv, &cfg)
	if cfg.View == "public" {
		cfg.Public = PublicRoots()
	}
	cfg.DynamicsTenant = strings.ToLower(strings.TrimSpace(s.DynamicsTenant))
	cfg.Given = s.given()
	return cfg, s.Keys.Err()
}

// read reads the file that a key names, nil where none is named.
func (s *Settings) read(ctx context.Context, key, name string, limit int) []byte {
	if name == "" {
		return nil
	}
	raw, err := Read(ctx, name, limit)
	if err == nil && len(raw) == 0 {
		err = fileError("is empty")
	}
	if err != nil {
		s.Keys.Invalid("{"+key+"} %s %v", name, err)
		return nil
	}
	return raw
}

// ReadBaseline reads the accepted findings.
func (s *Settings) ReadBaseline(ctx context.Context) []evidence.Acceptance {
	raw := s.read(ctx, "baseline", s.Baseline, maxBaseline)
	if raw == nil {
		return nil
	}
	text, err := Decode(raw)
	if err != nil {
		s.Keys.Invalid("{baseline} %s %v", s.Baseline, err)
		return nil
	}
	list, err := baseline.Parse(text)
	if err != nil {
		s.Keys.Invalid("{baseline} %s: %v", s.Baseline, err)
	}
	return list
}

func (s *Settings) readCertificates(ctx context.Context) *x509.CertPool {
	pool, err := ReadCertificates(ctx, s.CAFile)
	if err != nil {
		s.Keys.Invalid("{ca-file} %v", err)
	}
	return pool
}

// ReadCertificates reads PEM, or DER as the Windows certificate export offers first;
// nil without a name. The error is the rest of a sentence.
func ReadCertificates(ctx context.Context, name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil
	}
	raw, err := Read(ctx, name, maxCertificates)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %w", name, err)
	case len(raw) == 0:
		return nil, fmt.Errorf("%s is empty", name)
	}
	pool, n := x509.NewCertPool(), 0
	if cert, err := x509.ParseCertificate(raw); err == nil {
		pool.AddCert(cert)
		return pool, nil
	}
	if text, err := Decode(raw); err == nil {
		raw = []byte(text) // without a byte order mark
	}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s holds a certificate that cannot be read; export it again, as X.509", name)
		}
		pool.AddCert(cert)
		n++
	}
	if n == 0 {
		return nil, fmt.Errorf("%s holds no certificate; export it as X.509, Base-64 encoded (PEM) or DER", name)
	}
	return pool, nil
}

// PublicRoots are the roots that Mozilla's programme trusts, as the Go project
// publishes them: those of this machine may hold the company's own.
func PublicRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		if cert, err := x509.ParseCertificate(root.Certificate); err == nil {
			if root.Constraint != nil {
				pool.AddCertWithConstraint(cert, root.Constraint)
			} else {
				pool.AddCert(cert)
			}
		}
	}
	return pool
}

// readCloud reads what is looked up outside the network; nil: nothing.
func (s *Settings) readCloud(ctx context.Context) *probe.Cloud {
	k := &probe.Cloud{
		Entra: s.service("entra-url", s.EntraURL, false), ExchangeOnline: s.service("exchange-online-url", s.ExchangeOnlineURL, false),
		Graph: s.service("graph-url", s.GraphURL, false), Dynamics: s.service("dynamics-url", s.DynamicsURL, true),
		Tenant: strings.ToLower(strings.TrimSpace(s.Tenant)), ClientID: strings.ToLower(strings.TrimSpace(s.ClientID)),
		Proxy: environmentProxy,
	}
	if k.Tenant != "" && !front.IsGUID(k.Tenant) && !isTenantDomain(k.Tenant) {
		s.Keys.usage("{tenant} %q is neither a GUID nor a domain; give it like 72f988bf-0000-0000-0000-2d7cd011db47 or contoso.com", s.Tenant)
	}
	if k.ClientID != "" && !front.IsGUID(k.ClientID) {
		s.Keys.usage("{client-id} %q is not a GUID; give the Application (client) ID as Entra shows it", s.ClientID)
	}
	k.Token = s.readSecret(ctx, "token-file", s.TokenFile, isToken,
		"holds a character that no access token has (a space, a second line, a quote?); save the token alone, without the word Bearer")
	k.ClientSecret = s.readClientSecret(ctx, "client-secret-file", s.ClientSecretFile)
	if s.usesHMA() { // then it is the tenant of Exchange
		k.Tenant, k.ClientTenant = "", k.Tenant
	}
	if !s.Cloud && k.Dynamics == nil && k.Tenant == "" && k.Token == "" {
		return nil
	}
	return k
}

// isTenantDomain: a domain in its xn-- form if international.
func isTenantDomain(s string) bool {
	return address.IsDomain(s) && address.IsHost(s) && !strings.HasSuffix(s, ".") && !strings.Contains(s, "_")
}

// isToken is RFC 6750 section 2.1: nothing else may stand in the header.
func isToken(s string) bool {
	return !strings.ContainsFunc(strings.TrimRight(s, "="), func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._~+/-", r)
	})
}

// isClientSecret is RFC 6749 appendix A.2 without the space: Entra makes none with
// one, but an editor leaves one at the end.
func isClientSecret(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' })
}

// readSecret reads a token or a client secret as a password is read.
func (s *Settings) readSecret(ctx context.Context, key, name string, form func(string) bool, wrong string) string {
	if name == "" {
		return ""
	}
	f, err := Open(ctx, name)
	if err != nil {
		s.Keys.Invalid("{"+key+"} cannot be read (%s: %s)", name, Reason(err))
		return ""
	}
	defer f.Close()
	text, err := line(f, maxToken)
	switch {
	case err != nil:
		s.Keys.Invalid("{"+key+"} %s %v", name, err)
	case len(text) < shortestToken:
		s.Keys.Invalid("{"+key+"} %s has only %d characters, which none has; is it the right file?", name, len(text))
	case !form(text):
		s.Keys.Invalid("{"+key+"} %s %s", name, wrong)
	default:
		return text
	}
	return ""
}

// readKerberos reads a keytab or a credential cache.
func (s *Settings) readKerberos(ctx context.Context, key, name string) []byte {
	if kind, _, typed := strings.Cut(name, ":"); key == "ccache" && typed && cacheTypes(kind) {
		s.Keys.Invalid("{ccache} %s is a cache of type %s, which only the system's Kerberos library can read; "+
			"get a ticket into a file with `kinit -c FILE:/tmp/krb5cc_ewsprobe USER`, then give {ccache} FILE:/tmp/krb5cc_ewsprobe", name, kind)
		return nil
	}
	raw := s.read(ctx, key, strings.TrimPrefix(name, "FILE:"), maxKerberosFile)
	if raw == nil {
		return nil
	}
	var err error
	if key == "keytab" {
		_, err = kerberos.ReadKeytab(raw)
	} else {
		_, err = kerberos.ReadCCache(raw)
	}
	if err != nil {
		s.Keys.Invalid("{"+key+"} %s cannot be used: %v", name, err)
		return nil
	}
	return raw
}

// cacheTypes are the types of credential caches of MIT krb5 and Heimdal that are no
// file.
func cacheTypes(kind string) bool {
	switch kind {
	case "KEYRING", "KCM", "DIR", "API", "MEMORY", "MSLSA", "SCC", "XCACHE", "KCC":
		return true
	}
	return false
}
