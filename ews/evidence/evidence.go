// Package evidence is the record of a check: what was asked, what came back,
// when and over which connection.
//
// Packages under ews write it while they talk; package rule judges it; package
// report renders it. It is plain data, so a saved record can be judged again
// years later without a network. Three habits keep it honest. One step is one
// Item with one way of failing. A fact that was not looked at is absent, never
// false. And no secret ever enters: Authorization values are named, not kept;
// what a server says after it was sent a credential is reduced to the facts
// that judging needs (see package secret).
//
// A text is tagged with what it is (walk.go): cleaning, redaction and comparing go
// by the tags. A sentence of this program's own is a code with what it names
// (detail.go); rules look at the code. To add a fact: a tagged field here, and
// what writes it: ews/body.go of an answer, ews/wire of a connection, ews/signin of a
// sign-in, ews/cloud and ews/directory of a look-up.
package evidence

import (
	"cmp"
	"strings"
	"time"
)

// Record is everything one check saw.
type Record struct {
	Started  time.Time
	Duration time.Duration
	Target   Target
	// Stopped says why the check ended early: "" it did not, StoppedByUser.
	Stopped string `keep:"word"`
	Items   []Item
}

// StoppedByUser marks a record cut short by Ctrl-C.
const StoppedByUser = "interrupted"

// Target is what the check was about and how it was allowed to look. It holds
// every setting that judging depends on, so that a record explains itself.
type Target struct {
	URL          string   `json:"url" keep:"url"`
	Host         string   `json:"host" keep:"host"`
	Addresses    []string `json:"addresses" keep:"endpoint"`
	EveryAddress bool     `json:"every_address"` // each of them is the subject, not only the first that answers
	Mailbox      string   `json:"mailbox" keep:"mailbox"`
	User         string   `json:"user" keep:"account"`
	ProfileAuth  string   `json:"profile_auth" keep:"word"` // basic, ntlm, negotiate, oauth, auto
	Impersonate  bool     `json:"impersonate"`
	View         string   `json:"view" keep:"word"` // inside, public
	Credentials  bool     `json:"credentials"`      // a credential was given and may be sent
	Insecure     bool     `json:"insecure"`
	Explain      bool     `json:"explain_rejection"`  // a domain controller may be asked why the account is refused
	Domain       string   `json:"domain" keep:"host"` // the domain whose controllers may be asked, never named by the server
	Ticket       string   `json:"ticket" keep:"word"` // Kerberos signs in with: password, keytab, ccache; "" it does not
	// PasswordNotASCII: Basic sends it in UTF-8, and others in another encoding.
	PasswordNotASCII bool     `json:"password_not_ascii"`
	CurrentUser      bool     `json:"current_user"` // the logged-on user of Windows, no password
	UserAgent        string   `json:"user_agent" keep:"agent"`
	CertWarnDays     int      `json:"cert_warn_days"`                // certificate-expiring below this many days
	Profile          *Profile `json:"profile"`                       // the exported Dynamics profile; nil: none was given
	Cloud            bool     `json:"cloud"`                         // look-ups outside the network were asked for
	DynamicsURL      string   `json:"dynamics_url" keep:"url"`       // whose tenant was to be read from Dynamics itself
	Tenant           string   `json:"tenant" keep:"tenant"`          // Dynamics' tenant as given: a GUID, or a domain in it
	DynamicsTenant   string   `json:"dynamics_tenant" keep:"tenant"` // that of the application which reads Dynamics, as given
	Token            bool     `json:"token"`                         // a token for Graph was given, or what gets one
	HMA              *HMA     `json:"hma"`                           // by which application the check signs in; nil: it sends no token
	// Autodiscover is the endpoint that was named, FromAddress the address that
	// was given in place of a URL: EWS was to be found by Autodiscover.
	Autodiscover       string `json:"autodiscover" keep:"url"`
	FollowAutodiscover bool   `json:"follow_autodiscover"`
	FromAddress        string `json:"from_address" keep:"mailbox"`
	// Accepted are the findings that the user's baseline accepts.
	Accepted []Acceptance `json:"accepted"`
	Given    *Given       `json:"given"`                  // nil: not known, as in older records
	Zone     string       `json:"zone" keep:"utc-offset"` // of this machine's clock, like +01:00
}

