package finding

import "slices"

// Cause is one of the six causes that KB 3212785 lists for a 401 in Dynamics
// server-side synchronization.
type Cause struct {
	Number  int
	Title   string // at most 30 characters, for a table
	Meaning string
	Link    string
}

var causes = []Cause{
	{
		Number:  1,
		Title:   "Mailbox address differs",
		Meaning: "The email address in the Dynamics mailbox record is not the address of the mailbox in Exchange. Compare the Email Address field of the record with the addresses of the mailbox, and correct the one that is wrong.",
		Link:    linkKB401,
	},
	{
		Number:  2,
		Title:   "Mailbox is in Exchange Online",
		Meaning: "The mailbox is in Exchange Online, but Dynamics uses an email server profile for Exchange Server (Hybrid). That profile is for mailboxes on your own servers only; assign the Exchange Online profile instead.",
		Link:    linkKB401,
	},
	{
		Number:  3,
		Title:   "No Exchange Online licence",
		Meaning: "The mailbox should be in Exchange Online, but its user has no licence for it. For a mailbox on your own servers this cause does not apply.",
		Link:    linkKB401,
	},
	{
		Number:  4,
		Title:   "Tenants differ",
		Meaning: "Dynamics and Exchange Online are in different Microsoft 365 tenants. Newer profiles with OAuth across tenants allow that; a profile with user name and password for a mailbox on your own servers does not depend on the tenant at all.",
		Link:    linkKB401,
	},
	{
		Number:  5,
		Title:   "Basic is disabled on EWS",
		Meaning: "The profile signs in to Exchange Server with Basic, but EWS does not offer it. Enable Basic on the EWS virtual directory, or use a profile with NTLM, for which the documentation requires Basic to be off.",
		Link:    linkKB401,
	},
	{
		Number:  6,
		Title:   "User or mailbox was re-created",
		Meaning: "A user or mailbox was deleted and made again with the same address, and Dynamics or Microsoft Entra still remembers the old one. The alert then names NoUserFoundWithGivenClaims or a user that does not exist in the tenant. A deleted user can be restored for 30 days until it is removed for good, and caches can take up to 72 hours to forget it.",
		Link:    linkKB401,
	},
}

// Causes lists the six causes in the order of their numbers. The caller may
// change the result.
func Causes() []Cause { return slices.Clone(causes) }

// LookupCause finds a cause by its number, 1 to 6.
func LookupCause(number int) (Cause, bool) {
	if number < 1 || number > len(causes) {
		return Cause{}, false
	}
	return causes[number-1], true
}
