package finding

// warningEntries is block D: warnings.
func warningEntries() []Entry {
	return []Entry{
		{
			Code: "farm-inconsistent", Block: BlockWarning, Status: Warning,
			Title:     "Servers behind the same name answer differently",
			Meaning:   "What Dynamics meets depends on the node that the load balancer picks. Synchronization then works and fails by turns, and since a single 401 is enough to disable a mailbox, mailboxes drop out one after the other.",
			Concluded: "At least two addresses of the name, asked with the same request, differ in the schemes they offer or in what they answer. A node in maintenance or in the middle of an update differs too, for as long as that lasts.",
			Remedies: []Remedy{
				{Text: "See in the report which address differs, then compare the settings of all servers.", Command: `Get-WebServicesVirtualDirectory | Format-List Identity,*Authentication,ExtendedProtection*`},
				{Text: "Set the odd one like the others, or take it out of the load balancer.", Link: linkSetEWS},
				{Text: "Check every node again.", Command: cmdCheckEach},
				testEnable401,
			},
			SeeAlso: []Code{"basic-disabled", "address-family"},
		},
		{
			Code: "user-agent-refused", Block: BlockWarning, Status: Warning,
			Title:     "EWS refuses this program's name but lets those of Dynamics pass",
			Meaning:   "A rule on user agents is at work. It does not stop the synchronization of Dynamics at present, and the check went on under its name. Keep it in mind: an update of Dynamics that changes its name would be refused.",
			Concluded: "The same request got a 403 under this program's user agent and a normal answer under one of Dynamics; each of these is tried once. If that of synchronization (CRM/) is refused, the finding is forbidden instead. Exchange's own list is asked only after the sign-in, a device in front often before. A device in front with such a rule looks the same as the list in Exchange.",
			Remedies: []Remedy{
				{Text: "See whether the organisation has a list of user agents.", Command: cmdShowOrgEWS},
				{Text: "See the same for the mailbox.", Command: cmdShowCASEWS},
				{Text: "Keep both names of Dynamics in an allow list: synchronization calls itself CRM/, Test Connection was seen as ExchangeServicesClient/. With only the first, synchronization works and Test Connection fails.", Link: linkKB403},
			},
			SeeAlso: []Code{"forbidden"},
		},
		{
			Code: "user-name-not-upn", Block: BlockWarning, Status: Warning,
			Title:     "The user name works here but is not a UPN",
			Meaning:   "Exchange accepts DOMAIN\\user or a bare name, but Dynamics puts the user name of the profile into a field that must hold a mail address when it runs Test Connection. The test then ends with ErrorNonExistentMailbox although the logon is in order. The UPN should be the same as the primary mail address of the account.",
			Concluded: "The logon was accepted with a name that holds a backslash or no @. The call that Test Connection makes was then made once, with this name as the address; the detail has Exchange's answer.",
			Remedies: []Remedy{
				{Text: "See the UPN and the mail address of the account.", Command: `Get-User "{user}" | Format-List UserPrincipalName,WindowsEmailAddress`, Link: linkKBNoMailbox},
				{Text: "Check once with the UPN.", Command: `ewsprobe check --user user@domain {host}`},
				{Text: "Enter the UPN as user name in the Dynamics email server profile."},
				testEnable,
			},
			SeeAlso: []Code{"mailbox-not-found", "service-mailbox-missing"},
		},
		{
			Code: "service-mailbox-missing", Block: BlockWarning, Status: Warning,
			Title:     "The service account has no mailbox of its own",
			Meaning:   "The logon works, and with impersonation an account without a mailbox can still synchronize other mailboxes. Test Connection in Dynamics, however, asks for a mailbox under the name of the account and fails without one. Trust Test & Enable Mailbox more than Test Connection.",
			Concluded: "The account signed in and EWS answered that the caller has no mailbox, while no other mailbox was asked for. A mailbox that was moved to Exchange Online can look the same.",
			Remedies: []Remedy{
				{Text: "See what the account is in Exchange.", Command: `Get-Recipient "{user}" | Format-List RecipientTypeDetails,PrimarySmtpAddress`},
				{Text: "Check a mailbox that Dynamics uses; this is what counts.", Command: cmdImpersonate},
				{Text: "If Test Connection has to pass, give the account a mailbox whose primary address is its UPN.", Link: linkKBNoMailbox},
				testEnable,
			},
			SeeAlso: []Code{"mailbox-not-found", "user-name-not-upn"},
		},
		mailboxDuplicateEntry,
		{
			Code: "basic-and-ntlm", Block: BlockWarning, Status: Warning,
			Title:     "Basic is offered although the profile uses NTLM",
			Meaning:   "The documentation requires Basic to be off on EWS when the Dynamics profile uses NTLM. It may work as it is, but it is not what the documentation asks for, and every Basic logon sends a password in clear inside TLS.",
			Concluded: "The check was told that the profile uses NTLM, and the endpoint offers Basic as well. Whether other programs need Basic is not visible from here.",
			Remedies: []Remedy{
				{Text: "Find out first who signs in with Basic: the IIS log of EWS shows the programs. Scripts, mobile and print devices often do."},
				{Text: "See what the EWS virtual directory offers.", Command: cmdShowEWSAuth, Link: linkPrerequisites},
				{Text: "If nobody needs it, switch Basic off for EWS, on every server behind the name.", Command: `Set-WebServicesVirtualDirectory -Identity "{server}\EWS (Default Web Site)" -BasicAuthentication $false`, Link: linkSetEWS},
				{Text: "Check again.", Command: cmdCheckNTLM},
				testEnable,
			},
			SeeAlso: []Code{"basic-disabled"},
		},
		{
			Code: "clock-skew", Block: BlockWarning, Status: Warning,
			Title:     "The server's clock and this machine's differ by more than five minutes",
			Meaning:   "One of the two clocks is wrong. Kerberos fails beyond five minutes, certificates can seem expired or not yet valid, and times in logs do not match. NTLM and Basic usually still work.",
			Concluded: "The server's own time, from the NTLM challenge or the Date header, was compared with this machine's at the moment of the answer. Which of the two is wrong is not known from here; a device in front can send a time of its own.",
			Remedies: []Remedy{
				{Text: "Compare both clocks with a third one you trust, then set right the time source of the one that is off."},
				{Text: "Check again.", Command: cmdAnonymous},
			},
			SeeAlso: []Code{"tls-untrusted"},
		},
		{
			Code: "certificate-expiring", Block: BlockWarning, Status: Warning,
			Title:     "The certificate of the endpoint expires soon",
			Meaning:   "It works today. When the certificate has expired, Dynamics can be expected to refuse the connection, and synchronization stops for every mailbox at once.",
			Concluded: "From the last day of validity in the certificate that was shown, compared with this machine's clock. Another node behind the name may already have the new one.",
			Remedies: []Remedy{
				{Text: "See which nodes show the old certificate.", Command: cmdEachNode},
				{Text: "Renew it on every Exchange server and on the load balancer. Where Extended Protection is on, they all need the same one.", Link: linkEP},
			},
			SeeAlso: []Code{"tls-untrusted", "clock-skew"},
		},
		{
			Code: "address-family", Block: BlockWarning, Status: Warning,
			Title:     "The name has an IPv6 address, but nothing answers there",
			Meaning:   "Dynamics uses IPv6 when the name publishes it. With a stale AAAA record, Dynamics can fail or be slow while everything looks fine over IPv4 inside.",
			Concluded: "The name has an AAAA record, this machine has a route for IPv6, and no answer came from that address while IPv4 answered. A firewall that blocks IPv6 only from this machine looks the same; check from outside.",
			Remedies: []Remedy{
				{Text: "See which addresses answer.", Command: cmdEachNode},
				{Text: "Ask public DNS for the AAAA record of {host}: that is what Dynamics sees.", Link: linkNetwork},
				{Text: "Remove the record, or make the server answer there and let the firewall pass it. Then check again.", Command: cmdEachNode},
				testEnable,
			},
			SeeAlso: []Code{"connect-failed", "farm-inconsistent"},
		},
	}
}

// okEntries is the last code of all.
func okEntries() []Entry {
	return []Entry{
		{
			Code: "ok", Block: BlockWarning, Status: OK,
			Title:     "The endpoint answers the way the Dynamics profile needs it",
			Meaning:   "The scheme of the profile is offered, the account signs in with it, and the mailbox answers if one was asked for. If Dynamics still reports an error, the difference is between this place and Dynamics: another secret in the profile, another URL, or another way from outside. Without a logon, only the offered scheme was checked; the summary says so.",
			Concluded: "Every step that was asked for succeeded, from this machine. It does not prove the way from the internet, nor what is stored in Dynamics.",
			Remedies: []Remedy{
				{Text: "If Dynamics still reports 401, enter the password in the email server profile anew and compare the URL there with the one checked here.", Link: linkKB401},
				{Text: "If no mailbox was checked yet, check one that fails in Dynamics.", Command: cmdImpersonate},
				testEnable401,
			},
		},
	}
}
