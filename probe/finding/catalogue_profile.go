package finding

// profileContradictionEntry is what the exported Dynamics profile brings to light.
var profileContradictionEntry = Entry{
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
