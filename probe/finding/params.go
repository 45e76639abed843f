package finding

import "time"

// The types of parameters say what a value is: whoever redacts a finding replaces
// the values before sentences are made of them. A plain string is a word of a
// closed list or a code of a protocol, and names nobody.
type (
	// Host is a host name, or an address in its place; a domain.
	Host string
	// Address is an IP address, with or without a port.
	Address string
	// Account is a name to sign in with, in any form.
	Account string
	// Mailbox is a mail address.
	Mailbox string
	// URL is a URL, whole or without its scheme.
	URL string
	// Server is the computer name of a server.
	Server string
	// GUID is the identifier of a tenant.
	GUID string
	// Text is free text, by a server, a network stack or a user.
	Text string
)

// Place is a server: its name, and its address where several servers of that name
// were asked.
type Place struct {
	Host    Host
	Address Address
}

func (p Place) String() string {
	if p.Address == "" {
		return string(p.Host)
	}
	return string(p.Host) + " at " + string(p.Address)
}

// Params are the parameters of the sentences of findings and causes. A rule sets
// those that its sentence needs, the rest stays empty. That a template names no
// other, and that each is named by one, is tested.
type Params struct {
	// The endpoint.
	Host        Host
	At          Place
	Address     Address
	Places      []Address // where it holds, if not everywhere
	URL         URL
	Usual       URL    // where EWS is by default, where another path was given
	View        string // inside, public
	FrontEnd    Server
	Device      string // the kind of device that seems to stand in front
	Sign        Text   // by what it was recognised
	Differences []Difference

	// An answer, or none.
	Asked       string // what was asked: call, anonymous, or the scheme of a logon
	Status      int    // HTTP
	Phrase      Text   // the reason phrase of the status
	Error       Text   // of the network, or why an answer cannot be read
	Errors      []Text
	Phase       string // in which the time ran out
	Header      Text   // the value of the header that decides
	Location    URL
	Page        Text // the title of a page
	SignIn      Text // the kind of a sign-in page
	Bytes       int64
	RetryAfter  Text
	Wait        time.Duration
	Notice      Notice // what an answer says of itself
	Failed      Failed // what Exchange's front end says of a failure
	Realm       Text
	BackEnd     Host
	OverHTTP    bool
	Kernel      bool // HTTP.sys answered, before any site of IIS
	SignedIn    bool // the sign-in was accepted
	NotExchange bool // nothing in the answer shows Exchange
	Skew        time.Duration
	Behind      bool // the clock of the server, not ahead

	// Schemes and logons.
	Scheme     string
	Schemes    []string // tried, or offered
	Count      int      // of logons
	Accepted   string   // the scheme that accepts what another refuses
	By         Address  // where it did, if elsewhere
	Account    Account
	Other      Account // the name in another form
	Form       string  // of the account's name: upn, domain, bare
	Agents     []Text  // user agents that are refused
	Passed     []Text  // and those that are not
	Only       string  // the one scheme, or the kind of schemes, that could be tried
	Secret     string  // password, key
	Windows    string  // the binding of the logged-on user's logon: right, none
	NotASCII   bool    // the password has characters that are not ASCII
	Unbound    bool    // a logon without a channel binding was tried too
	Result     string  // of a logon
	Open       bool    // the reason stays open
	Reason     string  // of a refusal
	Certainty  Confidence
	Directory  Directory
	KDC        KDC
	Service    Text // a service principal name
	Handshake  Handshake
	Unverified bool // that the mailbox was not the account's own

	// TLS.
	Problems    []Text
	TLS         string
	Suite       string
	Issuer      Text
	Certificate string // its hash
	Second      string // that of another one
	Until       time.Time
	Left        time.Duration
	Inspector   string // the product that seems to inspect TLS on the way out
	Server      Server // that made the certificate for itself
	Alert       string // the number of a TLS alert

	// The mailbox, and what is known outside.
	Mailbox       Mailbox
	Mailboxes     []Mailbox
	Primary       Mailbox
	PrimaryBy     string  // who says so: refusal, book, autodiscover, both, differently
	Differs       Mailbox // what Autodiscover says, where that is another one
	Code          string  // of EWS
	Inner         string
	Message       Text
	Means         string // the code whose meaning is told (ews-codes.yaml)
	Twice         bool
	NoGUID        bool // Exchange looked for the mailbox by its GUID
	Cut           bool // the end of the answer is missing
	Row           bool // of a batch, which has no detail
	Source        Source
	Target        Mailbox // where Autodiscover sends clients
	DiscoveryCode string
	Entry         string // the type of an entry of the address book
	Routes        Mailbox
	Entries       int
	Located       string // what is known of the mailbox's place
	Redirect      Text   // where else Exchange Online says that it is
	Query         Query
	Gaps          []Gap
	Plans         []Plan
	Tenants       Tenants
	Domain        Host
	HeldBack      string
	Steps         []Step
	Missing       string // what keeps a check from a verdict
	Found         Text   // the first finding of a check that was stopped

	Token Token // of Entra, for EWS

	// The Dynamics profile.
	Profile        Text // its name
	Contradictions []Contradiction
	Codes          []string // of other findings about it
	Leaves         bool     // it leaves the server to Autodiscover
	Elsewhere      Host     // of its server location
	When           Text
	Unread         []Unread // what Dynamics did not let be read
}

