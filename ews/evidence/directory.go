package evidence

import "time"

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
	switch i.Step {
	case StepFindController, StepKDCAsk, StepKDCLogon, StepTicket, StepDirectoryBind:
		return true
	}
	return i.Logon != nil && (i.Logon.Scheme == SchemeKerberos || i.Logon.Scheme == SchemeLDAPS)
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
