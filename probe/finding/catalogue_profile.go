package finding

// What the exported Dynamics profile brings to light.
var (
	userRecreatedEntry = Entry{
		Code: "user-recreated", Block: BlockMailbox, Status: Critical, Cause: 6,
		Title:     "A user or mailbox was deleted and made again with the same address",
		Meaning:   "Dynamics or Microsoft Entra still remembers the old user and asks for it, so the new one is not found. Nothing on the Exchange servers is wrong, and EWS cannot show it. A deleted user stays restorable for 30 days, and caches can take up to 72 hours to forget.",
		Concluded: "Dynamics' own last test or last error, in the exported profile, names NoUserFoundWithGivenClaims or a user who does not exist in the tenant. It is as old as that test: run Test Connection anew and export again to be sure that it still holds.",
		Remedies: []Remedy{
			{Text: "See in the Microsoft Entra admin center, under deleted users, whether an old user with the same address is still there.", Link: linkKB401},
			{Text: "If so, and if nobody needs it, delete it there for good. This cannot be undone."},
			{Text: "Wait up to 72 hours, export the profile again and check.", Command: cmdProfile},
			testEnable,
		},
		SeeAlso: []Code{"profile-contradiction", "mailbox-not-found"},
	}

	profileContradictionEntry = Entry{
		Code: "profile-contradiction", Block: BlockMailbox, Status: Critical,
		Title:     "The Dynamics profile contradicts itself or what was seen",
		Meaning:   "The exported e-mail server profile holds settings that do not fit each other, the documentation, or this endpoint; the detail has a sentence for each. It is critical where Dynamics cannot work with the profile as it is, and a warning where it can work but should not be left so.",
		Concluded: "From the file given with --profile and from the schemes that the endpoint offers. The file shows the profile at the time of the export, and mailboxes may use another profile.",
		Remedies: []Remedy{
			{Text: "In Dynamics, see on the failing mailbox record which profile it uses, and that it is the exported one."},
			{Text: "Correct what the detail names: the user name as UPN, the server location as https://HOST/EWS/Exchange.asmx for incoming and outgoing, the type Exchange Server (Hybrid) for mailboxes on your own servers only.", Link: linkPrerequisites},
			{Text: "For mailboxes in Exchange Online, assign the Exchange Online profile instead.", Link: linkOnlineProfile},
			{Text: "Switch on Use Impersonation where one account serves all mailboxes.", Link: linkBestPractices},
			{Text: "Export the profile again and check.", Command: cmdProfile},
			testEnable,
		},
		SeeAlso: []Code{"user-name-not-upn", "basic-and-ntlm", "endpoint-online"},
	}
)
