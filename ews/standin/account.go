package standin

import (
	"slices"
	"strings"
)

// The names a caller needs. There are no other accounts, and none can be added:
// whoever reaches the stand-in can sign in only as somebody who does not exist.
const (
	Host          = "mail.contoso.com" // in the certificate and in URL
	Domain        = "contoso.com"      // of the accounts, in DNS
	netBIOSDomain = "CONTOSO"          // its short name

	User          = `CONTOSO\svc-crm`           // the good account
	UPN           = "svc-crm@contoso.com"       // the same as a user principal name; its mailbox has the same address
	LockedUser    = `CONTOSO\svc-locked`        // is refused whatever the password
	NoMailboxUser = "svc-nomailbox@contoso.com" // signs in, but has no mailbox of its own
	Password      = "Passw0rd!good"             // right for every account
	WrongPassword = "Passw0rd!wrong"            // for none

	// The mailboxes; answers.yaml says what becomes of a call for each.
	Mailbox           = "anna@contoso.com"
	AliasAddress      = "a.schmidt@contoso.com" // a second address of Mailbox
	UnknownMailbox    = "nobody@contoso.com"    // belongs to nobody
	OutOfScopeMailbox = "director@contoso.com"
	ScopedMailbox     = "sales@contoso.com"
	SharedMailbox     = "info@contoso.com"
	// RemoteMailbox was moved to Exchange Online: the directory has it as a mail
	// user, and there is no mailbox here.
	RemoteMailbox   = "moved@contoso.com"
	DisabledMailbox = "former@contoso.com"
	OfflineMailbox  = "archive@contoso.com"
	MovingMailbox   = "moving@contoso.com"
)

// account is one built-in account.
type account struct {
	SAM     string // sAMAccountName
	RID     int    // last part of its security identifier
	Locked  bool   // refused whatever the password
	Mailbox string // its own mailbox, "" if it has none
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
	for _, a := range words().Accounts {
		if strings.EqualFold(a.SAM, user) && (strings.EqualFold(domain, netBIOSDomain) || strings.EqualFold(domain, Domain)) {
			return a
		}
	}
	return nil
}

// mailbox is one built-in mailbox.
type mailbox struct {
	Address    string   // primary
	Aliases    []string // further addresses
	OutOfScope bool     `yaml:"out-of-scope"` // no service account may impersonate it
	Closed     bool     // no service account may open it with rights of its own
	Trouble    string   // the EWS code that every call on it gets, "" for none
}

// findMailbox finds a mailbox by any of its addresses.
func findMailbox(address string) (mailbox, bool) {
	address = strings.TrimSpace(address)
	for _, m := range words().Mailboxes {
		if strings.EqualFold(m.Address, address) || m.hasAlias(address) {
			return m, true
		}
	}
	return mailbox{}, false
}

func (m mailbox) hasAlias(address string) bool {
	return slices.ContainsFunc(m.Aliases, func(a string) bool { return strings.EqualFold(a, strings.TrimSpace(address)) })
}
