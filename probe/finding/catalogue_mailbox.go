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
				{Text: "If the account has the role, check that the mailbox is inside the scope of the assignment: an empty CustomRecipientWriteScope with the scope Organization leaves nobody out.", Command: cmdShowScopes},
				{Text: "If it has not, and Dynamics may work on every mailbox of the organisation, assign the role without a scope.", Command: cmdAssignRole},
				{Text: "To limit it to the mailboxes that Dynamics uses, make a scope instead (the attribute is an example)...", Command: `New-ManagementScope -Name "Dynamics mailboxes" -RecipientRestrictionFilter "CustomAttribute1 -eq 'Dynamics'"`},
				{Text: "... and assign the role within it.", Command: cmdAssignRole + ` -CustomRecipientWriteScope "Dynamics mailboxes"`},
				{Text: "A new right may take a while to reach every server. Then check again.", Command: cmdImpersonate},
				testEnable,
			},
			SeeAlso: []Code{"access-denied", "mailbox-not-found"},
		},
		{
			Code: "mailbox-not-found", Block: BlockMailbox, Status: Critical, Cause: 1,
			Title:     "Exchange has no mailbox with this address",
			Meaning:   "The logon worked, but the address asked for is not that of a mailbox on these servers. If Dynamics holds this address in the mailbox record, this is cause 1. If the mailbox was moved to Exchange Online it is not found here either, and then cause 2 is the matter. In Test Connection, Dynamics asks for the user name of the profile as if it were an address, so DOMAIN\\user leads to the same error.",
			Concluded: "EWS signed the account in and answered ErrorNonExistentMailbox or another code for an unknown mailbox. The address book was then asked for the address: one that it does not know is mistyped or foreign; one that it knows belongs to a mail contact or user, or to a mailbox in Exchange Online. If it names another primary address, the finding is mailbox-address-differs instead.",
			Remedies: []Remedy{
				{Text: "See what Exchange knows under this address. RemoteUserMailbox means that the mailbox is in Exchange Online; nothing found means that the address is wrong.", Command: cmdShowRecipient, Link: linkKBNoMailbox},
				{Text: "Compare the primary address with the Email Address in the Dynamics mailbox record, letter by letter, and correct the record; have the new address approved."},
				{Text: "If the mailbox is in Exchange Online, assign the Exchange Online profile to it in Dynamics.", Link: linkOnlineProfile},
				{Text: "If only Test Connection fails, enter the user name of the profile as UPN, for an account that has a mailbox under that address.", Link: linkKBNoMailbox},
				{Text: "Check again.", Command: cmdImpersonate},
				testEnable,
			},
			SeeAlso: []Code{"mailbox-address-differs", "user-name-not-upn", "service-mailbox-missing", "endpoint-online"},
		},
		{
			Code: "mailbox-address-differs", Block: BlockMailbox, Status: Critical, Cause: 1,
			Title:     "The mailbox has another primary address than the one asked for",
			Meaning:   "The address belongs to a mailbox here, but as a second address (alias): its primary SMTP address is another one. If Dynamics holds the alias in the mailbox record, this is cause 1. Where the call with the alias still worked this is a warning only: Dynamics may go on for a time, and fail wherever it compares addresses.",
			Concluded: "Exchange refused the alias and named the primary address (ErrorNonPrimarySmtpAddress), or its address book, asked for exactly this address (ResolveNames), has an entry with another primary one. An address book that is not up to date can lag behind a change of addresses by some hours.",
			Remedies: []Remedy{
				{Text: "See the addresses of the mailbox. The one with SMTP: in capitals is the primary.", Command: cmdShowRecipient, Link: linkKBNoMailbox},
				{Text: "In the Dynamics mailbox record, put the primary address into Email Address, letter by letter, and have the new address approved."},
				{Text: "Or, if the alias is the one that people know, make it the primary address in Exchange; an e-mail address policy may set it back."},
				{Text: "Check again, with the primary address.", Command: `ewsprobe check --user "{user}" --mailbox PRIMARY-ADDRESS --impersonate {host}`},
				testEnable401,
			},
			SeeAlso: []Code{"mailbox-not-found", "user-name-not-upn"},
		},
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
		{
			Code: "tls-outdated", Block: BlockMailbox, Status: Critical,
			Title:     "No TLS version or cipher suite that Dynamics accepts",
			Meaning:   "This program could connect, because it knows more cipher suites than Dynamics does; Dynamics cannot. Dataverse accepts TLS 1.3 and 1.2 with ten suites: ECDHE with AES in GCM mode, or in CBC mode with SHA-256 or SHA-384. In Dynamics this shows as an error about a secure connection, not as a 401.",
			Concluded: "The handshake that was made ended with a suite that is not on the list of Dataverse, and a second one that offered exactly the list was refused. A device in front of Exchange that ends TLS looks the same as Exchange; ask the server's own address to tell them apart.",
			Remedies: []Remedy{
				{Text: "Ask the server directly, past the load balancer, to see whose TLS settings these are.", Command: cmdAskDirectly},
				{Text: "Compare its suites with the list that Dynamics accepts.", Link: linkCiphers},
				{Text: "Enable TLS 1.2 with the ECDHE suites of the list there (AES-GCM first), and keep the TLS settings of all Exchange servers the same. Windows orders suites by group policy, SSL Configuration Settings."},
				{Text: "Check again.", Command: cmdAnonymous},
				testEnable,
			},
			SeeAlso: []Code{"tls-failed", "tls-untrusted"},
		},
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
			Meaning:   "The endpoint, the scheme, the name and the password work: EWS answers only after a logon. The error itself is about something else: a disabled account, a password to be changed, a directory or another site that cannot be reached, a version. It may pass, or Dynamics may meet it too.",
			Concluded: "The answer was a valid EWS message with an error code that no other finding names. The detail has the code and, where it is a known one, what it means and what to look at. An error that often passes was asked for twice.",
			Remedies: []Remedy{
				{Text: "Read the EWS code in the detail and what it says to do, and look into the event log of the Exchange server at the time of the answer."},
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
