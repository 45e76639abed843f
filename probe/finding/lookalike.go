package finding

import (
	"slices"
	"strings"
)

// Lookalike is one reason why a logon is refused that looks like every other
// from the network, and what settles it on the server.
type Lookalike struct {
	// Reason is the value of verdict.reason once it is known; empty where
	// the report has no value for it.
	Reason string
	Title  string
	// SubStatus is the Sub Status of event 4625 in the Security log (the
	// Status holds it where the Sub Status is 0x0); empty where no value
	// settles it.
	SubStatus string
	// Win32 is sc-win32-status in the IIS log beside sub-status 401.1. It
	// usually comes with Basic; NTLM often logs 2148074252 (logon denied)
	// for most of them.
	Win32 string
	// Check is where else to look.
	Check string
}

// Two values of sc-win32-status that come with NTLM only: a refused channel
// binding, and the general refusal.
const (
	win32BadBindings = "3221226331"
	win32LogonDenied = "2148074252"
)

// The sub statuses are those of Microsoft's description of event 4625, the
// Win32 values those of the Windows headers.
var lookalikes = []Lookalike{
	{Reason: "wrong-password", Title: "wrong password", SubStatus: "0xC000006A", Win32: "1326", Check: "Compare the password with the one in the vault, and look when it was last set."},
	{Reason: "unknown-user", Title: "no such user", SubStatus: "0xC0000064", Win32: "1326", Check: "Check the UPN suffix and the domain of the user name."},
	{Reason: "locked", Title: "account locked out", SubStatus: "0xC0000234", Win32: "1909", Check: "Event 4740 on the domain controller names the machine that locked it."},
	{Reason: "disabled", Title: "account disabled", SubStatus: "0xC0000072", Win32: "1331", Check: "See the account in Active Directory Users and Computers."},
	{Reason: "expired", Title: "account expired", SubStatus: "0xC0000193", Win32: "1793", Check: "See the expiry date of the account."},
	{Reason: "password-expired", Title: "password expired", SubStatus: "0xC0000071", Win32: "1330", Check: "Set a new password, here and in the Dynamics profile."},
	{Reason: "must-change-password", Title: "password must be changed first", SubStatus: "0xC0000224", Win32: "1907", Check: "Clear \"User must change password at next logon\"."},
	{Reason: "logon-hours", Title: "outside the logon hours", SubStatus: "0xC000006F", Win32: "1328", Check: "See the logon hours of the account; Dynamics works around the clock."},
	{Reason: "workstation", Title: "not allowed from this workstation", SubStatus: "0xC0000070", Win32: "1329", Check: "See \"Log On To\" of the account: a name for Dynamics is never in that list."},
	{Reason: "restricted", Title: "logon right missing on the server", SubStatus: "0xC000015B", Win32: "1385", Check: "See the policies \"Access this computer from the network\" and \"Deny access to this computer from the network\"."},
	{Reason: "restricted", Title: "member of Protected Users", Check: "Event 100 in the log ProtectedUserFailures-DomainController; see the members of the group. It stops NTLM."},
	{Reason: "smartcard-required", Title: "smart card required", Check: "See \"Smart card is required for interactive logon\" of the account: its password is then a random one."},
	{Title: "authentication policy with BlockLegacyAuthWebServices", Check: "Get-User and Get-OrganizationConfig show the policy. The offered schemes do not change; that another account can sign in points to it."},
	{Title: "Extended Protection (NTLM and Negotiate only)", SubStatus: "0xC000035B", Win32: win32BadBindings, Check: "Compare the certificate seen here with the one on the Exchange server."},
}

// BindingOnly: it refuses a channel binding, so it concerns NTLM and Negotiate
// alone.
func (l Lookalike) BindingOnly() bool { return l.Win32 == win32BadBindings }

// Lookalikes lists what looks the same as a refused password, the most common
// first, and what settles each. The caller may change the result.
func Lookalikes() []Lookalike { return slices.Clone(lookalikes) }

// subStatusList names the sub statuses of event 4625 in one sentence.
func subStatusList() string {
	var parts []string
	for _, l := range lookalikes {
		if l.SubStatus != "" {
			parts = append(parts, l.SubStatus+" "+l.Title)
		}
	}
	return strings.Join(parts, ", ")
}

// win32List names the values of sc-win32-status after Basic in one sentence. A
// value that stands for several reasons is named with all of them.
func win32List() string {
	var parts []string
	at := make(map[string]int)
	for _, l := range lookalikes {
		if l.Win32 == "" || l.Win32 == win32BadBindings {
			continue
		}
		if i, ok := at[l.Win32]; ok {
			parts[i] += " or " + l.Title
			continue
		}
		at[l.Win32] = len(parts)
		parts = append(parts, l.Win32+" "+l.Title)
	}
	return strings.Join(parts, ", ")
}
