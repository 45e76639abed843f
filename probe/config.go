package probe

import (
	"crypto/x509"
	"net/url"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Profile authentication types: what the Dynamics e-mail server profile uses.
const (
	ProfileBasic     = "basic"
	ProfileNTLM      = "ntlm"
	ProfileNegotiate = "negotiate"
	ProfileOAuth     = "oauth"
	ProfileAuto      = "auto"
)

// Defaults of a check.
const (
	DefaultTimeout       = 30 * time.Second
	DefaultMaxRejections = 2
	DefaultCertWarnDays  = 30
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

	// FromAddress is the mailbox address that was given in place of a URL: EWS is
	// to be found by Autodiscover. Autodiscover is the endpoint to ask; nil: with
	// FromAddress the ladder, else nothing. FollowAutodiscover is the leave to
	// sign in at hosts found on the way.
	FromAddress        string
	Autodiscover       *url.URL
	FollowAutodiscover bool
	// Resolver finds hosts; nil is the system's.
	Resolver Resolver

	// Memory of refused passwords; nil remembers nothing.
	Memory *Memory
	// Follow is told each item as it is written; nil nobody.
	Follow func(evidence.Item)
}

// sendsCredentials says whether the check may use the credential at all.
func (c Config) sendsCredentials() bool {
	return !c.NoCredentials && c.ProfileAuth != ProfileOAuth && (c.URL == nil || c.URL.Scheme == "https")
}

func (c Config) target() evidence.Target {
	t := evidence.Target{
		Mailbox: c.Mailbox, User: c.User, ProfileAuth: c.ProfileAuth,
		Impersonate: c.Impersonate, View: c.View, Credentials: c.sendsCredentials(), Insecure: c.Insecure,
		UserAgent: c.UserAgent, CertWarnDays: c.CertWarnDays,
		FollowAutodiscover: c.FollowAutodiscover, FromAddress: c.FromAddress,
	}
	if c.URL != nil {
		t.URL, t.Host = c.URL.String(), c.URL.Hostname()
	}
	if c.Autodiscover != nil {
		t.Autodiscover = c.Autodiscover.String()
	}
	return t
}
