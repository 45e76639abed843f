package evidence

import (
	"slices"
	"strings"
	"time"
)

// Steps at a domain controller: what was asked beside EWS, to sign in with
// Kerberos or to learn why an account is refused. Their address is the domain
// controller's.
const (
	StepFindController Step = "find-controller" // which domain controllers there are: DNS SRV, krb5.conf, --dc
	StepKDCAsk         Step = "kdc-ask"         // AS-REQ without pre-authentication: does the account exist, what is it asked for
	StepKDCLogon       Step = "kdc-logon"       // AS-REQ with pre-authentication: a use of the credential
	StepTicket         Step = "kdc-ticket"      // TGS-REQ, or a ticket found in the cache
	StepDirectoryBind  Step = "ldaps-bind"      // simple bind inside verified TLS: a use of the credential
)

// AtDirectory says whether an item is about a domain controller rather than
// about EWS.
func (i *Item) AtDirectory() bool {
	return slices.Contains([]Step{StepFindController, StepKDCAsk, StepKDCLogon, StepTicket, StepDirectoryBind}, i.Step) ||
		i.Logon != nil && (i.Logon.Scheme == SchemeKerberos || i.Logon.Scheme == SchemeLDAPS)
}

// Kerberos is what a KDC answered (RFC 4120 5.9.1, 5.4.2), or why there was
// nothing to ask it with.
type Kerberos struct {
	Realm       string     `json:"realm" keep:"host" differs:"no"`
	Principal   string     `json:"principal" keep:"account" differs:"no"`
	Service     string     `json:"service" keep:"service" differs:"no"` // the principal a ticket was asked for
	Code        int        `json:"code" null:"zero"`
	Error       string     `json:"error" keep:"kerberos-error,said"` // KDC_ERR_PREAUTH_REQUIRED; "" none
	Text        string     `json:"text" keep:"kdc-text,said"`        // e-text
	NTStatus    string     `json:"nt_status" keep:"nt-status,said"`
	Time        *time.Time `json:"time" differs:"no"`               // the KDC's clock
	ClockSkewMS *int64     `json:"clock_skew_ms" differs:"minutes"` // KDC minus local
	EncType     string     `json:"enctype" keep:"enctype,said"`
	Unasked     bool       `json:"unasked"`                  // an AS-REP came without pre-authentication; it was dropped unread
	Problem     Problem    `json:"problem" keep:"word"`      // "" none
	Why         string     `json:"why" keep:"sentence,said"` // the problem in words
	Detail      *Detail    `json:"detail"`                   // Why as data
}

// Problem is why Kerberos or LDAP went no further: a closed vocabulary.
type Problem string

// Problems at a domain controller.
const (
	NoController  Problem = "no-controller"  // none is known, or none has an address
	NoAnswer      Problem = "no-answer"      // none could be connected to, or answered
	Dishonest     Problem = "dishonest"      // an answer that does not verify: not Kerberos, not ours, not decryptable
	NoKey         Problem = "no-key"         // the keytab has no key for the principal
	TicketExpired Problem = "ticket-expired" // the cache's ticket is over
	NoTicket      Problem = "no-ticket"      // the cache has none
	NoAES         Problem = "no-aes"         // the account or the service has no AES key
	NoTLS         Problem = "no-tls"         // LDAP without TLS, or with a certificate that is not to be trusted
	Odd           Problem = "odd"            // an LDAP answer that names no state
)

// Bind is what an LDAP server answered to a simple bind (RFC 4511 4.2.2).
type Bind struct {
	Result  *int    `json:"result"`                   // resultCode; nil: no answer
	Data    string  `json:"data" keep:"ad-data,said"` // Active Directory's reason in hexadecimal, "52e"
	Message string  `json:"message" keep:"text,said" differs:"no"`
	Problem Problem `json:"problem" keep:"word"`
	Why     string  `json:"why" keep:"sentence,said"`
	Detail  *Detail `json:"detail"`
}

// The steps of Autodiscover, a service beside EWS that says where EWS is. They
// are kept apart from the steps of EWS: an address that only they talked to was
// not examined as an EWS endpoint.
const (
	StepAutodiscoverSCP     Step = "autodiscover-scp"     // the service connection points in Active Directory
	StepAutodiscoverResolve Step = "autodiscover-resolve" // a host of the search to addresses
	StepAutodiscoverService Step = "autodiscover-srv"     // SRV _autodiscover._tcp of the mailbox's domain
	StepAutodiscoverAsk     Step = "autodiscover-ask"     // GET without a credential: who answers, which schemes
	StepAutodiscoverLookup  Step = "autodiscover-lookup"  // the question for the mailbox without a credential
	StepAutodiscoverNTLM    Step = "autodiscover-ntlm"    // NTLM type 1; no credential
	StepAutodiscoverLogon   Step = "autodiscover-logon"   // the question with the credential
	StepAutodiscoverSkipped Step = "autodiscover-skipped" // a way that was not gone, or a logon not sent, and why
)