// Unread is a set of Dynamics that could not be read.
type Unread struct {
	Set       string
	Privilege string // the one that is missing
	Rows      int    // that were read before
	Query     Query
}

// Token is the token by which the application of a profile signs in: what Entra was
// asked for and said, what the token says, and what Exchange makes of it.
type Token struct {
	Application GUID
	Tenant      Text // as given: a GUID, or a domain
	Resource    URL
	Proof       string // certificate, secret, token-file
	Number      int    // behind AADSTS; 0 none
	Correlation GUID
	Trace       GUID

	Audience, Issuer URL
	In               GUID // tenant
	Version          string
	Roles            []Text
	Until            time.Time

	Refusal  int  // of x-ms-diagnostics; 0 none
	Category Text // beside it
	Sees     URL  // how Exchange sees the request
	Trusted  []GUID
	Old      bool // the build is 15.0, which may not know the role
	BackEnd  bool // the refusal has the form of a back end
}

// Notice is what an answer that is not EWS says of itself.
type Notice struct {
	Product   string
	Numbers   []Text // under which its sender keeps it
	SubStatus string // of IIS
	Says      string // evidence.Says…
	Windows   string // an error of Windows
}

// Failed is what Exchange's front end says of a request that it could not serve.
type Failed struct {
	Point   string // FrontEnd, BackEnd
	Error   string // its name
	SubCode int
	BackEnd Host
}

// Source is who says something: Autodiscover on a host, or a scheme at a domain
// controller.
type Source struct {
	Host    Host
	Scheme  string
	Address Address
}

// Difference is what servers behind one name do not have in common.
type Difference struct {
	Aspect string // status, schemes, basic, ntlm, version
	Values []Value
}

// Value is an aspect at one address, or of one of several servers there.
type Value struct {
	Value   string
	Address Address
	Server  Server
}

// Part is at how many servers of how many something was met, and at which.
type Part struct {
	Count, Of int
	At        []Text
}

// Query is a look-up outside the network that brought no fact.
type Query struct {
	Host    Host
	Error   Text
	Begun   bool // an answer had begun
	Problem Text // what is wrong with the answer
	Subject Text // what was looked up
}

// Gap is why something is not known.
type Gap struct {
	Kind     string // "" a query; no-tenant, disagree, no-user, users, plans-hidden, plan
	Query    Query
	Origin   Origin
	One, Two GUID
	Count    int
}

// Origin is from where a tenant is known.
type Origin struct {
	Kind string // dynamics, domain, named-domain, exchange, flag
	Name Text
}

// Plan is a service plan of Exchange Online.
type Plan struct {
	Name   string
	Status Text
}

// Tenants are those that differ, or agree.
type Tenants struct {
	Dynamics       GUID
	Origin         Origin
	Domain         Text
	DomainTenant   GUID
	Exchange       Host
	ExchangeTenant GUID
}

// Step is what came of one step of Autodiscover.
type Step struct {
	Kind    string
	At      URL
	Error   Text
	Scheme  string
	Schemes []string
	Result  string
	Status  int
	To      Text
	URLs    []URL
	Answer  Answer
	By      Text // who answered, where that is not Exchange
}

// Answer is what Autodiscover answered.
type Answer struct {
	Kind  string // address, url, error, ews; "" nothing of use
	To    Text
	Code  string
	Types []string // of the services that it names instead
}

// Handshake is why a handshake of NTLM was not finished.
type Handshake struct {
	Kind     string
	One, Two Server
	Error    Text
	Status   int
}

// KDC is an error of a domain controller.
type KDC struct {
	Error    string
	Code     int
	NTStatus string
	Text     Text
}

// Directory is what domain controllers said of an account.
type Directory struct {
	Words   []Word
	Outcome string // what that comes to
	Reason  string
	Wrong   bool // the password is refused as well
	Revoked bool // the KDC refuses the account itself as well
}

// Word is what one of them said.
type Word struct {
	Address Address
	LDAPS   bool
	Data    string
	KDC     KDC
}

// Contradiction is one thing in a Dynamics profile that does not fit.
type Contradiction struct {
	Kind     string
	Critical bool // Dynamics cannot work with it
	Type     Text // of the profile
	User     Account
	Way      string // incoming, outgoing
	Host     Host
	Settings []string
	Evidence string
}

// Attempt is how a use of the credential ended.
type Attempt struct {
	Service  string // ews, autodiscover, directory
	Result   string
	Error    Text
	Again    bool // answered with a new challenge
	Data     string
	KDC      KDC
	Answered bool // by Autodiscover
	Answer   Answer
	Code     string // of EWS
}
