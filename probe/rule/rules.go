package rule

import (
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// hit is a code that holds, with what its sentences are made of.
type hit struct {
	status     finding.Status // "": the row's
	confidence finding.Confidence
	variant    string // of the sentences of the catalogue
	params     finding.Params
	evidence   []string
	reason     string
	advice     string       // a reason of the catalogue whose title and remedies fit better
	use        finding.Case // of remedies, before others
}

func holds(c finding.Confidence, variant string, p finding.Params, items []*evidence.Item) *hit {
	h := &hit{confidence: c, variant: variant, params: p}
	h.cite(items...)
	return h
}

// confirmed, likely and unsure are a code that holds with that confidence, as the
// items show.
func confirmed(variant string, p finding.Params, items ...*evidence.Item) *hit {
	return holds(finding.Confirmed, variant, p, items)
}

func likely(variant string, p finding.Params, items ...*evidence.Item) *hit {
	return holds(finding.Likely, variant, p, items)
}

func unsure(variant string, p finding.Params, items ...*evidence.Item) *hit {
	return holds(finding.Undetermined, variant, p, items)
}

// cite names items as evidence.
func (h *hit) cite(items ...*evidence.Item) {
	for _, item := range items {
		h.evidence = append(h.evidence, item.ID)
	}
}

// row connects a code with the question whether it holds: at an address, or
// for the run as a whole.
type row struct {
	code finding.Code
	at   func(*view, *node) *hit
	in   func(*view) *hit
	also func(*view) *hit // for the run, when it holds at no address
	// server: what one answer without a credential shows, so it is asked for each
	// front end that answered.
	server bool
}

// table has every code that evidence can lead to: a new check begins here (doc.go
// has the list of places). bad-usage and config-invalid
// come before there is evidence; ok and inconclusive are what is left when the
// table has been asked (judge.go). The order here means nothing: precedence is
// the catalogue's.
var table = []row{
	// Nothing could be asked (ask.go).
	{code: "dns-failed", in: dnsFailed},
	{code: "connect-failed", at: connectFailed, also: deadAddresses},
	{code: "timeout", at: timedOut},
	{code: "tls-untrusted", at: tlsUntrusted, also: autodiscoverUntrusted},
	{code: "tls-failed", at: tlsFailed},
	{code: "proxy-auth-required", at: proxyAuthRequired, also: proxyBeforeAutodiscover},
	{code: "server-error", at: serverError},
	{code: "throttled", at: throttled},
	// The endpoint (endpoint.go).
	{code: "plain-http", at: plainHTTP},
	{code: "endpoint-online", at: endpointOnline},
	{code: "preauth-redirect", at: preauthRedirect, server: true},
	{code: "redirected", at: redirected, server: true},
	{code: "forbidden", at: forbidden, server: true},
	{code: "not-ews", at: notEWS},
	{code: "no-scheme", at: noScheme, server: true},
	// What it offers (scheme.go).
	{code: "basic-disabled", at: basicDisabled, server: true},
	{code: "ntlm-disabled", at: windowsDisabled("ntlm", "NTLM"), server: true},
	{code: "negotiate-disabled", at: windowsDisabled("negotiate", "Negotiate"), server: true},
	{code: "oauth-disabled", at: oauthDisabled},
	// The token of an application (hma.go).
	{code: "token-not-issued", in: tokenNotIssued},
	{code: "token-refused", at: tokenRefused},
	{code: "hma-certificate-expiring", in: hmaCertificateExpiring},
	// Signing in (signin.go, directory.go).
	{code: "logon-blocked", in: logonBlocked},
	{code: "credentials-rejected", in: credentialsRejected},
	{code: "basic-rejected", at: basicRejected},
	{code: "extended-protection", at: extendedProtection},
	{code: "ntlm-broken", at: ntlmBroken},
	{code: "ntlm-rejected", at: ntlmRejected},
	// The mailbox (mailbox.go), its address and place (address.go).
	{code: "impersonation-denied", at: byEWS("impersonation-denied")},
	{code: "mailbox-online", in: mailboxOnline},
	{code: "mailbox-not-found", at: mailboxNotFound, also: mailboxUnknown},
	{code: "mailbox-address-differs", at: mailboxAddressDiffers, also: addressDiffersUnasked},
	{code: "access-denied", at: byEWS("access-denied")},
	{code: "autodiscover-failed", in: autodiscoverFailed}, // autodiscover.go
	{code: "mailbox-unavailable", at: byEWS("mailbox-unavailable")},
	{code: "exchange-error", at: byEWS("exchange-error")},
	{code: "service-mailbox-missing", at: serviceMailboxMissing},
	// The exported Dynamics profile (profile.go).
	{code: "profile-contradiction", in: profileContradiction},
	// What is known outside the network (cloud.go).
	{code: "mailbox-unlicensed", in: mailboxUnlicensed},
	{code: "mailbox-duplicate", in: mailboxDuplicate},
	{code: "tenant-differs", in: tenantDiffers},
	{code: "user-recreated", in: userRecreated},
	{code: "dynamics-unreadable", in: dynamicsUnreadable}, // environment.go
	// What is around it (around.go).
	{code: "tls-outdated", at: tlsOutdated},
	{code: "certificate-private", at: certificatePrivate},
	{code: "name-private", in: namePrivate},
	{code: "farm-inconsistent", in: farmInconsistent},
	{code: "user-agent-refused", at: userAgentRefused},
	{code: "user-name-not-upn", in: userNameNotUPN},
	{code: "basic-and-ntlm", at: basicAndNTLM},
	{code: "clock-skew", at: clockSkew},
	{code: "certificate-expiring", at: certificateExpiring},
	{code: "address-family", in: addressFamily},
	// What kept a domain controller from answering (directory.go).
	{code: "kdc-unreachable", in: kdcUnreachable},
	{code: "kdc-untrusted", in: trouble(finding.Likely, "", evidence.Dishonest)},
	{code: "ldaps-failed", in: trouble(finding.Confirmed, "", evidence.NoTLS, evidence.Odd)},
	{code: "keytab-unusable", in: trouble(finding.Confirmed, "", evidence.NoKey)},
	{code: "ticket-expired", in: trouble(finding.Confirmed, "", evidence.TicketExpired)},
	{code: "kerberos-failed", in: kerberosFailed},
	{code: "preauth-off", in: preauthOff},
}
