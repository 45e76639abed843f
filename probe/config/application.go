package config

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// environmentProxy is the proxy of the environment. EWS goes direct, or by --proxy.
func environmentProxy(u *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: u})
}

// proof are the keys that say who asks: an application of Entra with what it proves
// itself with, or a token got elsewhere.
type proof struct {
	ID, Certificate, Password, Secret, Token string // the values; all but the first name files
	prefix                                   string // of the keys: "hma-", "dynamics-" or ""
	keys                                     *Keys
}

func (s *Settings) proof(prefix string) proof {
	value := func(key string) string {
		if k := s.Keys.Find(prefix + key); k != nil {
			return k.field.String()
		}
		return ""
	}
	id := value("client-id")
	return proof{
		strings.ToLower(cmp.Or(strings.TrimSpace(id), id)), // blanks alone are no GUID, and not nothing
		value("certificate"), value("certificate-password-file"), value("client-secret-file"), value("token-file"), prefix, s.Keys,
	}
}

// Application: there is one, or a part of one.
func (p proof) Application() bool { return p.ID != "" || p.Certificate != "" || p.Secret != "" }

// TakesCertificate: it can prove itself by a certificate.
func (p proof) TakesCertificate() bool { return p.keys.Find(p.prefix+"certificate") != nil }

// check refuses what is missing or contradicts each other. In the rules the keys have no
// prefix.
func (p proof) check() {
	for _, sentence := range sentences("proof", p) {
		p.keys.usage(strings.ReplaceAll(sentence, "{", "{"+p.prefix))
	}
	if p.ID != "" && !front.IsGUID(p.ID) {
		p.keys.usage("{"+p.prefix+"client-id} %q is not a GUID; give the Application (client) ID as Entra shows it", p.ID)
	}
}

// read reads the application's certificate or secret.
func (p proof) read(ctx context.Context, s *Settings) (app entra.Application) {
	app.ID = p.ID
	secretKey := p.prefix + "client-secret-file"
	app.Secret = s.readSecret(ctx, secretKey, p.Secret, isClientSecret,
		"is not a client secret: it contains a space or a second line; save its value alone")
	if front.IsGUID(app.Secret) {
		p.keys.Invalid("{"+secretKey+"} %s holds the ID of the secret (a GUID); save its value, which Entra shows only once", p.Secret)
	}
	password := ""
	if p.Password != "" {
		var err error
		if password, err = readLine(ctx, p.Password, maxToken); err != nil {
			p.keys.Invalid("{"+p.prefix+"certificate-password-file} %s %v", p.Password, err)
			return app
		}
	}
	key := p.prefix + "certificate"
	if raw := s.read(ctx, key, p.Certificate, maxCertificates); raw != nil {
		var err error
		if app.Certificate, err = entra.ReadCertificate(raw, password); err != nil {
			p.keys.Invalid("{"+key+"} %s %v", p.Certificate, err)
		}
	}
	return app
}

// readToken reads a token that was got elsewhere.
func (p proof) readToken(ctx context.Context, s *Settings) string {
	return s.readSecret(ctx, p.prefix+"token-file", p.Token, isToken,
		"is not an access token: it contains a space, a quote or a second line; save the token alone, without the word Bearer")
}

