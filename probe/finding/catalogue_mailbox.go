package finding

// mailboxEntries is block C: the mailbox and what is around it.
func mailboxEntries() []Entry {
	return []Entry{
		{
			Code: "impersonation-denied", Block: BlockMailbox, Status: Critical,
			Title:     "The account signs in but may not impersonate the mailbox",
			Meaning:   "Name, password and scheme are in order: this is a question of rights. The service account lacks the role ApplicationImpersonation for this mailbox, so Dynamics can sign in and still not work on it. The role may be missing altogether or limited to a scope in which this mailbox is not.",
			Concluded: "EWS answered an impersonated request with ErrorImpersonateUserDenied, ErrorImpersonationDenied or ErrorImpersonationFailed. The first two are about rights; the last points to the server itself, its directory or a trust, and the event log of the server says more.",
			Remedies: []Remedy{
				{Text: "See who has the role, and through which assignment and scope.", Command: cmdShowRole, Link: linkPrerequisites},
				{Text: "If the account has the role, check that the mailbox is inside the scope of the assignment."},
				{Text: "If it has not, and Dynamics may work on every mailbox of the organisation, assign the role without a scope.", Command: cmdAssignRole},
				{Text: "To limit it to the mailboxes that Dynamics uses, make a scope instead (the attribute is an example)...", Command: `New-ManagementScope -Name "Dynamics mailboxes" -RecipientRestrictionFilter "CustomAttribute1 -eq 'Dynamics'"`},
				{Text: "... and assign the role within it.", Command: cmdAssignRole + ` -CustomRecipientWriteScope "Dynamics mailboxes"`},
				{Text: "A new right may take a while to reach every server. Then check again.", Command: cmdImpersonate},
				testEnable,
			},
			SeeAlso: []Code{"access-denied", "mailbox-not-found"},
		},
		mailboxOnlineEntry(),
		{
			Code: "mailbox-not-found", Block: BlockMailbox, Status: Critical, Cause: 1,
			Title:     "Exchange has no mailbox with this address",
			Meaning:   "The logon worked, but the address asked for is not that of a mailbox on these servers. If Dynamics holds this address in the mailbox record, this is cause 1. If the mailbox was moved to Exchange Online it is not found here either, and then cause 2 is the matter. In Test Connection, Dynamics asks for the user name of the profile as if it were an address, so DOMAIN\\user leads to the same error.",
			Concluded: "EWS signed the account in and answered ErrorNonExistentMailbox or another code for an unknown mailbox. A mistyped address, a mail contact, a mailbox in Exchange Online and one of another organisation look the same.",
			Remedies: []Remedy{
				{Text: "See what Exchange knows under this address. RemoteUserMailbox means that the mailbox is in Exchange Online; nothing found means that the address is wrong.", Command: cmdShowRecipient, Link: linkKBNoMailbox},
				{Text: "Compare the primary address with the Email Address in the Dynamics mailbox record, letter by letter, and correct the record; have the new address approved."},
				{Text: "If the mailbox is in Exchange Online, assign the Exchange Online profile to it in Dynamics.", Link: linkOnlineProfile},
				{Text: "If only Test Connection fails, enter the user name of the profile as UPN, for an account that has a mailbox under that address.", Link: linkKBNoMailbox},
				{Text: "Check again.", Command: cmdImpersonate},
				testEnable,
			},
			SeeAlso: []Code{"user-name-not-upn", "service-mailbox-missing", "endpoint-online"},
		},
		mailboxAddressDiffersEntry(),
		{
			Code: "access-denied", Block: BlockMailbox, Status: Critical,
			Title:     "The account signs in but has no access to the mailbox",
			Meaning:   "Name, password and scheme are in order; the rights on the mailbox are not. Without impersonation the service account needs rights of its own on every mailbox. Dynamics does not support appointments, contacts and tasks without impersonation, so the role is usually the better way.",
			Concluded: "EWS answered ErrorAccessDenied, or did not find the folder in another person's mailbox, which is how a missing right looks. An organisation's rule about EWS can answer with the same code.",
			Remedies: []Remedy{
				{Text: "Check the same mailbox with impersonation. If that works, switch on Use Impersonation in the Dynamics profile.", Command: cmdImpersonate, Link: linkBestPractices},
				{Text: "See whether the account has the role.", Command: cmdShowRole},
				{Text: "If not, assign it.", Command: cmdAssignRole, Link: linkPrerequisites},
				{Text: "If the profile must go without impersonation, give the account full access to the mailbox (Add-MailboxPermission), and check again.", Command: `ewsprobe check --user "{user}" --mailbox "{mailbox}" {host}`},
				testEnable,
			},
			SeeAlso: []Code{"impersonation-denied", "forbidden"},
		},
		autodiscoverFailedEntry(),
		{
			Code: "certificate-private", Block: BlockMailbox, Status: Critical,
			Title:     "The certificate does not come from a public authority",
			Meaning:   "The chain ends in an authority that this machine trusts but the public roots do not contain. Dynamics connects from the cloud and cannot know your own authority, so it must be expected to refuse the connection. For an endpoint that Dynamics never uses, a private authority is fine.",
			Concluded: "With --view public the chain was compared with the public roots that this program knows, and it ends in none of them. A device that inspects TLS on the way out of this machine looks the same: run the check from outside to be sure.",
			Remedies: []Remedy{
				{Text: "Look at the issuer in the report. If it is a scanner or proxy of your own network, you do not see the certificate that Dynamics sees; run the check from outside."},
				{Text: "Install a certificate of a public authority that names {host} on the public endpoint, with its intermediate certificates.", Link: linkNetwork},
				{Text: "Check again.", Command: `ewsprobe check --no-credentials --view public {host}`},
				testEnable,
			},
			SeeAlso: []Code{"tls-untrusted", "certificate-expiring"},
		},
		{
			Code: "mailbox-unavailable", Block: BlockMailbox, Status: Unknown,
			Title:     "The mailbox cannot be opened at the moment",
			Meaning:   "The logon worked and the mailbox exists, but its database is offline, fails over or is being moved. This usually passes. Dynamics treats such errors as passing: it tries ten times, five minutes apart, and disables the mailbox after that.",
			Concluded: "EWS answered with a code for a store that is not available or a mailbox that is being moved. From the answer alone a short failover and a dismounted database look the same.",
			Remedies: []Remedy{
				{Text: "See whether the mailbox is being moved or its database is down, in the Exchange admin center or with the team that runs the databases."},
				{Text: "Wait a few minutes, then check again.", Command: cmdImpersonate},
				testEnable,
			},
			SeeAlso: []Code{"throttled", "exchange-error"},
		},
		{
			Code: "exchange-error", Block: BlockMailbox, Status: Unknown,
			Title:     "EWS signed the account in but answered with an error",
			Meaning:   "The endpoint, the scheme, the name and the password work: EWS answers only after a logon. The error itself is one that this program has no rule for. It may pass, or Dynamics may meet it too.",
			Concluded: "The answer was a valid EWS message with an error code that no other finding names; the detail has the code. Whether the fault lies in the request, the mailbox or the server is not known from here.",
			Remedies: []Remedy{
				{Text: "Read the EWS code in the detail, and look into the event log of the Exchange server at the time of the answer."},
				{Text: "Check once more after a few minutes, and with another mailbox, to see whether it stays and whom it concerns.", Command: cmdImpersonate},
				testEnable,
			},
			SeeAlso: []Code{"mailbox-unavailable", "throttled", "inconclusive"},
		},
		{
			Code: "inconclusive", Block: BlockMailbox, Status: Unknown,
			Title:     "What was seen fits no rule",
			Meaning:   "The evidence is contradictory or incomplete, so no verdict is given rather than a guessed one. What was seen is in the report all the same, and so is what is missing.",
			Concluded: "No rule holds for this record. One known case: a request without impersonation for another mailbox was answered with the caller's own.",
			Remedies: []Remedy{
				{Text: "Read in the report what is missing, and supply it: for example a password, a mailbox, or impersonation.", Command: cmdImpersonate},
				{Text: "Check one node at a time; several servers that answer differently can make a record that fits nothing.", Command: cmdOneNode},
				{Text: "Save a record for whoever helps you. It holds host names and addresses, but no password.", Command: `ewsprobe check --no-credentials --save record.json {host}`},
			},
			SeeAlso: []Code{"farm-inconsistent", "exchange-error"},
		},
	}
}
