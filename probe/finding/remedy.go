package finding

// Remedy is one thing to do. Command and Link may be empty. In the catalogue
// Text and Command may hold the placeholders {server}, {host}, {user} and
// {mailbox}, and those of Trace; package rule fills them with values that were checked first.
type Remedy struct {
	Text    string `json:"text"`
	Command string `json:"command"`
	Link    string `json:"link"`

	// Cost is the last sentence of Text, where the command costs refused logons: no
	// report leaves it out.
	Cost string `json:"-" yaml:"-"`

	// Check holds the arguments of an `ewsprobe check`, from which Command is
	// made: flags as they are, and the words user, mailbox and as-asked for what
	// depends on the target (CheckCommand); user-if-given and mailbox-if-given where
	// there may be none.
	Check string `json:"-"`
	// Target is what the command ends with: "" the endpoint, mailbox the
	// mailbox's address, https the URL of the endpoint with https, url a URL that
	// the reader has to put in, profile the endpoint unless the profile names it,
	// none nothing.
	Target string `json:"-"`
	// Without is a flag that is not carried over, though the user gave it.
	Without string `json:"-"`
	// Unless names the state in which the remedy is left out: explained, where a
	// domain controller has said already why the account is refused; no-logon,
	// where no logon of the run was refused; nothing-held-back, where Autodiscover led
	// to no server that was not asked; usual-path, where the URL has the path that EWS has
	// by default; front-end-port, where it has not the port of the back end; kerberos-only,
	// where Negotiate takes no NTLM; url-given, where the user named the URL; asked-already,
	// where a remedy before it has the same command.
	Unless string `json:"-"`

	// Use and Run name a remedy and a command of shared.yaml.
	Use string `json:"-"`
	Run string `json:"-"`
}

// Case is how something was asked, or the variant of the sentence, where what to do depends
// on it.
type Case string

// The cases for which entries have remedies of their own, beside variants.
const (
	Impersonated Case = "impersonated" // the mailbox was impersonated
	OwnMailbox   Case = "own"          // the account's own mailbox was opened
	AtBackEnd    Case = "back-end"     // the back end refuses what the front end accepted, or fails
	AtFrontEnd   Case = "front-end"    // the front end of Exchange answered
	InPlace      Case = "in-place"     // it did so where EWS answers otherwise
	ByAddress    Case = "address"      // IIS refuses the address of the client
	ByIIS        Case = "iis"          // IIS refuses and does not say why
	ByDevice     Case = "device"       // a device in front answered
	ByTMG        Case = "tmg"          // that device is TMG or ISA
	Refused      Case = "refused"      // the TCP connection was refused
	Unreached    Case = "unreached"    // Autodiscover has no address, or nothing answers there
	OneAddress   Case = "one-address"  // another address of the name answers
	ByProxy      Case = "proxy"        // the proxy on the way out failed
	ThroughProxy Case = "connection"   // NTLM is refused behind a device that is seen
	PlainBehind  Case = "plain-behind" // a device ends TLS and sends HTTP
	Elsewhere    Case = "elsewhere"    // nothing shows that Exchange or its IIS answered
	NoSite       Case = "no-site"      // no site of IIS has the name
	Unasked      Case = "unasked"      // EWS answers without a sign-in
	// Autodiscover offers no scheme that a password can be sent by, names no EWS URL, or
	// answers with an error.
	NoScheme Case = "no-scheme"
	NoURL    Case = "no-url"
	// A certificate has another name, has expired, or came without its intermediate.
	WrongName      Case = "wrong-name"
	Expired        Case = "expired"
	Incomplete     Case = "incomplete"
	AtAutodiscover Case = "autodiscover" // met there, not at EWS
	DiscoveryError Case = "discovery-error"
	ByApplication  Case = "application"    // the token of an application opens mailboxes
	OtherAudience  Case = "other-audience" // the token is for another host than the one that was asked
	DomainTrouble  Case = "domain"         // the server could not ask its domain
	NTLMBlocked    Case = "ntlm-blocked"   // policies block NTLM
	WindowsAlone   Case = "windows-alone"  // NTLM is refused, and Basic is accepted elsewhere
	OneServer      Case = "one-server"     // another one accepts the account
	InBatch        Case = "batch"          // one of many: the endpoint was examined before, and a row has no detail
	RefusedInRun   Case = "refused-in-run"
	Advised        Case = "advised"      // what the EWS code asks for comes first
	CallersOwn     Case = "caller"       // a call was answered with the caller's own mailbox
	ReasonKnown    Case = "reason-known" // why the account is refused; what the reason asks for comes first
)

// RemediesIn are the remedies for the first of the cases that has its own, else
// the usual ones.
func (e Entry) RemediesIn(cases ...Case) []Remedy {
	for _, c := range cases {
		if list, ok := e.Cases[c]; ok {
			return list
		}
	}
	return e.Remedies
}
