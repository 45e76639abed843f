package finding

const (
	linkKBGraph     = "https://learn.microsoft.com/troubleshoot/power-platform/dataverse/email-exchange-synchronization/error-code-8005e274"
	linkCrossTenant = "https://learn.microsoft.com/power-platform/admin/connect-exchange-online-server-profile-oauth"
)

const (
	cmdWhere  = `ewsprobe check --user "{user}" --mailbox "{mailbox}" --cloud {host}`
	cmdGraph  = `ewsprobe check --user "{user}" --mailbox "{mailbox}" --token-file FILE {host}`
	cmdTenant = `ewsprobe check --profile-auth oauth --mailbox "{mailbox}" --dynamics-url URL {host}`
)

// Entries of block C that are concluded from look-ups outside the network.
var (
	mailboxOnlineEntry = Entry{
		Code: "mailbox-online", Block: BlockMailbox, Status: Critical, Cause: 2,
		Title:     "The mailbox is in Exchange Online",
		Meaning:   "Dynamics reaches this mailbox with a profile for Exchange Server, but the mailbox is in Exchange Online: this is cause 2 of KB 3212785. Exchange Online takes neither Basic nor NTLM, so no setting of the server here helps. The mailbox needs the Exchange Online profile. Mailboxes that are still on your own servers keep theirs.",
		Concluded: "Exchange here says by Autodiscover to ask for an address of Exchange Online (redirectAddr to onmicrosoft.com), which makes it certain. Or Exchange Online, asked without a credential, answered for the address as one of its own: if Exchange here accepted the sign-in and does not know the address, both say the same and it is certain; before that, an old record in one of the two looks the same, and so does an address that only forwards to a mailbox in Exchange Online. Or the Autodiscover of the domain leads to Exchange Online and to nothing else; a domain with servers of its own whose Autodiscover was moved by mistake looks the same.",
		Remedies: []Remedy{
			{Text: "See what Exchange here knows: a RemoteUserMailbox is in Exchange Online, a UserMailbox is on your own servers.", Command: cmdShowRecipient},
			{Text: "If the mailbox is in Exchange Online, assign the Exchange Online profile to it in Dynamics and have the address approved.", Link: linkOnlineProfile},
			{Text: "If it is on your own servers, remove what is left of it in Exchange Online, and check again.", Command: cmdWhere},
			{Text: "If only Autodiscover leads to Exchange Online, correct where that of the domain leads to.", Link: linkAutodiscover},
			testEnable401,
		},
		SeeAlso: []Code{"endpoint-online", "mailbox-not-found", "mailbox-unlicensed"},
	}

	mailboxDuplicateEntry = Entry{
		Code: "mailbox-duplicate", Block: BlockWarning, Status: Warning,
		Title:     "The mailbox seems to be there twice: here and in Exchange Online",
		Meaning:   "EWS on your server opens the mailbox, and yet Exchange Online, or the Autodiscover of your own servers, says that it is in Exchange Online. A user who got an Exchange Online licence while the mailbox was still on premises can have two of them. Synchronization then looks in order, and mail that arrives in the other mailbox is never seen by Dynamics.",
		Concluded: "The mailbox answered here, signed in to; and Exchange Online, asked without a credential, answered for the address as one of its own, or Autodiscover here named an address of Exchange Online for it. An old record of a mailbox that was moved, and an address in Exchange Online that only forwards, look the same.",
		Remedies: []Remedy{
			{Text: "See what Exchange here knows: a UserMailbox is here, a RemoteUserMailbox is in Exchange Online.", Command: cmdShowRecipient},
			{Text: "Run the same in Exchange Online PowerShell: a MailUser has no mailbox there, a UserMailbox is the second one.", Command: cmdShowRecipient},
			{Text: "Where both exist, decide which one is to stay, rescue what is only in the other, and have that one removed."},
			{Text: "Give the mailbox the profile in Dynamics that belongs to the place of the one that stays.", Link: linkOnlineProfile},
			testEnable,
		},
		SeeAlso: []Code{"mailbox-online"},
	}

	mailboxUnlicensedEntry = Entry{
		Code: "mailbox-unlicensed", Block: BlockMailbox, Status: Critical, Cause: 3,
		Title:     "The user has no Exchange Online licence",
		Meaning:   "The mailbox belongs in Exchange Online, but its user has no service plan with a mailbox that is enabled: this is cause 3 of KB 3212785. A plan can be assigned and yet be suspended or switched off inside a licence. Dynamics then shows the error 8005E274 or a 401. For a mailbox on your own servers no such licence is needed.",
		Concluded: "Microsoft Graph showed the user and no enabled Exchange plan, and the mailbox is not on your own servers as far as was seen. MailboxNotEnabledForRESTAPI beside that makes it certain; alone it proves nothing, because a mailbox on premises answers so too. A shared mailbox needs no licence and looks the same.",
		Remedies: []Remedy{
			{Text: "In the Microsoft 365 admin center, look at the licences of the user and at the apps inside them: Exchange Online must be switched on.", Link: linkKBGraph},
			{Text: "If the mailbox is on your own servers after all, assign the Exchange Server profile to it in Dynamics.", Link: linkPrerequisites},
			{Text: "If it is not, assign a licence with Exchange Online and wait until the mailbox is there, then check again.", Command: cmdGraph},
			testEnable401,
		},
		SeeAlso: []Code{"mailbox-online", "mailbox-not-found"},
	}

	tenantDiffersEntry = Entry{
		Code: "tenant-differs", Block: BlockMailbox, Status: Critical, Cause: 4,
		Title:     "Dynamics and Exchange are in different tenants",
		Meaning:   "Dynamics signs in to the tenant it belongs to, and the mailbox is in another: this is cause 4 of KB 3212785. It matters for a server-to-server profile and for one with OAuth. A profile that was made for access across tenants is meant for just this. A profile with user name and password for a mailbox on your own servers does not depend on tenants at all.",
		Concluded: "The tenant that Dynamics names, or that was given, was compared with the one that Entra publishes for the domain of the mailbox and with the one that Exchange trusts; no credential is needed for that. What kind of profile Dynamics has is not to be seen from here. A wrong organisation URL looks the same.",
		Remedies: []Remedy{
			{Text: "See whether the organisation in the report is the one that synchronizes this mailbox, and compare again with its URL.", Command: cmdTenant},
			{Text: "If it is, use a profile with OAuth across tenants in Dynamics, made for the tenant of the mailbox.", Link: linkCrossTenant},
			{Text: "Or, if the domain is meant to be in the tenant of Dynamics, have it removed from the other tenant and verified there."},
			testEnable401,
		},
		SeeAlso: []Code{"mailbox-online", "oauth-disabled"},
	}

	userRecreatedEntry = Entry{
		Code: "user-recreated", Block: BlockMailbox, Status: Critical, Cause: 6,
		Title:     "A user with this address was deleted and made again",
		Meaning:   "A user or mailbox was deleted and another made with the same address, and Dynamics or Exchange Online may still look for the old one: this is cause 6 of KB 3212785. The alert then names NoUserFoundWithGivenClaims, or a user that does not exist in the tenant. Caches can take up to 72 hours to forget the old user, and Entra keeps a deleted user for 30 days.",
		Concluded: "Dynamics' own last error, in the exported profile, names NoUserFoundWithGivenClaims or a user who does not exist in the tenant; or Microsoft Graph showed a deleted user with the address beside the living one. In the first case it is as old as that error; in the second, whether Dynamics still remembers the old user cannot be seen from here. A mailbox that was moved between two users looks the same.",
		Remedies: []Remedy{
			{Text: "In the Microsoft Entra admin center, look at the deleted users: which of the two had the mailbox, and when it was deleted.", Link: linkKB401},
			{Text: "If the deletion is less than 72 hours old, wait, then check again.", Command: cmdGraph},
			{Text: "If it stays, remove the deleted user for good when nothing of it is needed any more, or restore it and remove the new one."},
			testEnable401,
		},
		SeeAlso: []Code{"mailbox-online", "mailbox-not-found"},
	}
)