// readSecret reads a token or a client secret as a password is read.
func (s *Settings) readSecret(ctx context.Context, key, name string, form func(string) bool, wrong string) string {
	if name == "" {
		return ""
	}
	text, err := readLine(ctx, name, maxToken)
	switch {
	case err != nil:
		s.Keys.Invalid("{"+key+"} %s %v", name, err)
	case len(text) < shortestToken:
		s.Keys.Invalid("{"+key+"} %s has only %d characters, too few for a token or a secret; is it the right file?", name, len(text))
	case !form(text):
		s.Keys.Invalid("{"+key+"} %s %s", name, wrong)
	default:
		return text
	}
	return ""
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

// readTenant reads a tenant: a GUID, or a domain to look up.
func (s *Settings) readTenant(key, text string) string {
	tenant := strings.ToLower(strings.TrimSpace(text))
	if tenant != "" && !front.IsGUID(tenant) && !isTenantDomain(tenant) {
		s.Keys.usage("{"+key+"} %q is neither a GUID nor a domain; give it like 72f988bf-0000-0000-0000-2d7cd011db47 or contoso.com", text)
	}
	return tenant
}

// readCloud reads what is looked up outside the network; nil: nothing.
func (s *Settings) readCloud(ctx context.Context, login *url.URL) *probe.Cloud {
	p := s.proof("")
	p.check()
	s.Keys.refuse("cloud", s)
	k := &probe.Cloud{
		Entra: login, ExchangeOnline: s.service("exchange-online-url", s.ExchangeOnlineURL, false),
		Graph: s.service("graph-url", s.GraphURL, false), Dynamics: s.service("dynamics-url", s.DynamicsURL, true),
		Tenant: s.readTenant("tenant", s.Tenant), ClientID: p.ID, Token: p.readToken(ctx, s), ClientSecret: p.read(ctx, s).Secret,
		Proxy: environmentProxy,
	}
	if s.usesHMA() { // then it is the tenant of Exchange
		k.Tenant, k.ClientTenant = "", k.Tenant
	}
	if !s.Cloud && k.Dynamics == nil && k.Tenant == "" && k.Token == "" {
		return nil
	}
	return k
}

// usesHMA: an application or a token for Hybrid Modern Authentication is given.
func (s *Settings) usesHMA() bool {
	p := s.proof("hma-")
	return p.Application() || p.Token != "" || p.Password != "" || s.HMAResource != ""
}

// maxResource is the length of the column in Dynamics.
const maxResource = 1024

// readHMA reads the application that signs in as the profile's does; nil: no token
// is sent.
func (s *Settings) readHMA(ctx context.Context, cfg *probe.Config, login *url.URL) *probe.HMA {
	if !s.usesHMA() {
		return nil
	}
	ks, p, resource := s.Keys, s.proof("hma-"), s.HMAResource
	ks.refuse("hma", facts{s, cfg})
	p.check()
	blank := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	switch {
	case len(resource) > maxResource || strings.ContainsFunc(resource, blank):
		ks.usage("{hma-resource} contains blanks or is longer than %d characters; give it like https://mail.contoso.com", maxResource)
	case strings.HasPrefix(strings.ToLower(resource), "http://"):
		ks.usage("{hma-resource} begins with http://, and Exchange accepts no such token; give it like https://mail.contoso.com")
	}
	h := &probe.HMA{Application: p.read(ctx, s), Resource: resource, Entra: login, Proxy: environmentProxy}
	h.Application.Tenant = strings.ToLower(strings.TrimSpace(s.Tenant))
	if p.Token != "" {
		h.Token = s.readHMAToken(ctx, cfg, p)
	}
	cfg.Impersonate = cfg.Mailbox != "" || ks.command == "batch"
	if ks.from["user"].rank > byProfile {
		ks.Notes = append(ks.Notes, ks.named("{user} is ignored: the application signs in, not an account"))
	}
	cfg.User = ""
	if cfg.NoCredentials {
		return nil
	}
	return h
}

// readHMAToken reads a token that was got elsewhere. One that is for another server
// is not sent.
func (s *Settings) readHMAToken(ctx context.Context, cfg *probe.Config, p proof) *entra.Token {
	text := p.readToken(ctx, s)
	if text == "" {
		return nil
	}
	t, err := entra.ReadToken(text)
	if err != nil {
		s.Keys.Invalid("{hma-token-file} %s %v", s.HMATokenFile, err)
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
	named := s.HMAResource != "" && audience == host(s.HMAResource)
	if !named && cfg.URL != nil && audience != strings.ToLower(cfg.URL.Hostname()) {
		s.Keys.Invalid("{hma-token-file} %s has a token for %q, not for this server; it was not sent; "+
			"if it is the right one, give {hma-resource} with that audience", s.HMATokenFile, t.Claims.Audience)
		return nil
	}
	return t
}

// ReadsDynamics: who reads Dynamics was given, or a part of it.
func (s *Settings) ReadsDynamics() bool {
	p := s.proof("dynamics-")
	return p.Application() || p.Token != "" || p.Password != "" || s.ServerProfile != ""
}

// Environment is the environment of Dynamics that is to be read, and who reads it;
// nil: it is not. What is wrong is told before anything is sent, with what the
// command line says wrong so far.
func (s *Settings) Environment(ctx context.Context) (*probe.Environment, error) {
	s.yield()
	ks, p, mailbox := s.Keys, s.proof("dynamics-"), s.dynamicsMailbox()
	ofBatch := ks.command == "check" && s.AgentKeys.Config != "" && mailbox == "" // the target has it for its list
	if !s.ReadsDynamics() && ks.command != "dynamics" || ofBatch {
		return nil, nil
	}
	ks.refuse("environment", facts{Settings: s})
	p.check()
	e := &probe.Environment{
		URL: s.service("dynamics-url", s.DynamicsURL, true), Entra: s.service("entra-url", s.EntraURL, false),
		Application: p.read(ctx, s), Token: p.readToken(ctx, s),
		Outside: wire.Outside{Extra: s.readCertificates(ctx), Proxy: environmentProxy, UserAgent: s.UserAgent},
		Mailbox: mailbox, ProfileAuth: s.ProfileAuth, Timeout: s.Timeout, Given: s.given(),
	}
	e.Application.Tenant = s.readTenant("dynamics-tenant", s.DynamicsTenant)
	return e, ks.Err()
}

// dynamicsMailbox is the address whose record is read.
func (s *Settings) dynamicsMailbox() string {
	for _, a := range []string{address.Clean(s.Mailbox), strings.TrimSpace(s.Target)} {
		if address.IsMailbox(a) {
			return a
		}
	}
	return ""
}

// TakeDynamics takes from the profile that Dynamics has what was not given; nil: it has
// none. A file given with --profile wins. It says whether there is something to check
// now.
func (s *Settings) TakeDynamics(p *evidence.Profile) bool {
	if p != nil && s.Profile == "" {
		s.dynamics = p
	}
	return p != nil || s.Profile != "" || s.Given("target")
}
