package finding

// What Autodiscover brings to light. Each entry stands in the list of its block,
// at its place in the order.

const linkAutodiscover = "https://learn.microsoft.com/exchange/client-developer/exchange-web-services/autodiscover-for-exchange"

const (
	cmdByAddress = `ewsprobe check --user "{user}" {mailbox}`
	cmdFollow    = `ewsprobe check --user "{user}" --follow-autodiscover {mailbox}`
)

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