// Autodiscover says whether a step belongs to Autodiscover.
func (s Step) Autodiscover() bool { return strings.HasPrefix(string(s), "autodiscover-") }

// The forms of an Autodiscover answer.
const (
	DiscoveryPOX  = "pox"  // autodiscover.xml
	DiscoverySOAP = "soap" // autodiscover.svc, GetUserSettings
	DiscoveryJSON = "json" // autodiscover.json, version 2
)

// Discovery is an Autodiscover answer found in a body, or why there was none;
// or an endpoint of Autodiscover or EWS that was not gone to (HeldBack).
type Discovery struct {
	Form           string   `json:"form" keep:"word"` // pox, soap, json; "" when Problem says why nothing could be read
	ErrorCode      string   `json:"error_code" keep:"discovery-code,said"`
	Message        string   `json:"message" keep:"text,said" differs:"no"`
	Action         string   `json:"action" keep:"discovery-action,said"` // settings, redirectAddr, redirectUrl
	RedirectAddr   string   `json:"redirect_addr" keep:"mailbox,said"`
	RedirectURL    string   `json:"redirect_url" keep:"url,said"`
	EwsURL         string   `json:"ews_url" keep:"url,said"` // from outside, or from inside if that is all there is
	InternalEwsURL string   `json:"internal_ews_url" keep:"url,said"`
	PrimarySMTP    string   `json:"primary_smtp" keep:"mailbox,said"`       // AutoDiscoverSMTPAddress
	Version        string   `json:"version" keep:"build,said" differs:"no"` // the server's build
	Types          []string `json:"types" keep:"word"`                      // of services, where no EWS URL is named: IMAP, MobileSync
	Problem        string   `json:"problem" keep:"sentence,said"`
	Detail         *Detail  `json:"detail"` // Problem as data
	// Endpoint is the URL that HeldBack is about.
	Endpoint string   `json:"endpoint" keep:"url,said"`
	HeldBack HeldBack `json:"held_back" keep:"word"`
}

// Answered says whether an Autodiscover service spoke: even an error does, and
// proves that the sign-in in front of it was passed.
func (d *Discovery) Answered() bool { return d != nil && d.Form != "" }

// HeldBack is why a way was not gone, or a credential not sent there.
type HeldBack string

// Unnamed and NoExchange hold only the credential back, and
// --follow-autodiscover lifts them. The others end the way.
const (
	HeldUnnamed    HeldBack = "unnamed"             // the user named neither the host nor a domain above it
	HeldNoExchange HeldBack = "no-exchange-headers" // under the mailbox's domain, but nothing shows that Exchange answers
	HeldOnline     HeldBack = "exchange-online"
	HeldNotHTTPS   HeldBack = "not-https"
	HeldSignInPage HeldBack = "sign-in-page"
	HeldLoop       HeldBack = "loop"
	HeldTooMany    HeldBack = "too-many-redirects"
	HeldUnusable   HeldBack = "unusable" // no URL that could be asked
	HeldBudget     HeldBack = "budget"   // the account's limit, or a remembered refusal
	HeldNoScheme   HeldBack = "no-scheme"
	HeldPointer    HeldBack = "scp-pointer" // it leads to another directory, which the user did not name
)

// MayFollow says whether --follow-autodiscover would have lifted it.
func (h HeldBack) MayFollow() bool { return h == HeldUnnamed || h == HeldNoExchange }

// ServicePoints is what a search of Active Directory for the service connection
// points of Autodiscover found ([MS-OXDISCO] 3.1.5.1), or why there was none.
type ServicePoints struct {
	Domain  string         `json:"domain" keep:"host"`          // whose controller was asked, "" if only the controller was named
	Context string         `json:"context" keep:"context,said"` // the configuration naming context, where they are
	Site    string         `json:"site" keep:"site,said"`       // of the controller that was asked
	Points  []ServicePoint `json:"points"`                      // in the order in which they are to be asked
	More    bool           `json:"more"`                        // there are more than were read
	Problem Problem        `json:"problem" keep:"word"`         // "" none
	Why     string         `json:"why" keep:"sentence,said"`    // the problem in words
	Detail  *Detail        `json:"detail"`                      // Why as data
}

// ServicePoint is one of them.
type ServicePoint struct {
	URL     string   `json:"url" keep:"url,said"` // serviceBindingInformation
	Pointer bool     `json:"pointer"`             // URL is of LDAP: another directory is to be asked
	Place   Nearness `json:"place" keep:"word"`
	Sites   []string `json:"sites" keep:"site,said"`   // keywords Site=
	Domains []string `json:"domains" keep:"host,said"` // keywords Domain=: the mail domains that a pointer is for
}

// Nearness is where a service connection point stands, seen from the site of the
// controller that was asked.
type Nearness string

// The near ones are asked first.
const (
	NearOwn   Nearness = "own-site"
	NearNone  Nearness = "no-site"
	NearOther Nearness = "other-site"
)
