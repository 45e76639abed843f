package finding

// What Autodiscover brings to light. Each entry stands in the list of its block,
// at its place in the order.

const linkAutodiscover = "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/autodiscover-for-exchange"

const (
	cmdByAddress = `ewsprobe check --user "{user}" {mailbox}`
	cmdFollow    = `ewsprobe check --user "{user}" --follow-autodiscover {mailbox}`
)

func logonBlockedEntry() Entry {
	return Entry{
		Code: "logon-blocked", Block: BlockEndpoint, Status: Critical,
		Title:     "The password is right, but EWS does not let the account in",
		Meaning:   "Another service took the same name and password in the same run, and EWS refused them by every scheme. A new password changes nothing: a rule keeps this account out of EWS. Dynamics gets the same 401.",
		Concluded: "A logon outside of EWS (Autodiscover) was accepted, and at least one logon at EWS was completed and refused, none accepted. An authentication policy that blocks legacy sign-in to EWS, a missing logon right on the server, Protected Users and a device in front that signs in for itself look the same. If only NTLM could be tried at EWS, Extended Protection does too.",
		Remedies: []Remedy{
			{Text: "See whether an authentication policy of Exchange (2019 and later) blocks the account. It leaves the offered schemes as they are.", Command: cmdShowUserPolicy, Link: linkAuthPolicy},
			{Text: "An account without a policy of its own gets the default of the organisation.", Command: cmdShowOrgPolicy},
			{Text: "If a policy with BlockLegacyAuthWebServices holds, make one for service accounts that blocks nothing.", Command: `New-AuthenticationPolicy -Name "Service accounts"`, Link: linkAuthPolicy},
			{Text: "Then assign it to the account.", Command: `Set-User -Identity "{user}" -AuthenticationPolicy "Service accounts"`},
			{Text: "In the Security log of the Exchange server that answered, find event 4625 at the time of the attempt: Sub Status 0xC000015B is a missing logon right, 0xC000035B Extended Protection. No event at all points to a policy of Exchange or a device in front."},
			{Text: "See whether the account is in the group Protected Users: its members cannot use NTLM.", Link: linkProtected},
			{Text: "Check again.", Command: cmdCheck},
			testEnable401,
		},
		SeeAlso: []Code{"credentials-rejected", "basic-rejected", "ntlm-rejected"},
	}
}

func mailboxOnlineEntry() Entry {
	return Entry{
		Code: "mailbox-online", Block: BlockMailbox, Status: Critical, Cause: 2,
		Title:     "The mailbox is in Exchange Online",
		Meaning:   "The mailbox does not live on your own servers (any more), so a Dynamics profile for Exchange Server cannot reach it: this is cause 2. EWS on premises then finds no such mailbox, whatever the password. Enabling Basic does not help.",
		Concluded: "Confirmed when Exchange on premises says by Autodiscover to ask for an address of Exchange Online (redirectAddr to onmicrosoft.com). Likely when the Autodiscover of the domain leads to Exchange Online and to nothing else; a domain with servers of its own whose Autodiscover was moved by mistake looks the same.",
		Remedies: []Remedy{
			{Text: "See where the mailbox is. RemoteUserMailbox means Exchange Online.", Command: cmdShowRecipient},
			{Text: "In Dynamics, assign the Exchange Online profile to the mailbox and have the address approved.", Link: linkOnlineProfile},
			{Text: "If the mailbox is on your own servers after all, correct where Autodiscover of the domain leads to.", Link: linkAutodiscover},
			testEnable401,
		},
		SeeAlso: []Code{"endpoint-online", "mailbox-not-found"},
	}
}

func mailboxAddressDiffersEntry() Entry {
	return Entry{
		Code: "mailbox-address-differs", Block: BlockMailbox, Status: Critical, Cause: 1,
		Title:     "The mailbox has another primary address",
		Meaning:   "Exchange knows the address, but the primary SMTP address of the mailbox is another one. Dynamics compares the address of its mailbox record with Exchange's: this is cause 1. Where EWS takes the address all the same this is a warning, else it is what keeps Dynamics out.",
		Concluded: "Exchange itself named the primary address when it was asked for the one that Dynamics has. Whether EWS takes the other address too was seen from the answer to the call; where no logon was accepted that is not known.",
		Remedies: []Remedy{
			{Text: "See all addresses of the mailbox.", Command: cmdShowRecipient},
			{Text: "In Dynamics, put the primary address into the Email Address of the mailbox record, and have it approved.", Link: linkKB401},
			{Text: "Check again, with the primary address.", Command: cmdImpersonate},
			testEnable,
		},
		SeeAlso: []Code{"mailbox-not-found", "user-name-not-upn"},
	}
}

func autodiscoverFailedEntry() Entry {
	return Entry{
		Code: "autodiscover-failed", Block: BlockMailbox, Status: Critical,
		Title:     "Autodiscover does not lead to EWS",
		Meaning:   "Starting from the mailbox's address, no step of Autodiscover led to an EWS that may be signed in to. A Dynamics profile with Auto Discover Server Location needs it; a profile with the URL typed in does not, and then this is a warning. If a host was found that you did not name, no password was sent there: that needs your leave.",
		Concluded: "The known steps were taken: the domain itself, autodiscover under it, a redirect over http, and the SRV record, or the one endpoint that was named. One 401 on the way decides nothing, the next step is tried. The service connection point in Active Directory was not looked at, and from outside, where Dynamics is, names may lead elsewhere.",
		Remedies: []Remedy{
			{Text: "Read the steps in the report. If they lead to a host that you know and trust, allow the sign-in there.", Command: cmdFollow},
			{Text: "If you know the EWS URL, name it: the check goes on without Autodiscover.", Command: `ewsprobe check --user "{user}" --mailbox "{mailbox}" {host}`},
			{Text: "See which URLs Exchange publishes.", Command: cmdShowEWSURLs},
			{Text: "Publish autodiscover under the mail domain (A or CNAME record, with the name in the certificate), or an SRV record; or type the EWS URL into the Dynamics profile.", Link: linkAutodiscover},
			{Text: "Check again.", Command: cmdByAddress},
			testEnable,
		},
		SeeAlso: []Code{"mailbox-online", "mailbox-not-found", "credentials-rejected"},
	}
}
