// Package config holds what a check, a batch and a target of the agent are told,
// and by whom. A flag wins over a variable of the environment, a variable over an
// exported Dynamics profile, a profile over the default; the agent's YAML takes the
// place of flags and variables. Everything is validated in one place, and all that
// is wrong is told at once, each under the name by which it was given.
//
// The settings go one way: Output is where reports go, Config is the check, with the
// small files that the settings name, and Password reads the password for it. Nothing
// here dials, prompts or prints.
package config

import (
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Settings are all keys. To add one, add its line here and nothing else: of it are
// made the flag (--client-id, in kebab case), the variable (EWSPROBE_CLIENT_ID), the
// key of the agent's file (client_id), its help, completion, manual page, checks of
// its form and its part of the JSON Schema. TestOneLineForEachKey holds this. What a
// printed command has to carry over has a field of that name in evidence.Given too.
//
//	help     what it is for; values, default and unit are added
//	value    what stands for the value in the help: FILE and FOLDER are completed
//	values   the only ones there are; "-" asks Choices
//	default  where nothing else is said
//	range    the least and the most, for numbers and durations
//	hint     goes behind the complaint about a value out of range
//	in       the commands that have it, in place of its group's; also: beside them
//	common   one of those that --help shows without --help-all: y, or the command where only it does
//	secret   value of what must not be shown
type Settings struct {
	AccountKeys    `group:"Account" in:"check batch agent"`
	MailboxKeys    `group:"Mailbox and profile" in:"check batch agent"`
	ConnectionKeys `group:"Connection" in:"check batch agent"`
	HMAKeys        `group:"Hybrid Modern Authentication" in:"check batch agent"`
	CloudKeys      `group:"Dynamics and cloud" in:"check batch agent"`
	DynamicsKeys   `group:"Reading Dynamics" in:"check batch agent dynamics"`
	SafetyKeys     `group:"Safety" in:"check batch agent"`
	BatchKeys      `group:"Many mailboxes" in:"batch"`
	OutputKeys     `group:"Output" in:"check batch diagnose dynamics"`
	AgentKeys      `group:"Account" in:"check batch"`

	Keys *Keys

	dynamics *evidence.Profile // as Dynamics itself has it; nil: not read
}

// AgentKeys take the rest from the agent's file.
type AgentKeys struct {
	Config string `value:"FILE" help:"use the settings of a target in the agent's configuration FILE; the argument is its name"`
}

// AccountKeys say who signs in and with what.
type AccountKeys struct {
	User                string `common:"y" value:"NAME" help:"the account, DOMAIN\\user or user@domain"`
	PasswordFile        string `common:"y" secret:"FILE" help:"the password is in FILE (-: standard input); else EWSPROBE_PASSWORD, a prompt"`
	PasswordFromKeyring bool   `help:"read the password from the credential store of the operating system (ewsprobe secret set)"`
	PasswordEnv         string `in:"agent" secret:"NAME" help:"read the password from this environment variable of the agent"`
	PasswordCredential  string `in:"agent" secret:"NAME" help:"read the password from this systemd credential"`
	NoCredentials       bool   `common:"check" help:"check only what needs no account (a token for Graph is still sent)"`
	CurrentUser         bool   `help:"sign in as the logged-on user (Windows only)"`
	Keytab              string `secret:"FILE" help:"sign in by Kerberos with the key in FILE, without a password"`
	CCache              string `flag:"ccache" secret:"FILE" help:"sign in by Kerberos with the ticket in the credential cache FILE"`
	SPN                 string `value:"NAME" help:"the service principal name of EWS (default: HTTP/ and the host name)"`
	Domain              string `value:"NAME" help:"the DNS name of the account's domain (default: that of this machine)"`
	DC                  string `value:"HOST[:PORT]" help:"the domain controller to ask, with its port for LDAPS (636)"`
	ExplainRejection    bool   `help:"if the account is refused, ask a domain controller why; costs one logon"`
	UserColumn          string `in:"batch" value:"NAME" help:"the column with the account of each row"`
	PasswordFileColumn  string `in:"batch" value:"NAME" help:"the column with the password file of the row's account"`
	PasswordDir         string `in:"batch" secret:"FOLDER" help:"the folder of the password files; nothing outside it is read"`
}

// MailboxKeys say what Dynamics does with the account.
type MailboxKeys struct {
	Mailbox            string `common:"y" in:"check agent" value:"ADDRESS" help:"the mailbox that Dynamics uses"`
	Impersonate        bool   `common:"y" help:"open the mailbox by impersonation, as the profile does"`
	ProfileAuth        string `common:"y" default:"basic" values:"basic ntlm negotiate oauth auto" help:"how the Dynamics profile signs in"`
	Profile            string `common:"y" value:"FILE" help:"the profile exported from Dynamics; it sets what no flag sets, including TARGET"`
	Autodiscover       string `value:"URL" help:"the Autodiscover endpoint to ask"`
	FollowAutodiscover bool   `help:"also sign in at hosts that Autodiscover names and you did not"`
}

// ConnectionKeys say how EWS is reached.
type ConnectionKeys struct {
	Target            string        `in:"batch agent" common:"y" value:"TARGET" help:"an EWS URL, HOST or HOST:PORT (default: the profile's)"`
	View              string        `default:"inside" values:"inside public" help:"from where the endpoint is seen"`
	Address           []string      `value:"IP[:PORT]" help:"connect to this address, with the host name of TARGET"`
	EachAddress       bool          `help:"check every address of the name"`
	CAFile            string        `also:"dynamics" common:"y" value:"FILE" help:"also trust the certificates in FILE (PEM, DER or PKCS #7)"`
	Insecure          bool          `help:"continue past an untrusted certificate of EWS, and send the password"`
	Proxy             string        `value:"URL" help:"reach EWS through this http proxy"`
	Timeout           time.Duration `also:"dynamics" default:"30s" range:"1s 1h" help:"time limit of the whole check"`
	Watch             bool          `in:"check" help:"ask every few seconds without a logon; check when the answer gets better"`
	WatchFor          time.Duration `in:"check" default:"10m" range:"1s 24h" help:"with --watch: check after this time in any case"`
	UserAgent         string        `also:"dynamics" value:"TEXT" default:"-" help:"the user agent to send"`
	DynamicsUserAgent string        `value:"TEXT" help:"the user agent to try after a 403, instead of the known ones of Dynamics"`
	NoUserAgentProbe  bool          `help:"do not try Dynamics' user agents after a 403"`
	CertWarn          int           `default:"30" range:"0 3650" value:"DAYS" help:"warn when the certificate expires so soon; 0: never"`
}

// HMAKeys say how the application of a profile with Hybrid Modern Authentication
// signs in.
type HMAKeys struct {
	HMAClientID                string `value:"GUID" help:"sign in as the application of the profile; needs --tenant and a certificate"`
	HMACertificate             string `secret:"FILE" help:"the certificate of the application and its key, PEM or PKCS#12 (.pfx)"`
	HMACertificatePasswordFile string `secret:"FILE" help:"read the password of the PKCS#12 file from FILE"`
	HMAClientSecretFile        string `secret:"FILE" help:"a client secret instead, for diagnosis: Dynamics takes only a certificate"`
	HMAResource                string `value:"URI" help:"the Entra resource ID as in the profile; else https:// and the host of the EWS URL"`
	HMATokenFile               string `secret:"FILE" help:"send the access token in FILE, without an application"`
}

// CloudKeys say what is looked up outside the network.
type CloudKeys struct {
	Cloud             bool   `help:"also look up outside the network where the mailbox is and which tenant it is in"`
	DynamicsURL       string `also:"dynamics" common:"y" value:"URL" help:"Dynamics' URL, https://contoso.crm4.dynamics.com: tells the tenant"`
	Tenant            string `value:"GUID|DOMAIN" help:"Dynamics' tenant (with --hma-client-id: Exchange's); implies --cloud, as all here"`
	TokenFile         string `secret:"FILE" help:"ask Microsoft Graph about the user, with the access token in FILE"`
	ClientID          string `value:"GUID" help:"ask Microsoft Graph as this application of --tenant; needs its secret"`
	ClientSecretFile  string `secret:"FILE" help:"read the application's client secret from FILE"`
	EntraURL          string `also:"dynamics" value:"URL" default:"https://login.microsoftonline.com" help:"where Entra is asked with secrets"`
	ExchangeOnlineURL string `value:"URL" default:"https://outlook.office365.com" help:"the URL of Exchange Online"`
	GraphURL          string `value:"URL" default:"https://graph.microsoft.com" help:"the URL of Microsoft Graph; the token is sent there"`
}

// DynamicsKeys say who reads Dynamics itself.
type DynamicsKeys struct {
	DynamicsClientID                string `common:"y" value:"GUID" help:"read Dynamics as this application; needs its certificate or secret"`
	DynamicsCertificate             string `common:"y" secret:"FILE" help:"that application's certificate and its key, PEM or PKCS#12 (.pfx)"`
	DynamicsCertificatePasswordFile string `secret:"FILE" help:"read the password of the PKCS#12 file from FILE"`
	DynamicsClientSecretFile        string `common:"y" secret:"FILE" help:"read the client secret of that application from FILE"`
	DynamicsTenant                  string `value:"GUID|DOMAIN" help:"the tenant of that application (default: the one that Dynamics names)"`
	DynamicsTokenFile               string `common:"y" secret:"FILE" help:"read Dynamics with the access token in FILE instead"`
	ServerProfile                   string `in:"batch agent" value:"NAME" help:"whose mailboxes are read; else the one for your own Exchange"`
}

// SafetyKeys keep an account from being locked out.
type SafetyKeys struct {
	MaxRejections int  `default:"2" range:"1 10" hint:", or {no-credentials}" help:"how many logons may be refused in 60 minutes, in all runs"`
	RetryRefused  bool `help:"send the password even if it was refused within the last 60 minutes"`
}

// BatchKeys say which rows are checked and how many at a time.
type BatchKeys struct {
	Column            string        `in:"batch agent" value:"NAME" common:"y" help:"the column of addresses; else that of Dynamics' export"`
	Concurrency       int           `in:"batch agent" default:"10" range:"1 100" hint:" (Exchange allows 27)" help:"how many calls at a time"`
	TimeoutPerMailbox time.Duration `in:"batch agent" default:"10m" range:"1s 24h" help:"how long to try a busy or silent mailbox"`
	Resume            string        `value:"STATE" common:"y" help:"record in STATE what was reported; the same command continues from there"`
	AllRows           bool          `help:"with --format text: also print the rows that are ok or not checked"`
	Shard             string        `value:"i/n" help:"check only part i of n: the same rows on every machine, duplicates together"`
}

// OutputKeys say what is given out and where to.
type OutputKeys struct {
	Format   string   `common:"y" default:"text" values:"-" help:"what to print"`
	Save     []string `common:"y" value:"FILE" help:"also write the report to FILE; its extension sets the format"`
	Baseline string   `in:"check batch diagnose agent" value:"FILE" help:"accepted findings (YAML), which no longer decide the status"`
	Redact   bool     `help:"replace names, addresses and identifiers by numbered placeholders in every output"`
	Verbose  int      `flag:"v" help:"print the whole report, and each step on standard error; -vv also prints the wire, secrets masked"`
}

// Choices are the values of a key that another package has.
func (s *Settings) Choices(key string) []string {
	if key == "format" {
		return report.FormatNames()
	}
	return nil
}

// New are the settings of a command, with every default.
func New(command, version string) *Settings {
	s := &Settings{}
	s.Init(s, command, version)
	return s
}

// Init gives every default to the keys of a struct that the settings are embedded
// in, which may have more.
func (s *Settings) Init(of any, command, version string) {
	s.Keys = KeysOf(of, command)
	s.UserAgent = "ewsprobe/" + version
	if k := s.Keys.Find("user-agent"); k != nil {
		k.Default = s.UserAgent
	}
	if k := s.Keys.Find("timeout"); k != nil && command == "dynamics" {
		s.Timeout, k.Default = 5*time.Minute, "5m" // an environment has tens of thousands of mailboxes
	}
	if k := s.Keys.Find("save"); k != nil {
		k.Help += " (" + OneOf(s.Keys.extensions(), "or") + ")"
	}
}

// Watches says whether the server is to be watched before the check: --watch-for alone
// says so too, its variable does not.
func (s *Settings) Watches() bool { return s.Watch || s.Keys.from["watch-for"].rank == byFlag }

// Given says whether somebody gave a key its value.
func (s *Settings) Given(key string) bool { return s.Keys.Given(key) }

// Given says whether somebody gave a key its value.
func (ks *Keys) Given(key string) bool { return ks.from[key] != (origin{}) }

// Weak says that nobody gave a key its value but what other mappings may overrule.
func (ks *Keys) Weak(key string) bool { return ks.from[key].rank < byFlag }
