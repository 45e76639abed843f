package standin

import "time"

// Behaviour says what the stand-in does. The zero value is an Exchange front end
// in good order that offers no scheme at all; the switches are independent where
// they can be. Every secret it is sent is verified, whatever else is switched.
type Behaviour struct {
	// Basic, NTLM and Negotiate are the schemes an anonymous request is offered,
	// in Exchange's order Negotiate, NTLM, Basic. Inside says what is understood
	// inside Negotiate; nothing here can verify a Kerberos ticket.
	Basic     bool   `yaml:"basic,omitempty"`
	NTLM      bool   `yaml:"ntlm,omitempty"`
	Negotiate bool   `yaml:"negotiate,omitempty"`
	Inside    Inside `yaml:"inside,omitempty"`

	// OAuth answers an "Authorization: Bearer" without a token with a Bearer
	// challenge; AuthorizationURI puts authorization_uri into it, without which
	// modern authentication is only half configured.
	OAuth            bool `yaml:"oauth,omitempty"`
	AuthorizationURI bool `yaml:"authorization-uri,omitempty"`

	// Tokens says how the token of an application is looked at; nil: every token is
	// refused.
	Tokens *Tokens `yaml:"tokens,omitempty"`

	// BasicRefuses and NTLMRefuses refuse the right password too, as a policy
	// does: the scheme is offered, but no logon succeeds by it.
	BasicRefuses bool `yaml:"basic-refuses,omitempty"`
	NTLMRefuses  bool `yaml:"ntlm-refuses,omitempty"`

	// BasicUPNOnly makes Basic know an account by its UPN alone, as a device that
	// reads Basic in front of Exchange may.
	BasicUPNOnly bool `yaml:"basic-upn-only,omitempty"`

	// Directory runs a domain controller beside the nodes: LDAPS, which knows the
	// built-in accounts and says why it refuses one.
	Directory bool `yaml:"directory,omitempty"`

	// ExtendedProtection is the demand on the channel binding of an NTLM logon.
	// Bridged verifies it against another certificate than the one served here,
	// as behind a load balancer that ends TLS and begins it again.
	ExtendedProtection ExtendedProtection `yaml:"extended-protection,omitempty"`
	Bridged            bool               `yaml:"bridged,omitempty"`

	// Handshake is what becomes of an NTLM handshake on its way.
	Handshake Handshake `yaml:"handshake,omitempty"`

	// ClockSkew is added to the server's clock (Date and the NTLM timestamp).
	ClockSkew time.Duration `yaml:"clock-skew,omitempty"`

	// Headers is the shape of the WWW-Authenticate lines.
	Headers HeaderStyle `yaml:"headers,omitempty"`

	// Front answers in Exchange's place.
	Front Front `yaml:"front,omitempty"`

	// Transport and Certificate say how TLS is done. Both hold for all nodes.
	Transport   Transport        `yaml:"transport,omitempty"`
	Certificate CertificateFault `yaml:"certificate,omitempty"`

	// ImpersonationDenied takes the ApplicationImpersonation role away.
	// FaultCode is raised as a SOAP fault before any operation runs, FolderCode
	// is what every folder operation answers. FaultsAs200 sends SOAP faults with
	// status 200 and without detail, as another EWS server was seen doing.
	ImpersonationDenied bool   `yaml:"impersonation-denied,omitempty"`
	FaultCode           string `yaml:"fault-code,omitempty"`
	FolderCode          string `yaml:"folder-code,omitempty"`
	FaultsAs200         bool   `yaml:"faults-as-200,omitempty"`

	// FaultOnce raises FaultCode at the first call of each node only, as a trouble
	// that passes.
	FaultOnce bool `yaml:"fault-once,omitempty"`

	// Aliases is what becomes of a call that names a mailbox by a second address.
	Aliases AliasHandling `yaml:"aliases,omitempty"`

	// LosesMailbox answers a call for a named mailbox with the caller's own, as
	// where the name gets lost on the way.
	LosesMailbox bool `yaml:"loses-mailbox,omitempty"`

	// ForgetsSignIn closes every connection after the answer to a logon, so that
	// none stays signed in.
	ForgetsSignIn bool `yaml:"forgets-sign-in,omitempty"`

	// AllowedAgents, if not empty, are the beginnings of user agents that Exchange's
	// own policy lets pass: it is asked after the sign-in (EwsApplicationAccessPolicy
	// EnforceAllowList). Disabled refuses all (EwsEnabled).
	AllowedAgents []string `yaml:"allowed-agents,omitempty"`
	Disabled      bool     `yaml:"disabled,omitempty"`

	// Autodiscover is what answers beside EWS, on a virtual directory of its own.
	Autodiscover Autodiscover `yaml:"autodiscover,omitempty"`

	// Hazard is a way to harm the client; with HazardOnLogon it waits until a
	// password or an NTLM response was sent.
	Hazard        Hazard `yaml:"hazard,omitempty"`
	HazardOnLogon bool   `yaml:"hazard-on-logon,omitempty"`

	// Echo repeats the Authorization value that came (as it came, decoded, in hex)
	// in headers, realm, body and fault text. For tests of what a client leaks.
	Echo bool `yaml:"echo,omitempty"`

	// Crowd, if not nil, adds many mailboxes, and is kept busy by them.
	Crowd *Crowd `yaml:"crowd,omitempty"`

	// Cloud, if not nil, stands outside the network, at an address of its own.
	Cloud *Cloud `yaml:"cloud,omitempty"`

	// SecondNode, if not nil, is another node behind the same name, at an address
	// of its own. Its Transport, Certificate, Cloud and SecondNode are ignored.
	SecondNode *Behaviour `yaml:"second-node,omitempty"`
}