// SchemeOf is the HTTP scheme that a Dynamics profile signs in with; auto begins with
// Basic too.
func SchemeOf(profileAuth string) string {
	return cmp.Or(map[string]string{"ntlm": "NTLM", "negotiate": "Negotiate", "oauth": "Bearer"}[profileAuth], "Basic")
}

// Acceptance is an entry of a baseline: a finding that is known and accepted for
// a reason, until the end of a day (YYYY-MM-DD).
type Acceptance struct {
	Code    string `json:"code" keep:"word"`
	Host    string `json:"host" keep:"host"`       // "" every host
	Mailbox string `json:"mailbox" keep:"mailbox"` // "" every mailbox
	Reason  string `json:"reason" keep:"text"`
	Until   string `json:"until" keep:"date"`
}

// Over says whether the entry's last day, which ends in UTC, is over at a time.
// What is no day is over.
func (a Acceptance) Over(at time.Time) bool {
	last, err := time.Parse(time.DateOnly, a.Until)
	return err != nil || !at.Before(last.AddDate(0, 0, 1))
}

// Step names what an Item did.
type Step string

// The steps of a check.
const (
	StepResolve       Step = "resolve"        // host name to addresses
	StepAddressFamily Step = "address-family" // TCP only: does a published IPv6 address answer
	StepAnonymous     Step = "anonymous"      // POST of a valid envelope without a credential
	StepEmptyBearer   Step = "empty-bearer"   // the same with an empty Bearer token: OAuth state and tenant
	StepUserAgent     Step = "user-agent"     // the anonymous POST under one of Dynamics' user agents
	StepNTLMNegotiate Step = "ntlm-negotiate" // NTLM type 1: names, build, clock; no credential
	StepKeepTest      Step = "keep-test"      // a second type 1 on the same connection: is it kept
	StepLogon         Step = "logon"          // a request that carried the credential
	StepSkipped       Step = "skipped"        // a logon that was not sent, and why
	StepLegacySuites  Step = "legacy-suites"  // raw ClientHello with the suites Go lacks
	StepProfile       Step = "profile"        // the exported Dynamics profile was read: Target.Profile
	StepDataverseTLS  Step = "dataverse-tls"  // raw ClientHello with exactly what Dataverse accepts
	StepSignedIn      Step = "signed-in"      // a further call on a connection that is signed in: no credential was sent
)

// Item is one step: one request and its answer, or the reason why there is none.
type Item struct {
	ID         string         `json:"id" keep:"id" differs:"no"`
	Step       Step           `json:"step" keep:"word"`
	Address    string         `json:"address" keep:"endpoint" differs:"no"` // IP:port; "" before one is known
	Connection int            `json:"connection" null:"zero" differs:"no"`  // counts from 1 in order of opening; 0 none
	From       string         `json:"from" keep:"endpoint" differs:"no"`    // the address of this machine that the connection came from
	At         time.Time      `json:"at" differs:"no"`
	Request    *Request       `json:"request"`
	Response   *Response      `json:"response"`
	TLS        *TLS           `json:"tls" differs:"no"` // on the step that opened the connection
	NTLM       *NTLM          `json:"ntlm"`
	EWS        *EWS           `json:"ews"`
	Kerberos   *Kerberos      `json:"kerberos"`
	Bind       *Bind          `json:"bind"`
	Discovery  *Discovery     `json:"discovery"`
	Points     *ServicePoints `json:"service_points"`
	Logon      *Logon         `json:"logon"`
	Resolution *Resolution    `json:"resolution"`
	Cloud      *Cloud         `json:"cloud"`
	Token      *Token         `json:"token"`
	Dataverse  *Dataverse     `json:"dataverse"`
	Error      *Failure       `json:"error"`
	ClosedBy   string         `json:"closed_by" keep:"word" differs:"no"` // "server": it ended the connection
	Timing     Timing         `json:"timing_ms" differs:"no"`
}

