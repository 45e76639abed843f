package standin

import (
	"slices"
	"strconv"
	"strings"
)

// The names a caller needs. There are no other accounts, and none can be added:
// whoever reaches the stand-in can sign in only as somebody who does not exist.
const (
	// Host is the name in the certificate and in URL.
	Host = "mail.contoso.com"

	// User is the good account as DOMAIN\user, UPN the same account as a user
	// principal name; its mailbox has the same address.
	User = `CONTOSO\svc-crm`
	UPN  = "svc-crm@contoso.com"

	// Password is right for every account, WrongPassword for none.
	Password      = "Passw0rd!good"
	WrongPassword = "Passw0rd!wrong"

	// LockedUser is refused whatever the password.
	LockedUser = `CONTOSO\svc-locked`

	// NoMailboxUser signs in, but has no mailbox of its own.
	NoMailboxUser = "svc-nomailbox@contoso.com"

	// Mailbox may be impersonated and opened by the service accounts.
	Mailbox = "anna@contoso.com"

	// UnknownMailbox belongs to nobody.
	UnknownMailbox = "nobody@contoso.com"

	// OutOfScopeMailbox exists, but no service account may impersonate or open it.
	OutOfScopeMailbox = "director@contoso.com"

	// AliasAddress is a second address of Mailbox.
	AliasAddress = "a.schmidt@contoso.com"

	// ScopedMailbox may be impersonated, and not be opened with the service
	// accounts' own rights; SharedMailbox the other way round.
	ScopedMailbox = "sales@contoso.com"
	SharedMailbox = "info@contoso.com"

	// RemoteMailbox was moved to Exchange Online: the directory has it as a mail
	// user, and there is no mailbox here.
	RemoteMailbox = "moved@contoso.com"

	// DisabledMailbox belongs to an account that is disabled.
	DisabledMailbox = "former@contoso.com"

	// OfflineMailbox lies in a database that is not mounted.
	OfflineMailbox = "archive@contoso.com"

	// MovingMailbox is being moved to another database.
	MovingMailbox = "moving@contoso.com"
)

// Domain is the DNS name of the accounts' domain.
const Domain = "contoso.com"

// netBIOSDomain is its short name.
const netBIOSDomain = "CONTOSO"

// account is one built-in account.
type account struct {
	sam     string // sAMAccountName
	rid     int    // last part of its security identifier
	locked  bool   // refused whatever the password
	mailbox string // its own mailbox, "" if it has none
}

// sid is the account's security identifier, which Exchange puts into a cookie.
func (a *account) sid() string {
	return "S-1-5-21-1004336348-1177238915-682003330-" + strconv.Itoa(a.rid)
}

var accounts = []*account{
	{sam: "svc-crm", rid: 1603, mailbox: UPN},
	{sam: "svc-locked", rid: 1604, locked: true, mailbox: "svc-locked@contoso.com"},
	{sam: "svc-nomailbox", rid: 1605},
}

// findAccount resolves the name forms that Active Directory accepts: DOMAIN\user
// with the NetBIOS or the DNS name, user@suffix with either, and the bare name.
// A user principal name together with a domain names nobody, as in Windows.
func findAccount(domain, user string) *account {
	if domain == "" {
		if d, u, found := strings.Cut(user, `\`); found {
			domain, user = d, u
		} else if u, suffix, found := strings.Cut(user, "@"); found {
			domain, user = suffix, u
		} else {
			domain = netBIOSDomain
		}
	}
	if !strings.EqualFold(domain, netBIOSDomain) && !strings.EqualFold(domain, Domain) {
		return nil
	}
	for _, a := range accounts {
		if strings.EqualFold(a.sam, user) {
			return a
		}
	}
	return nil
}

// mailbox is one built-in mailbox.
type mailbox struct {
	address    string   // primary
	aliases    []string // further addresses
	outOfScope bool     // no service account may impersonate it
	closed     bool     // no service account may open it with rights of its own
	trouble    string   // the EWS code that every call on it gets, "" for none
}

var mailboxes = []mailbox{
	{address: UPN},
	{address: "svc-locked@contoso.com"},
	{address: Mailbox, aliases: []string{AliasAddress}},
	{address: OutOfScopeMailbox, outOfScope: true, closed: true},
	{address: ScopedMailbox, closed: true},
	{address: SharedMailbox, outOfScope: true},
	{address: DisabledMailbox, trouble: "ErrorAccountDisabled"},
	{address: OfflineMailbox, trouble: "ErrorMailboxStoreUnavailable"},
	{address: MovingMailbox, trouble: "ErrorMailboxMoveInProgress"},
}

// findMailbox finds a mailbox by any of its addresses.
func findMailbox(address string) (mailbox, bool) {
	address = strings.TrimSpace(address)
	for _, m := range mailboxes {
		if strings.EqualFold(m.address, address) || m.hasAlias(address) {
			return m, true
		}
	}
	return mailbox{}, false
}

func (m mailbox) hasAlias(address string) bool {
	return slices.ContainsFunc(m.aliases, func(a string) bool { return strings.EqualFold(a, strings.TrimSpace(address)) })
}
