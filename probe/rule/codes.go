package rule

import "github.com/ewsprobe/ewsprobe/probe/finding"

// meaning is what an EWS response code on a signed-in request stands for, and
// what the administrator can do about it. Codes are matched, never texts: texts
// are localised. The codes are those of Microsoft's ResponseCode reference.
type meaning struct {
	code       finding.Code
	confidence finding.Confidence
	// own is the finding where no mailbox was named and the answer is about the
	// caller's own; "" for the same.
	own  finding.Code
	says string // sentences for the detail, "" where the catalogue says it all
}

// meanings has every code that is known to matter. What is not in it is an
// exchange-error too, of which nothing more is known.
var meanings = map[string]meaning{
	// Impersonation.
	"ErrorImpersonateUserDenied": {
		code: "impersonation-denied", confidence: finding.Confirmed,
		says: "The account lacks the role ApplicationImpersonation for this mailbox: it has none, or the scope of its assignment (CustomRecipientWriteScope) leaves the mailbox out.",
	},
	"ErrorImpersonationDenied": {
		code: "impersonation-denied", confidence: finding.Confirmed,
		says: "This is the answer of the older way to grant it: the right ms-Exch-EPI-Impersonation on the Client Access server is missing, or was denied.",
	},
	"ErrorImpersonationFailed": {
		code: "impersonation-denied", confidence: finding.Likely,
		says: "This code points to the server's side (application pool, directory, trust) rather than to the role: the server's event log and, across forests, the trust come first.",
	},

	// The address.
	"ErrorNonExistentMailbox":      {code: "mailbox-not-found", confidence: finding.Confirmed, own: "service-mailbox-missing"},
	"ErrorCannotFindUser":          {code: "mailbox-not-found", confidence: finding.Confirmed, own: "service-mailbox-missing"},
	"InvalidUser":                  {code: "mailbox-not-found", confidence: finding.Confirmed, own: "exchange-error"},
	"ErrorMailRecipientNotFound":   {code: "mailbox-not-found", confidence: finding.Confirmed, own: "exchange-error"},
	"ErrorNameResolutionNoResults": {code: "mailbox-not-found", confidence: finding.Confirmed, own: "exchange-error"},
	"ErrorMissingEmailAddress": {
		code: "exchange-error", confidence: finding.Undetermined, own: "service-mailbox-missing",
		says: "With impersonation this means that the account has no mailbox here; without, that the named mailbox was lost on the way and the caller has none.",
	},
	"ErrorInvalidSmtpAddress": {
		code: "exchange-error", confidence: finding.Confirmed,
		says: "Exchange cannot even read the address. Correct it in the mailbox record of Dynamics.",
	},
	"ErrorNonPrimarySmtpAddress": {code: "mailbox-address-differs", confidence: finding.Confirmed, own: "exchange-error"},

	// Rights.
	"ErrorAccessDenied":   {code: "access-denied", confidence: finding.Confirmed},
	"ErrorFolderNotFound": {code: "access-denied", confidence: finding.Likely, own: "exchange-error", says: "Exchange says so, too, when the caller has no right to see the folder."},
	"ErrorItemNotFound":   {code: "access-denied", confidence: finding.Likely, own: "exchange-error", says: "Exchange says so, too, when the caller has no right to see the folder."},

	// The store.
	"ErrorMailboxStoreUnavailable": {code: "mailbox-unavailable", confidence: finding.Confirmed, says: "The database is not mounted, fails over or is overloaded; Get-MailboxDatabase -Status shows it."},
	"ErrorMailboxMoveInProgress":   {code: "mailbox-unavailable", confidence: finding.Confirmed, says: "Get-MoveRequest shows how far the move is. If it leads to Exchange Online, the mailbox needs the Exchange Online profile in Dynamics afterwards."},
	"ErrorMailboxMoved":            {code: "mailbox-unavailable", confidence: finding.Confirmed, says: "The mailbox has just been moved, and this server does not know yet where to. If it went to Exchange Online, it needs the Exchange Online profile in Dynamics."},
	"ErrorMailboxFailover":         {code: "mailbox-unavailable", confidence: finding.Confirmed, says: "The database changes to another server."},
	"ErrorConnectionFailed":        {code: "mailbox-unavailable", confidence: finding.Likely, says: "The front end could not connect to the mailbox store."},

	// Too much at once; throttled (ask.go) says it.
	"ErrorServerBusy":              {code: "throttled", confidence: finding.Confirmed},
	"ErrorExceededConnectionCount": {code: "throttled", confidence: finding.Confirmed},
	"ErrorTooManyObjectsOpened":    {code: "throttled", confidence: finding.Confirmed},

	// The accounts in the directory.
	"ErrorAccountDisabled": {
		code: "exchange-error", confidence: finding.Confirmed,
		says: "The Active Directory account of the mailbox is disabled. Enable it; the account of a shared mailbox is meant to be disabled, and Dynamics reaches it through another that has rights on it.",
	},
	"ErrorPasswordExpired":           {code: "exchange-error", confidence: finding.Confirmed, says: "The password has expired although the sign-in was let pass. Set a new one, in Active Directory and in the Dynamics profile."},
	"ErrorPasswordChangeRequired":    {code: "exchange-error", confidence: finding.Confirmed, says: "The password must be changed first although the sign-in was let pass. Set a new one that need not be changed, in Active Directory and in the Dynamics profile."},
	"ErrorCallerIsInvalidADAccount":  {code: "exchange-error", confidence: finding.Confirmed, says: "The account that signs in is none that Exchange can use: a computer or local account, or one of a forest that is not trusted. Use a user account of Exchange's own forest."},
	"ErrorMailboxConfiguration":      {code: "exchange-error", confidence: finding.Confirmed, says: "What Active Directory holds of the mailbox is not in order. Get-Mailbox shows warnings about it; repair the object."},
	"ErrorNameResolutionNoMailbox":   {code: "exchange-error", confidence: finding.Confirmed, says: "The account that signs in has no mailbox, which this question needs."},
	"ErrorInvalidUserPrincipalName":  {code: "exchange-error", confidence: finding.Confirmed, says: "Exchange cannot use the name of the account to impersonate. The address in Dynamics must be that of a mailbox."},
	"ErrorInvalidUserSid":            {code: "exchange-error", confidence: finding.Confirmed, says: "Exchange cannot use the security identifier of the account to impersonate. Look at the account in Active Directory."},
	"ErrorOrganizationAccessBlocked": {code: "exchange-error", confidence: finding.Confirmed, says: "The organisation is closed or being removed: nothing in the profile mends that."},
	"ErrorInvalidExchangeImpersonationHeaderData": {
		code: "exchange-error", confidence: finding.Confirmed,
		says: "Exchange cannot read whom to impersonate. The address holds something that it does not take, or a device on the way changed the request.",
	},

	// The directory and the server.
	"ErrorADUnavailable":                {code: "exchange-error", confidence: finding.Undetermined, says: "Exchange does not reach Active Directory. Look at its domain controllers, and at the events of MSExchange ADAccess on the server."},
	"ErrorADOperation":                  {code: "exchange-error", confidence: finding.Undetermined, says: "A request of Exchange to Active Directory failed. Look at its domain controllers, and at the events of MSExchange ADAccess on the server."},
	"ErrorInternalServerError":          {code: "exchange-error", confidence: finding.Undetermined, says: "The event log of the server has the reason; the same error at every mailbox points to the server, at one to that mailbox."},
	"ErrorInternalServerTransientError": {code: "exchange-error", confidence: finding.Undetermined, says: "Exchange itself calls it passing. If it stays, the event log of the server has the reason."},
	"ErrorTimeoutExpired":               {code: "exchange-error", confidence: finding.Undetermined, says: "The server was too slow for itself: look at its load."},
	"ErrorInsufficientResources":        {code: "exchange-error", confidence: finding.Undetermined, says: "The server lacks memory or another resource: look at its load."},

	// Versions and form.
	"ErrorInvalidServerVersion":                  {code: "exchange-error", confidence: finding.Confirmed, says: olderServer},
	"ErrorIncorrectSchemaVersion":                {code: "exchange-error", confidence: finding.Confirmed, says: olderServer},
	"ErrorInvalidSchemaVersionForMailboxVersion": {code: "exchange-error", confidence: finding.Confirmed, says: "The mailbox lies on a server older than the request. " + olderServer},
	"ErrorSchemaValidation":                      {code: "exchange-error", confidence: finding.Undetermined, says: "The request is not as EWS wants it. It is the one that Dynamics makes, so a device that changes requests on the way is likelier than a fault of it."},

	// Passing a request on to another site or server.
	"ErrorNoRespondingCASInDestinationSite":          {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " No server there answers: see its service, and the InternalUrl and InternalNLBBypassUrl of its EWS virtual directories."},
	"ErrorNoDestinationCASDueToKerberosRequirements": {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " No server there takes Kerberos: Windows authentication must be on for its EWS virtual directory."},
	"ErrorNoDestinationCASDueToSSLRequirements":      {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " No server there can be reached over TLS as this one demands: see the InternalUrl of its EWS virtual directory."},
	"ErrorNoDestinationCASDueToVersionMismatch":      {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " No server there has a version that can take it: the one that Dynamics reaches must be the newest."},
	"ErrorNoApplicableProxyCASServersAvailable":      {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " None there can take it: see the InternalUrl and InternalNLBBypassUrl of its EWS virtual directories."},
	"ErrorProxyServiceDiscoveryFailed":               {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " Where to could not be found: see the InternalUrl of the EWS virtual directories there."},
	"ErrorProxyRequestProcessingFailed":              {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " It failed there: see the event logs of both servers, and that the clocks and certificates agree."},
	"ErrorProxyRequestNotAllowed":                    {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " The server there does not let this one act for others: see the computer accounts' rights (ms-Exch-EPI-Token-Serialization)."},
	"ErrorProxyTokenExpired":                         {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " Its token was out of date: see the clocks of both servers."},
	"ErrorCrossSiteRequest":                          {code: "exchange-error", confidence: finding.Confirmed, says: "The mailbox belongs to another site, and this server does not pass the request on. Give Dynamics the EWS address of that site."},
	"ErrorProxyGroupSidLimitExceeded":                {code: "exchange-error", confidence: finding.Confirmed, says: proxying + " The account that signs in is a member of more than 3000 groups, which is too many for that. Take the service account out of groups it does not need."},
}

const (
	olderServer = "The request asks for the version Exchange2010, as Dynamics does. Dynamics needs Exchange 2013 SP1 or later, for the server and for the mailbox."
	proxying    = "The server has to pass the request on to another server or site, where the mailbox is."
)

// general are the codes behind which the real one may stand as the inner code.
var general = []string{"ErrorInternalServerError", "ErrorInternalServerTransientError"}
