package finding

import (
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
)

// Place is a server: its name, and its address where several servers of that name
// were asked.
type Place struct {
	Host    string
	Address string
}

func (p Place) String() string {
	if p.Address == "" {
		return p.Host
	}
	return p.Host + " at " + p.Address
}

// Params are the parameters of the sentences of findings and causes. A rule sets
// those that its sentence needs, the rest stays empty. That a template names no
// other, and that each is named by one, is tested.
type Params struct {
	// The endpoint.
	Host        string
	At          Place
	Address     string
	Places      []string // where it holds, if not everywhere
	URL         string
	Usual       string // where EWS is by default, where another path was given
	Old         string // Exchange, where it is older than what Dynamics supports
	View        string // inside, public
	FrontEnd    string
	Device      string // the kind of device that seems to stand in front
	Sign        string // by what it was recognised
	Differences []Difference
	Part        Part             // of the connections
	Lost        []*evidence.Item // requests whose connections ended without an answer

	// An answer, or none.
	Times       string // of the requests that a finding rests on
	From        string // the address of this machine that they came from
	Asked       string // what was asked: call, anonymous, or the scheme of a logon
	Status      int    // HTTP
	Phrase      string // the reason phrase of the status
	Error       string // of the network, or why an answer cannot be read
	Errors      []string
	Phase       string // in which the time ran out
	Header      string // the value of the header that decides
	Location    string
	Page        string   // the title of a page
	Empty       bool     // the answer has no body
	SignIn      string   // the kind of a sign-in page
	SameURL     bool     // a redirect leads to the URL that was asked
	Inherited   bool     // or to Outlook on the web at the same host
	Refusers    []string // the front ends that refused a logon
	Bytes       int64
	RetryAfter  string
	Wait        time.Duration
	Notice      evidence.Notice // what an answer says of itself
	Failed      front.Failed    // what Exchange's front end says of a failure
	Realm       string
	BackEnd     string
	OverHTTP    bool
	Kernel      bool   // HTTP.sys answered, before any site of IIS
	IIS         string // it answered, without a header of Exchange: its version, or "page" by its own page
	Unsigned    bool   // no header names the sender
	SignedIn    bool   // the sign-in was accepted
	NotExchange bool   // nothing in the answer shows Exchange
	Skew        time.Duration
	Behind      bool // the clock of the server, not ahead

	// Schemes and logons.
	Scheme     string
	Schemes    []string // tried, or offered
	Count      int      // of logons
	Accepted   string   // the scheme that accepts what another refuses
	By         string   // where it did, if elsewhere
	Account    string
	Other      string   // the name in another form
	Form       string   // of the account's name: upn, domain, bare
	Agents     []string // user agents that are refused
	Passed     []string // and those that are not
	Only       string   // the one scheme, or the kind of schemes, that could be tried
	Secret     string   // password, key
	Windows    string   // the binding of the logged-on user's logon: right, none
	NotASCII   bool     // the password has characters that are not ASCII
	Unheard    bool     // no credential seems to arrive
	Unbound    bool     // a logon without a channel binding was tried too
	Result     string   // of a logon
	Open       bool     // the reason stays open
	Reason     string   // of a refusal
	Certainty  Confidence
	Directory  Directory
	KDC        evidence.Kerberos
	Service    string // a service principal name
	Handshake  Handshake
	Unverified bool // that the mailbox was not the account's own

	// TLS.
	Problems    []string
	TLS         string
	Suite       string
	Issuer      string
	Certificate string // its hash
	Second      string // that of another one
	Until       time.Time
	Left        time.Duration
	Inspector   string // the product that seems to inspect TLS on the way out
	Server      string // that made the certificate for itself
	Alert       string // the number of a TLS alert

	// The mailbox, and what is known outside.
	Mailbox       string
	Mailboxes     []string
	Primary       string
	PrimaryBy     string // who says so: refusal, book, autodiscover, both, differently
	Differs       string // what Autodiscover says, where that is another one
	Code          string // of EWS
	Inner         string
	Message       string
	Means         string // the code whose meaning is told (ews-codes.yaml)
	Twice         bool
	NoGUID        bool // Exchange looked for the mailbox by its GUID
	Cut           bool // the end of the answer is missing
	Row           bool // of a batch, which has no detail
	Source        Source
	Target        string // where Autodiscover sends clients
	DiscoveryCode string
	Entry         string // the type of an entry of the address book
	Routes        string
	Entries       int
	Located       string         // what is known of the mailbox's place
	Redirect      string         // where else Exchange Online says that it is
	Query         *evidence.Item // a look-up outside the network that brought no fact
	Gaps          []Gap
	Plans         []Plan
	Tenants       Tenants
	Domain        string
	HeldBack      string
	Steps         []string       // of Autodiscover
	Ends          *evidence.Item // the one that says why it leads nowhere
	Missing       string         // what keeps a check from a verdict
	Found         string         // the first finding of a check that was stopped

	Token Token // of Entra, for EWS

	// The Dynamics profile.
	Profile        string // its name
	Contradictions []Contradiction
	Codes          []string // of other findings about it
	Leaves         bool     // it leaves the server to Autodiscover
	Elsewhere      string   // of its server location
	When           string
	Unread         []*evidence.Item // what Dynamics did not let be read
}

