package finding

// notCheckedEntry is a row of a batch that nobody asked about.
var notCheckedEntry = Entry{
	Code: "not-checked", Block: BlockMailbox, Status: Unknown,
	Title:     "The mailbox was not asked for, because an earlier answer made it pointless",
	Meaning:   "Nothing is known about this mailbox, good or bad. In a batch the endpoint is examined once; where that already answers for every mailbox (Basic is off, the account is refused, the server is not reached), none is asked for and each row says so. So it is when an account that was accepted is refused in the middle of the run: to go on would lock it.",
	Concluded: "From the answer that the row names: the endpoint's own check, or the refused logon. It is no finding about the mailbox.",
	Remedies: []Remedy{
		{Text: "Mend what the row names first: the report of the endpoint, in the summary, says what it is, what proves it and what to do."},
		{Text: "Check the endpoint by itself until it is in order.", Command: cmdCheck},
		{Text: "Then run the batch again. With the state file of the first run it asks only for what was not checked."},
	},
	Other: map[Case][]Remedy{
		RefusedInRun: {
			{Text: "Find out why the account was refused in the middle of the run: most often its password was changed, or the account was locked or disabled meanwhile. Nothing more was sent for it, so that this run does not lock it."},
			{Text: "Check the account by itself until it is in order.", Command: cmdCheck, Link: linkPrerequisites},
			{Text: "Then run the batch again with the same --resume: it asks only for what was not checked."},
		},
	},
	SeeAlso: []Code{"credentials-rejected", "basic-disabled", "throttled"},
}