// Request is what was sent. Authorization is a description ("Basic",
// "NTLM type 3", "Bearer, empty"), never the value.
type Request struct {
	Method        string      `json:"method" keep:"method" differs:"no"`
	URL           string      `json:"url" keep:"url" differs:"no"`
	UserAgent     string      `json:"user_agent" keep:"agent" differs:"no"`
	Authorization string      `json:"authorization" keep:"authorization" differs:"no"`
	Headers       [][2]string `json:"headers" keep:"headers" differs:"no"`
	BodyBytes     int         `json:"body_bytes" differs:"no"`
	Operation     string      `json:"operation" keep:"operation"`
	Mailbox       string      `json:"mailbox" keep:"account" differs:"no"`
	Impersonate   bool        `json:"impersonate"`
	Purpose       Purpose     `json:"purpose" keep:"word"` // why a further call was made; "" for the check's own
}

// SyncAgent says whether a user agent is one of server-side synchronization itself, as
// opposed to that of Test Connection: EWS access policies name it CRM/*.
func SyncAgent(agent string) bool { return len(agent) >= 4 && strings.EqualFold(agent[:4], "CRM/") }

// Purpose says what a further call, made after a sign-in was accepted, asks. A
// further call is a request of StepSignedIn, or of StepLogon where only Basic
// can carry it; its answer speaks of the mailbox, not of the sign-in.
type Purpose string

// What further calls ask.
const (
	AgainLater     Purpose = "again"           // the same call once more, after a passing error
	OwnInbox       Purpose = "own-inbox"       // the identifier of the caller's own inbox
	NamedInbox     Purpose = "named-inbox"     // the identifier of the named mailbox's inbox
	PrimaryAddress Purpose = "primary-address" // what the address book knows of the address
	TestConnection Purpose = "test-connection" // the user name as a mailbox, as Dynamics' Test Connection has it
	OtherAgent     Purpose = "other-agent"     // the same call under another user agent of Dynamics
)

// Response is what came back. Headers keep the server's order and spelling.
type Response struct {
	Status    int         `json:"status" null:"zero"`
	Reason    string      `json:"reason" keep:"reason,said" differs:"no"`
	Proto     string      `json:"proto" keep:"protocol" differs:"no"`
	Headers   [][2]string `json:"headers" keep:"headers,said" differs:"no"`
	Body      string      `json:"body" keep:"body,said" differs:"no"`    // at most BodyKept bytes; withheld after a credential was sent
	BodyBytes int         `json:"body_bytes" differs:"no"`               // bytes read
	Oversized bool        `json:"oversized"`                             // more came than is read (BodyRead)
	CutShort  bool        `json:"cut_short"`                             // the connection ended inside the body
	Withheld  string      `json:"withheld" keep:"withheld" differs:"no"` // why Body is empty although bytes were read
	Page      *Page       `json:"page"`
	Notice    *Notice     `json:"notice"`
}

// Limits of what is read and kept of one answer, in bytes.
const (
	BodyRead   = 256 << 10
	BodyKept   = 16 << 10
	HeaderRead = 128 << 10
	HeaderKept = 64 << 10 // an NTLM challenge can have 40 KiB in base64
)

// Header returns the values of a header field in the order sent; the name is
// compared without case (RFC 9110 5.1).
func (r *Response) Header(name string) []string {
	if r == nil {
		return nil
	}
	var values []string
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			values = append(values, h[1])
		}
	}
	return values
}

