package probe

import (
	"cmp"
	"context"
	"crypto/x509"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// Profile authentication types: what the Dynamics e-mail server profile uses.
const (
	ProfileBasic     = "basic"
	ProfileNTLM      = "ntlm"
	ProfileNegotiate = "negotiate"
	ProfileOAuth     = "oauth"
	ProfileAuto      = "auto"
)

// DynamicsUserAgents are the agents under which Dynamics is known to call:
// server-side synchronization itself matches CRM/*, Test Connection was
// recorded as the EWS Managed API's default.
var DynamicsUserAgents = []string{"ExchangeServicesClient/15.00.1076.004", "CRM/9.2"}

// Config is one check: validated, complete, nothing left to look up.
type Config struct {
	URL         *url.URL // nil until Autodiscover has found it for FromAddress
	User        string
	Password    string
	Mailbox     string
	Impersonate bool
	ProfileAuth string // one of the Profile constants
	View        string // inside, public

	Addresses   []string // IP:port to connect to instead of resolving
	EachAddress bool     // every address the resolver gives
	Extra       *x509.CertPool
	Public      *x509.CertPool // looked at with View public
	Insecure    bool
	Proxy       *url.URL

	Timeout          time.Duration
	UserAgent        string
	DynamicsAgents   []string
	NoUserAgentProbe bool
	MaxRejections    int
	RetryRefused     bool
	NoCredentials    bool
	CertWarnDays     int

	// Explain lets a domain controller be asked why the account is refused.
	Explain bool
	// Domain is the DNS name of the account's domain and Controller one of its
	// domain controllers (HOST or HOST:PORT of LDAPS), as the user or this
	// machine names them; "" unknown.
	Domain, Controller string
	Kerberos           Kerberos
	// CurrentUser signs in with the logged-on user of Windows, who is User then.
	CurrentUser bool
	// SecurityContext makes the tokens of that sign-in; nil: SSPI.
	SecurityContext signin.OpenContext
	// Profile is the exported Dynamics profile; nil: none was given.
	Profile *evidence.Profile
	HMA     *HMA   // signs in as a profile for Hybrid Modern Authentication; nil: no token is sent
	Cloud   *Cloud // look-ups outside the network; nil: none
	// Before is what was read of Dynamics before the check, and DynamicsTenant its
	// tenant as the user named it.
	Before         []evidence.Item
	DynamicsTenant string
	// FromAddress is the mailbox address that was given in place of a URL: EWS is
	// to be found by Autodiscover. Autodiscover is the endpoint to ask; nil: with
	// FromAddress the whole search, else nothing. FollowAutodiscover is the leave to
	// sign in at hosts found on the way.
	FromAddress        string
	Autodiscover       *url.URL
	FollowAutodiscover bool
	Accepted           []evidence.Acceptance // what the baseline accepts
	Given              *evidence.Given       // what a command to run again has to carry over
	// Resolver finds hosts; nil is the system's.
	Resolver Resolver

	// Lockout says whether the credential may go; nil: only what this check does
	// is counted.
	Lockout *lockout.Lockout
	// Follow is told each item as it is written; nil nobody.
	Follow func(evidence.Item)
}

// Kerberos is what Kerberos may use beside the password.
type Kerberos struct {
	Realm  string   // "" unknown
	KDCs   []string // host:port of krb5.conf, for the realm
	Keytab []byte   // content of a keytab
	Cache  []byte   // content of a credential cache
	SPN    string   // "" HTTP and the host name
	Named  bool     // the user named the domain, a controller or the service
}

// ntlmFirst says that the profile signs in by NTLM, also inside Negotiate, so that Basic
// only explains a refusal.
func (c Config) ntlmFirst() bool {
	return c.ProfileAuth == ProfileNTLM || c.ProfileAuth == ProfileNegotiate
}

// withKey says that the account signs in with a key or a ticket of Kerberos, and
// no password was given.
func (c Config) withKey() bool { return len(c.Kerberos.Keytab) > 0 || len(c.Kerberos.Cache) > 0 }

// usesTicket says whether a ticket may be got with the password: the user named
// the domain, or the profile's scheme is the one that Kerberos belongs to and
// this machine has a realm.
func (c Config) usesTicket() bool {
	return c.Kerberos.Realm != "" && (c.Kerberos.Named || c.ProfileAuth == ProfileNegotiate)
}

// ticketSource is evidence.Target.Ticket.
func (c Config) ticketSource() string {
	switch {
	case len(c.Kerberos.Keytab) > 0:
		return "keytab"
	case len(c.Kerberos.Cache) > 0:
		return "ccache"
	case !c.CurrentUser && c.usesTicket():
		return "password"
	}
	return ""
}

// sendsCredentials says whether the check may use the credential at all.
func (c Config) sendsCredentials() bool {
	return !c.NoCredentials && c.ProfileAuth != ProfileOAuth && (c.URL == nil || c.URL.Scheme == "https")
}

// SendsPassword says whether there is a password to send, which is what
// Autodiscover is signed in to with.
func (c Config) SendsPassword() bool {
	return c.sendsCredentials() && c.withPassword()
}

// withPassword says that the account signs in with its password, so that a
// refusal is one of that password and is remembered.
func (c Config) withPassword() bool { return !c.withKey() && !c.CurrentUser }

// spn is the name of the service that a ticket or a context is for.
func (c Config) spn() string {
	return cmp.Or(c.Kerberos.SPN, "HTTP/"+strings.ToLower(c.URL.Hostname()))
}

func (c Config) openContext() signin.OpenContext {
	if c.SecurityContext != nil {
		return c.SecurityContext
	}
	return signin.OpenSSPI
}

// NewVault holds the secrets of the configuration.
func (c Config) NewVault() *secret.Vault {
	v := &secret.Vault{}
	v.AddText(c.Password)
	if c.HMA != nil {
		v.AddText(c.HMA.Application.Secret)
	}
	v.AddCredential(c.User, c.Password)
	if c.Password != "" {
		v.AddBytes(ntlm.NTHash(c.Password))
	}
	v.Share(&secret.Known{}) // servers say the same at each step
	return v
}

// Account is the account of the check, whose every logon is asked for.
func (c Config) Account() *lockout.Account {
	l := cmp.Or(c.Lockout, &lockout.Lockout{})
	t := lockout.Terms{User: c.User, Max: c.MaxRejections, RetryRefused: c.RetryRefused, Patience: c.Timeout / 3}
	if c.withPassword() {
		t.Password = c.Password
	}
	return l.Account(t)
}

// Target is what the check is about, as its record will say.
func (c Config) Target() evidence.Target {
	t := evidence.Target{
		Mailbox: c.Mailbox, User: c.User, ProfileAuth: c.ProfileAuth,
		Impersonate: c.Impersonate, View: c.View, Credentials: c.sendsCredentials(), Insecure: c.Insecure,
		Explain: c.Explain, Domain: c.Domain, Ticket: c.ticketSource(), CurrentUser: c.CurrentUser,
		UserAgent: c.UserAgent, CertWarnDays: c.CertWarnDays,
		FollowAutodiscover: c.FollowAutodiscover, FromAddress: c.FromAddress, Accepted: c.Accepted,
		HMA: c.hmaTarget(), Given: c.Given, Zone: time.Now().Format("-07:00"),
	}
	t.PasswordNotASCII = strings.ContainsFunc(c.Password, func(r rune) bool { return r >= utf8.RuneSelf })
	if k := c.Cloud; k != nil {
		t.Cloud, t.Tenant, t.Token = true, k.Tenant, k.mayAskGraph()
		if k.Dynamics != nil {
			t.DynamicsURL = k.Dynamics.String()
		}
	}
	t.DynamicsTenant = c.DynamicsTenant
	if c.URL != nil {
		t.URL, t.Host = c.URL.String(), c.URL.Hostname()
	}
	if c.Autodiscover != nil {
		t.Autodiscover = c.Autodiscover.String()
	}
	return t
}

// Anonymous is a check that asks the anonymous questions alone.
func (c Config) Anonymous() Config {
	c.NoCredentials, c.CurrentUser, c.Explain, c.Cloud, c.Kerberos = true, false, false, nil, Kerberos{}
	return c
}

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
