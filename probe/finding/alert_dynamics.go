package finding

// dynamicsAlerts are sentences and codes that EWS has no part in, or none of
// its own: settings in Dynamics, other protocols, devices. The source is
// Microsoft's articles on server-side synchronization
// (https://learn.microsoft.com/troubleshoot/power-platform/dataverse/email-exchange-synchronization).
var dynamicsAlerts = []alertRule{
	{
		Alert: Alert{
			Key:     "mailbox-record-inactive",
			Meaning: "The mailbox record in Dynamics is inactive: its user was deactivated or has lost the licence. Activate the user and the record, then run Test & Enable Mailbox.",
		},
		any: [][]string{{"mailboxdisabled"}},
	},
	{
		Alert: Alert{
			Key:     "dynamics-privilege",
			Meaning: "A right is missing in Dynamics, not in Exchange: the owner of the mailbox record must be its user, with a security role that may use mailboxes.",
		},
		any: [][]string{{"80048306"}, {"not enough privilege"}, {"mailbox user does", "have sufficient permissions"}},
	},
	{
		Alert: Alert{
			Key:     "approval-missing",
			Meaning: "The address of the mailbox record is not approved in Dynamics. A Microsoft 365 or Exchange administrator has to run Approve Email on it, then Test & Enable Mailbox.",
		},
		any: [][]string{
			{"requires an approval by"},
			{"email address", "haven't been approved"},
			{"email address", "haven\u2019t been approved"},
			{"email address", "has not been approved"},
			{"email address", "have not been approved"},
		},
	},
	{
		Alert: Alert{
			Key:     "other-organization",
			Meaning: "Another Dynamics environment synchronizes appointments, contacts and tasks of this mailbox, and only one may. Run Test & Enable Mailbox with the choice to make this environment the primary one, or leave it to the other.",
		},
		any: [][]string{{"configured with another organization"}},
	},
	{
		Alert: Alert{
			Key:     "integration-plugin",
			Meaning: "A plug-in or workflow in Dynamics stopped the incoming email (UnknownIncomingEmailIntegrationError -2147220956). Look into the plug-in trace log; the sign-in is not the problem.",
		},
		any: [][]string{{"2147220956"}},
	},
	{
		Alert: Alert{
			Key:     "integration-transient",
			Meaning: "Dynamics could not take the email in at the moment (UnknownIncomingEmailIntegrationError -2147220970). It tries again in its next cycle, about 15 minutes later; if it comes rarely, leave it.",
		},
		any: [][]string{{"2147220970"}},
	},
	{
		Alert: Alert{
			Key:     "integration-address",
			Meaning: "An address in To or Cc of the email cannot be used (UnknownIncomingEmailIntegrationError -2147218677). It concerns this email alone.",
		},
		any: [][]string{{"2147218677"}},
	},
	{
		Alert: Alert{
			Key:     "integration-queue-owner",
			Meaning: "The owner of the queue may not read in Dynamics what the email belongs to (UnknownIncomingEmailIntegrationError -2147220192). Give the owner the right Read, or the queue another owner.",
		},
		any: [][]string{{"2147220192"}},
	},
	{
		Alert: Alert{
			Key:     "integration-owner-license",
			Meaning: "The owner of the mailbox or queue has no licence for Dynamics (UnknownIncomingEmailIntegrationError -2147167669). Assign one, or another owner.",
		},
		any: [][]string{{"2147167669"}},
	},
	{
		Alert: Alert{
			Key:     "answer-203",
			Meaning: "Exchange's answer 203 is a warning that can be ignored: the email was processed.",
		},
		any: [][]string{{"server returned 203 error"}},
	},
	{
		Alert: Alert{
			Key:     "test-not-run",
			Meaning: "Test & Enable Mailbox was not run, or never ends: it is a background job of Dynamics that takes some minutes, and none runs while the environment is in administration mode or has its background operations switched off, as sandboxes and copies often have.",
		},
		any: [][]string{
			{"email status", "not run"},
			{"tasks status", "not run"},
			{"mailbox status", "not run"},
			{"test & enable", "not run"},
			{"test and enable", "not run"},
			{"test & enable", "never finishes"},
			{"test and enable", "never finishes"},
		},
	},
	{
		Alert: Alert{
			Key:     "token-refused",
			Meaning: "A token was refused. With Dynamics on your own servers against Exchange Online this is its server-to-server sign-in, which EWS there no longer serves. With a profile for hybrid modern authentication, see whether your Exchange takes tokens at all.",
			Codes:   []Code{"oauth-disabled", "endpoint-online"},
			Next:    `ewsprobe check --profile-auth oauth {host}`,
		},
		any: [][]string{{"invalid_token"}},
	},
	{
		Alert: Alert{
			Key:     "proxy-407",
			Meaning: "A proxy on the way out asks for a sign-in. It stands in front of the machine that reports this; Dynamics in the cloud never meets it at your server.",
			Codes:   []Code{"proxy-auth-required"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"(407) proxy authentication required"}, {"http status 407"}},
	},
	{
		Alert: Alert{
			Key:     "too-large-413",
			Meaning: "The server would not take the body of the request before the sign-in. Usually IIS wants a client certificate in the middle of the request; Extended Protection was seen to answer so, too.",
			Codes:   []Code{"not-ews", "tls-failed", "extended-protection"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"(413) request entity too large"}, {"http status 413"}, {"413 request entity too large"}},
	},
	{
		Alert: Alert{
			Key:     "sign-in-page",
			Meaning: "A sign-in page stands in front of EWS, of Outlook on the web or of a device that publishes it. Dynamics fills in no form: publish /EWS/Exchange.asmx without pre-authentication.",
			Codes:   []Code{"preauth-redirect", "redirected"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"(440)"}, {"http status 440"}, {"440 login timeout"}, {"/owa/auth/"}},
	},
	{
		Alert: Alert{
			Key:     "activesync-answer",
			Meaning: "449 and 451 belong to Exchange ActiveSync, the protocol of telephones. EWS does not answer so: the path in the profile is wrong, or a device in front sends it elsewhere.",
			Codes:   []Code{"not-ews"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"(449)"}, {"http status 449"}, {"(451)"}, {"http status 451"}},
	},
	{
		Alert: Alert{
			Key:     "online-account",
			Meaning: "Exchange Online answers 456 for a blocked user and 457 for an expired password. So the request reached Exchange Online, not a server of your own.",
			Causes:  []int{2},
			Codes:   []Code{"endpoint-online"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"(456)"}, {"http status 456"}, {"(457)"}, {"http status 457"}},
	},
}

// wrapperAlerts, like the last of endpointAlerts, stand around other errors.
var wrapperAlerts = []alertRule{
	{
		Alert: Alert{
			Key:     "integration-error",
			Meaning: "Dynamics fetched the email but could not take it in; Exchange and the sign-in are in order. The number beside the name tells more: paste it as well.",
		},
		any:     [][]string{{"unknownincomingemailintegrationerror"}},
		wrapper: true,
	},
	{
		Alert: Alert{
			Key:     "server-error-500",
			Meaning: "EWS answers 500 with a SOAP fault only after the sign-in, so name and password are right; the fault's code says what is wrong. Without a fault the server, or what stands in front of it, is in trouble.",
			Codes:   []Code{"mailbox-not-found", "impersonation-denied", "exchange-error", "server-error"},
			Next:    nextMailbox,
		},
		any:     [][]string{{"(500) internal server error"}, {"http status 500"}},
		wrapper: true,
	},
}