// First returns the first value of a header field, or "".
func (r *Response) First(name string) string {
	if r == nil {
		return ""
	}
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// Page is what an HTML answer shows.
type Page struct {
	Title         string `json:"title" keep:"text,said"`
	PasswordField bool   `json:"password_field"`
	// LeadsTo is where the page takes a browser by itself, and how: form, refresh,
	// script. "" for one that stays.
	LeadsTo string `json:"leads_to" keep:"url,said"`
	LeadsBy string `json:"leads_by" keep:"word"`
}

// Notice is what an answer that is not EWS says of itself, read from its page. It
// is the word of whoever sent it.
type Notice struct {
	Numbers   []string `json:"numbers" keep:"text,said" differs:"no"` // support ID, incident, reference
	Product   string   `json:"product" keep:"word"`                   // whose page it is
	SubStatus string   `json:"sub_status" keep:"word"`                // IIS': 403.6
	Says      string   `json:"says" keep:"word"`                      // one of Says…
	// Windows is the error by which a refusal names its reason: a Win32 number
	// (1909), or an NTSTATUS (0xC0000234).
	Windows string `json:"windows_error" keep:"word"`
}

// What a Notice says.
const (
	SaysClientCertificate = "client-certificate" // one is needed
	SaysHeaderTooLong     = "header-too-long"
	SaysBodyTooLarge      = "body-too-large"
	SaysChallenge         = "challenge"       // to a browser: JavaScript, a puzzle
	SaysNoServer          = "no-server"       // behind the device is working
	SaysAssembly          = "assembly"        // of Exchange is missing
	SaysBindings          = "bindings"        // of the web site do not fit WCF
	SaysAnonymousOff      = "anonymous-off"   // in IIS, which WCF needs
	SaysHTTPModule        = "http-module"     // of WCF 3.x cannot be loaded
	SaysActivation        = "activation"      // of the service by WCF failed
	SaysPlainHTTP         = "plain-http"      // reached what wants TLS
	SaysNotApplication    = "not-application" // of IIS is the folder
	SaysWebConfig         = "web-config"      // cannot be read
	SaysSerialize         = "serialize"       // the caller's context failed: an account name with $ at its end
	SaysAPIKey            = "api-key"         // is missing: an API gateway wants it
	SaysNoFile            = "no-file"         // IIS has neither a file nor an application at the path
	SaysInvalidVerb       = "invalid-verb"    // where HTTP.sys took the request to begin
	SaysInvalidHost       = "invalid-host"    // that no site of HTTP.sys has
	SaysGatewayTLS        = "gateway-tls"     // with the server behind the device failed
	SaysGatewayPlain      = "gateway-plain"   // behind the device something speaks no TLS
	SaysGatewayName       = "gateway-name"    // of that server could not be resolved
)

// WindowsLocked is ERROR_ACCOUNT_LOCKED_OUT.
const WindowsLocked = "1909"

// Locked says whether the answer names the account as locked.
func (r *Response) Locked() bool {
	return r != nil && r.Notice != nil && (r.Notice.Windows == WindowsLocked || r.Notice.Windows == "0xC0000234")
}

// Number is the first number, "" none.
func (n *Notice) Number() string {
	if n == nil || len(n.Numbers) == 0 {
		return ""
	}
	return n.Numbers[0]
}

// EWS is an EWS answer found in a body, or why there was none.
type EWS struct {
	Kind      string  `json:"kind" keep:"word" differs:"no"` // fault, response; "" when Problem says why nothing could be read
	Operation string  `json:"operation" keep:"operation,said" differs:"no"`
	Class     string  `json:"class" keep:"class,said" differs:"no"`
	Code      string  `json:"code" keep:"ews-code,said"`
	InnerCode string  `json:"inner_code" keep:"ews-code,said"`
	Message   string  `json:"message" keep:"text,said" differs:"no"`
	Version   string  `json:"version" keep:"build,said" differs:"no"` // ServerVersionInfo, dotted
	BackOffMS int64   `json:"back_off_ms"`
	Problem   string  `json:"problem" keep:"sentence,said"`
	Detail    *Detail `json:"detail"` // Problem as data
	// Unreadable: it was meant to be XML, and reading it would not be safe.
	Unreadable bool `json:"unreadable"`
	// Cut: the end of the answer is missing; what is here came before it.
	Cut bool `json:"cut"`
	// Folder is a name given to the folder that the answer described. The same
	// folder has the same name in a record; the server's own identifier is not
	// kept. "" for an answer without one.
	Folder string `json:"folder" keep:"folder"`
	// Resolved are the address book's entries for a name that was asked, or the
	// address that a refusal says to use instead.
	Resolved []Resolved `json:"resolved"`
}

// Resolved is an entry of Exchange's address book.
type Resolved struct {
	Address string `json:"address" keep:"mailbox,said"` // primary SMTP address
	Type    string `json:"type" keep:"entry-type,said"` // Mailbox, Contact, PublicDL, ...
	// Holds says whether the entry's own list of addresses holds the one that the
	// book was asked for: it finds others that begin alike. nil: it was not asked.
	Holds *bool `json:"holds_address"`
}

// Answered says whether Exchange (or another EWS) itself spoke: even a fault
// does, and proves that the sign-in in front of it was passed.
func (e *EWS) Answered() bool { return e != nil && e.Kind != "" }

// NTLM is a decoded type 2 message ([MS-NLMP] 2.2.1.2), or why there was none.
type NTLM struct {
	Scheme          string     `json:"scheme" keep:"scheme"` // NTLM or Negotiate
	TargetName      string     `json:"target_name" keep:"netbios,said" differs:"no"`
	NetBIOSDomain   string     `json:"netbios_domain" keep:"netbios,said"`
	NetBIOSComputer string     `json:"netbios_computer" keep:"host,said"`
	DNSDomain       string     `json:"dns_domain" keep:"host,said"`
	DNSComputer     string     `json:"dns_computer" keep:"host,said"`
	DNSForest       string     `json:"dns_forest" keep:"host,said"`
	OSBuild         string     `json:"os_build" keep:"os-build"` // 10.0.17763
	StandAlone      bool       `json:"stand_alone"`              // NTLMSSP_TARGET_TYPE_SERVER: accounts are local
	Time            *time.Time `json:"time" differs:"no"`
	ClockSkewMS     *int64     `json:"clock_skew_ms" differs:"minutes"` // server minus local, half the step's time taken off
	SPNEGO          bool       `json:"spnego"`                          // the messages travel inside SPNEGO (RFC 4178)
	Problem         string     `json:"problem" keep:"sentence,said"`    // no challenge, or a malformed one
	Detail          *Detail    `json:"detail"`                          // Problem as data
}

// Result of a logon.
type Result string

// Accepted: an EWS answer came. Refused: 401. Unfinished: neither. Skipped:
// not sent.
const (
	Accepted   Result = "accepted"
	Refused    Result = "refused"
	Unfinished Result = "unfinished"
	Skipped    Result = "skipped"
)

// Channel bindings of a logon by NTLM or Kerberos. BindingZero is sixteen zero
// bytes: absent by [MS-NLMP] 2.2.2.1, present and wrong to some acceptors.
const (
	BindingRight   = "right"
	BindingNone    = "none"
	BindingForeign = "foreign"
	BindingZero    = "zero"
)

// Mechanisms of a logon, where its scheme leaves them open.
const (
	MechanismNTLM     = "NTLM"
	MechanismKerberos = "Kerberos"
)

// Schemes of logons that are not HTTP's: they are used at a domain controller.
const (
	SchemeKerberos = "Kerberos"
	SchemeLDAPS    = "LDAPS"
)

// Logon is one use of the credential.
type Logon struct {
	Scheme       string  `json:"scheme" keep:"scheme"`                // Basic, NTLM, Negotiate; Kerberos and LDAPS at a domain controller
	Mechanism    string  `json:"mechanism" keep:"scheme"`             // NTLM or Kerberos inside Negotiate; "" where the scheme says it
	Account      string  `json:"account" keep:"account" differs:"no"` // the name as it was sent
	OtherForm    bool    `json:"other_form" differs:"no"`             // another form of the name than the one given
	Result       Result  `json:"result" keep:"word"`
	Status       int     `json:"status" null:"zero" differs:"no"` // HTTP status, 0 none
	Binding      string  `json:"channel_binding" keep:"word"`     // right, none, foreign, zero; "" for Basic
	Comparison   bool    `json:"comparison" differs:"no"`         // made with a password already proved, for a finding's sake
	Counted      bool    `json:"counted" differs:"no"`            // counts against --max-rejections
	Remembered   bool    `json:"remembered" differs:"no"`         // skipped because the same password was refused recently
	NewChallenge bool    `json:"new_challenge" differs:"no"`      // a type 3 was answered with another type 2
	Why          string  `json:"why" keep:"sentence,said"`
	Detail       *Detail `json:"detail"` // Why as data
}

// Resolution is what the resolver said.
type Resolution struct {
	Name      string   `json:"name" keep:"host"`
	Addresses []string `json:"addresses" keep:"endpoint,said"`
}

// Failure is why a step has no answer: a word of a closed vocabulary, where it
// happened, and a sentence, this program's own or the system's.
type Failure struct {
	Code   FailureCode `json:"code" keep:"word"`
	Phase  string      `json:"phase" keep:"word" differs:"no"` // resolve, connect, proxy, tls, write, read
	Text   string      `json:"text" keep:"sentence,said"`
	Detail *Detail     `json:"detail"` // Text as data; nil: the system's words
}

// FailureCode is the closed vocabulary of failures.
type FailureCode string

// The failures a step can have. One step has at most one.
const (
	DNSNotFound        FailureCode = "dns-not-found"
	DNSFailed          FailureCode = "dns-failed"
	ConnectRefused     FailureCode = "connect-refused"
	ConnectUnreachable FailureCode = "connect-unreachable"
	ConnectFailed      FailureCode = "connect-failed"
	ConnectionReset    FailureCode = "connection-reset"
	ConnectionClosed   FailureCode = "connection-closed"
	TimedOut           FailureCode = "timeout"
	ProxyAuth          FailureCode = "proxy-auth-required"
	ProxyRefused       FailureCode = "proxy-refused"
	TLSUntrusted       FailureCode = "tls-untrusted"
	TLSHandshake       FailureCode = "tls-handshake"
	TLSClientCert      FailureCode = "tls-client-certificate"
	TLSNotSpoken       FailureCode = "tls-not-spoken"
	Malformed          FailureCode = "malformed-answer"
	HeaderTooLarge     FailureCode = "header-too-large"
	Interrupted        FailureCode = "interrupted"
	GivenUp            FailureCode = "given-up"
)

func (f *Failure) Error() string {
	if f == nil {
		return ""
	}
	return string(f.Code) + ": " + f.Text
}

// TLS is the handshake of a connection.
type TLS struct {
	Version       string               `json:"version" keep:"tls-version"`
	CipherSuite   string               `json:"cipher_suite" keep:"suite"`
	ServerName    string               `json:"server_name" keep:"host" differs:"no"`
	Certificate   *Certificate         `json:"certificate"`
	Problems      []CertificateProblem `json:"problems"`                 // why it is not trusted here; empty: trusted
	PublicRoot    *bool                `json:"public_root"`              // ends in a root that public clients know; nil: not looked at
	ClientCertAsk bool                 `json:"client_certificate_asked"` // the server asked for a client certificate
	SelfRootsOnly bool                 `json:"needs_ca_file"`            // trusted only thanks to --ca-file
}

// Trusted says whether name, time and issuer were all in order.
func (t *TLS) Trusted() bool { return t != nil && len(t.Problems) == 0 }

// CertificateProblem is one complaint about a certificate.
type CertificateProblem struct {
	Code   string  `json:"code" keep:"word"` // expired, not-yet-valid, wrong-name, unknown-issuer, issuer-encoding, unusable
	Text   string  `json:"text" keep:"sentence,said"`
	Detail *Detail `json:"detail"` // Text as data
}

// Certificate is the leaf a server showed.
type Certificate struct {
	SHA256    string    `json:"sha256" keep:"certificate"`
	Subject   string    `json:"subject" keep:"subject,said"`
	Issuer    string    `json:"issuer" keep:"issuer,said"`
	NotBefore time.Time `json:"not_before" differs:"no"`
	NotAfter  time.Time `json:"not_after"`
	Names     []string  `json:"names" keep:"certified,said"`
	Signature string    `json:"signature" keep:"signature"`
}

// Timing is where the time of a step went, in milliseconds. Phases that did not
// happen are nil (a kept connection has no connect phase).
type Timing struct {
	Resolve   *float64 `json:"resolve"`
	Connect   *float64 `json:"connect"`
	TLS       *float64 `json:"tls"`
	FirstByte *float64 `json:"first_byte"`
	Total     *float64 `json:"total"`
}
