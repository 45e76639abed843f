package evidence

import (
	"slices"
	"strings"
)

// Profile is the e-mail server profile as Dynamics exported it: what Dynamics
// was told about the server, and what it saw when it last tried. Names in the
// comments are the logical names of Dataverse's table emailserverprofile
// (https://learn.microsoft.com/power-apps/developer/data-platform/reference/entities/emailserverprofile).
// What the export did not hold is absent.
type Profile struct {
	ID              string      `json:"id" keep:"tenant,said" differs:"no"` // emailserverprofileid, where Dynamics itself was read
	Name            string      `json:"name" keep:"profile,said"`
	ServerType      *Option     `json:"server_type"`       // servertype
	AutoDiscover    *bool       `json:"auto_discover"`     // useautodiscover
	SameForOutgoing *bool       `json:"same_for_outgoing"` // usesamesettingsforoutgoingconnections
	Incoming        ProfileSide `json:"incoming"`
	Outgoing        ProfileSide `json:"outgoing"`
	Tenant          string      `json:"tenant" keep:"tenant,said"` // exchangeonlinetenantid
	// Of hybrid modern authentication: the application, its tenant, for which
	// resource it gets a token.
	Application       string      `json:"application" keep:"tenant,said"`        // managedidentity.applicationid, else oauthclientid
	ApplicationTenant string      `json:"application_tenant" keep:"tenant,said"` // managedidentity.tenantid
	Resource          string      `json:"resource" keep:"url,said"`              // aadresourceid
	LastTest          ProfileTest `json:"last_test"`
	Taken             []string    `json:"taken" keep:"word" differs:"no"` // what came from here: url, user, ...
}

// ProfileSide is one direction of a profile; Exchange profiles usually have
// the same twice.
type ProfileSide struct {
	Location      string  `json:"location" keep:"url,said"` // …serverlocation
	Port          int     `json:"port" null:"zero"`         // …portnumber
	Protocol      *Option `json:"protocol"`                 // …authenticationprotocol
	Credentials   *Option `json:"credentials"`              // …credentialretrieval
	Impersonation *bool   `json:"impersonation"`            // …useimpersonation
	User          string  `json:"user" keep:"account,said"` // …username
}

// ProfileTest is what Dynamics itself wrote down at its last try. The texts
// may come from a server; they are bounded and cleaned.
type ProfileTest struct {
	At            string  `json:"at" keep:"date,said" differs:"no"`       // lastteststarttime, as exported
	Execution     *Option `json:"execution"`                              // lasttestexecutionstatus
	Validation    *Option `json:"validation"`                             // lasttestvalidationstatus
	Authorization *Option `json:"authorization"`                          // lastauthorizationstatus
	Request       string  `json:"request" keep:"alert,said" differs:"no"` // lasttestrequest
	Response      string  `json:"response" keep:"alert,said"`             // lasttestresponse
	Message       string  `json:"message" keep:"alert,said"`              // lastcrmmessage
	SyncError     string  `json:"sync_error" keep:"alert,said"`           // lastsyncerror
	SyncErrorCode string  `json:"sync_error_code" keep:"alert,said"`      // lastsyncerrorcode
}

// Option is a value of an option column: its number and its label.
type Option struct {
	Number int    `json:"number"`
	Label  string `json:"label" keep:"label,said"`
}

// Is says whether an option that is there has one of these numbers.
func (o *Option) Is(numbers ...int) bool { return o != nil && slices.Contains(numbers, o.Number) }

// Name is the label of an option, "" for one that is not there.
func (o *Option) Name() string {
	if o == nil {
		return ""
	}
	return o.Label
}

// Server types (servertype).
const (
	ServerExchange = 0
	ServerPOP3     = 1
	ServerHybrid   = 2
	ServerOnline   = 3
	ServerIMAP     = 4
)

// Authentication protocols (incomingauthenticationprotocol).
const (
	ProtocolAuto      = 0
	ProtocolNegotiate = 1
	ProtocolNTLM      = 2
	ProtocolBasic     = 3
	ProtocolOAuth     = 4
)

// Where the credentials come from (incomingcredentialretrieval).
const (
	CredentialsUser           = 0 // from the record of a user or queue
	CredentialsProfile        = 1
	CredentialsServerToServer = 2
	CredentialsWindows        = 3
	CredentialsAnonymous      = 4
	CredentialsGmail          = 5
	CredentialsHybridModern   = 6
	CredentialsEntra          = 7
)

// OtherProtocol: a POP3, IMAP or SMTP profile, which does not use EWS.
func (p *Profile) OtherProtocol() bool { return p != nil && p.ServerType.Is(ServerPOP3, ServerIMAP) }

// Tokens: Dynamics signs in with tokens, not with a user name and password.
func (p *Profile) Tokens() bool {
	return p != nil && (p.Incoming.Protocol.Is(ProtocolOAuth) ||
		p.Incoming.Credentials.Is(CredentialsServerToServer, CredentialsHybridModern, CredentialsEntra))
}

// Auth is the authentication of the profile in the words of
// Target.ProfileAuth; "" where the profile does not say.
func (p *Profile) Auth() string {
	if p == nil || p.OtherProtocol() {
		return ""
	}
	if p.Tokens() {
		return "oauth"
	}
	if o := p.Incoming.Protocol; o != nil {
		return map[int]string{ProtocolAuto: "auto", ProtocolNegotiate: "negotiate", ProtocolNTLM: "ntlm", ProtocolBasic: "basic"}[o.Number]
	}
	return ""
}

// Saw is everything that Dynamics wrote down at its last try, as one text; the
// request is its own.
func (t ProfileTest) Saw() string {
	parts := []string{t.Message, t.SyncErrorCode, t.SyncError, t.Response}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n")
}