// AliasHandling is what becomes of a call that names a mailbox by a second address.
type AliasHandling string

const (
	AliasesTaken   AliasHandling = ""        // as by its primary address
	AliasesRefused AliasHandling = "refused" // ErrorNonPrimarySmtpAddress, which names the primary one
	AliasesUnknown AliasHandling = "unknown" // ErrorNonExistentMailbox, although the address book has it
)

// ExtendedProtection is IIS's tokenChecking for Windows authentication.
type ExtendedProtection string

const (
	ExtendedProtectionNone    ExtendedProtection = ""        // no binding is looked at
	ExtendedProtectionAllow   ExtendedProtection = "allow"   // none passes, one that is there must be right
	ExtendedProtectionRequire ExtendedProtection = "require" // there must be one and it must be right
)

// Inside is what is understood inside Negotiate.
type Inside string

const (
	InsideRaw      Inside = ""         // NTLM messages as they are, SPNEGO not
	InsideSPNEGO   Inside = "spnego"   // NTLM inside SPNEGO alone
	InsideBoth     Inside = "both"     // NTLM in both forms, as Windows has it
	InsideKerberos Inside = "kerberos" // no NTLM in either form
)

// Handshake is what becomes of an NTLM handshake on its way.
type Handshake string

const (
	HandshakeKept        Handshake = ""             // as it should be
	HandshakeDropped     Handshake = "dropped"      // the connection is closed after the challenge
	HandshakeOtherNode   Handshake = "other-node"   // the response meets a node that knows no challenge and sends a new one
	HandshakeNoChallenge Handshake = "no-challenge" // the first message is answered with the bare list
	// The requests of a connection go to two nodes in turn, and nothing but their
	// challenges names them.
	HandshakeAlternating Handshake = "alternating"
)

// HeaderStyle is the shape of the WWW-Authenticate lines.
type HeaderStyle string

const (
	HeadersSeparate HeaderStyle = ""         // one line per scheme, as Exchange sends them
	HeadersJoined   HeaderStyle = "joined"   // one line, joined by commas without a space
	HeadersOddCase  HeaderStyle = "odd-case" // names and schemes in unusual case, which means the same (RFC 9110 5.1, 11.1)
)

// Front is whatever answers in Exchange's place: one of the answers in front.tmpl by
// its name, "" none.
type Front string

const (
	FrontGateway        Front = "gateway"         // a publishing gateway (TMG) offers the schemes
	FrontExchangeOnline Front = "exchange-online" // Exchange Online answers under this name
)

// Transport says how TLS is done.
type Transport string

const (
	TransportTLS               Transport = ""                   // TLS 1.2 and 1.3
	TransportPlain             Transport = "plain"              // no TLS at all
	TransportNoSuite           Transport = "no-suite"           // no cipher suite in common: handshake_failure
	TransportOldVersion        Transport = "old-version"        // TLS 1.0 only
	TransportOutdated          Transport = "outdated"           // TLS 1.2 with suites that Dataverse does not accept
	TransportClientCertificate Transport = "client-certificate" // a client certificate is demanded
)

// CertificateFault is what is wrong with the certificate. That its issuer is
// unknown is not a fault of it: that depends on whether the client is given CA.
type CertificateFault string

const (
	CertificateGood      CertificateFault = ""
	CertificateExpired   CertificateFault = "expired"
	CertificateExpiring  CertificateFault = "expiring" // ten days left
	CertificateWrongName CertificateFault = "wrong-name"
)

// Hazard is a way to harm the client.
type Hazard string

const (
	HazardNone           Hazard = ""
	HazardSlow           Hazard = "slow"            // one byte a second
	HazardHang           Hazard = "hang"            // no answer at all
	HazardHuge           Hazard = "huge"            // a body without end
	HazardEndlessHeaders Hazard = "endless-headers" // a header block without end
	HazardGarbage        Hazard = "garbage"         // bytes that are not HTTP
	HazardReset          Hazard = "reset"           // the connection is reset
	HazardLyingLength    Hazard = "lying-length"    // Content-Length promises more than comes
	HazardXMLBomb        Hazard = "xml-bomb"        // a document type whose entities explode
)