// Token is the token by which the application of a profile signs in: what Entra was
// asked for and said, what the token says, and what Exchange makes of it.
type Token struct {
	evidence.HMA                 // as given
	Claims       evidence.Claims // of the token
	Answer       evidence.Token  // of Entra
	Number       int             // behind AADSTS; 0 none
	Refusal      int             // of x-ms-diagnostics; 0 none
	Category     string          // beside it
	Sees         string          // how Exchange sees the request
	Trusted      []string
	Old          bool // the build is 15.0, which may not know the role
	BackEnd      bool // the refusal has the form of a back end
}

// Source is who says something: Autodiscover on a host, or a scheme at a domain
// controller.
type Source struct {
	Host    string
	Scheme  string
	Address string
}

// Difference is what servers behind one name do not have in common.
type Difference struct {
	Aspect string // status, schemes, basic, ntlm, version
	Values []Value
}

// Value is an aspect at one address, or of one of several servers there.
type Value struct {
	Value   string
	Address string
	Server  string
}

// Part is at how many servers of how many something was met, and at which.
type Part struct {
	Count, Of int
	At        []string
}

// Gap is why something is not known.
type Gap struct {
	Kind     string // "" a query; no-tenant, disagree, no-user, users, plans-hidden, plan
	Query    *evidence.Item
	Name     string // of what it is not known
	Given    bool   // the user named it
	One, Two string
	Count    int
}

// Tenant is one that is known, or why it is not.
type Tenant struct {
	ID      string
	Kind    string // from where it is known: dynamics, domain, named-domain, exchange, flag; "" not asked
	Name    string // of whose tenant it is
	Differs bool   // from that of Dynamics
	Gaps    []Gap
	Seen    []*evidence.Item
}

// Tenants are those that should be one.
type Tenants struct{ Dynamics, Domain, Exchange Tenant }

// Plan is a service plan of Exchange Online.
type Plan struct {
	Name   string
	Status string
}

// Handshake is why a handshake of NTLM was not finished.
type Handshake struct {
	Kind     string
	One, Two string
	Error    string
	Status   int
}

// Directory is what domain controllers said of an account.
type Directory struct {
	Words      []*evidence.Item
	Outcome    string // what that comes to
	Reason     string
	Confidence Confidence
	Wrong      bool // the password is refused as well
	Revoked    bool // the KDC refuses the account itself as well
}

// Contradiction is one thing in a Dynamics profile that does not fit.
type Contradiction struct {
	Kind     string
	Critical bool   // Dynamics cannot work with it
	Type     string // of the profile
	User     string
	Way      string // incoming, outgoing
	Host     string
	Settings []string
	Evidence string
}
