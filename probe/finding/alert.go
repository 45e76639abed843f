package finding

import (
	"slices"
	"strings"
)

// Alert is what a sentence of a Dynamics alert means. Dynamics wraps several
// faults in the same sentence, so an alert gives a direction, not a verdict.
type Alert struct {
	Key     string // stable name
	Meaning string
	Causes  []int  // the causes of KB 3212785 that it may stand for
	Codes   []Code // the verdicts that it may turn out to be, likely ones first; empty where EWS cannot show it
	Next    string // the command to run next, with the placeholders of Remedy; may be empty
}

// alertRule says how an alert is recognised. A text matches if it holds all
// fragments of at least one group. Fragments are lower case with single
// spaces, and prefer codes over sentences: Dynamics translates sentences.
type alertRule struct {
	Alert
	any [][]string
	// wrapper marks a sentence that Dynamics puts around other errors: it
	// counts only where no other rule matches.
	wrapper bool
}

const (
	nextMailbox   = `ewsprobe check --user "{user}" --mailbox "{mailbox}" --impersonate {host}`
	nextAccount   = `ewsprobe check --user "{user}" {host}`
	nextAnonymous = `ewsprobe check --no-credentials --each-address {host}`
	nextProfile   = `ewsprobe check --profile FILE --mailbox "{mailbox}" {host}`
)

// AlertUserRecreated is the alert that alone shows cause 6.
const AlertUserRecreated = "user-recreated"

// alertRules is ordered from the most specific to the least.
var alertRules = slices.Concat(dynamicsAlerts, endpointAlerts, wrapperAlerts)

var endpointAlerts = []alertRule{
	{
		Alert: Alert{
			Key:     AlertUserRecreated,
			Meaning: "Dynamics or Microsoft Entra still remembers a user or mailbox that was deleted and made again with the same address. Remove the deleted user for good, then wait: caches can take up to 72 hours. EWS cannot show this; a check that is given the exported profile reads it there.",
			Causes:  []int{6},
			Codes:   []Code{"user-recreated"},
			Next:    nextProfile,
		},
		any: [][]string{{"nouserfoundwithgivenclaims"}, {"user does not exist in tenant"}},
	},
	{
		Alert: Alert{
			Key:     "quota",
			Meaning: "The mailbox is over its quota or its sending limit. The alert asks for the credentials to be checked, but they are not the problem. Make room in the mailbox or raise the limit.",
		},
		any: [][]string{{"errorquotaexceeded"}, {"errorsubmissionquotaexceeded"}},
	},
	{
		Alert: Alert{
			Key:     "not-ews-profile",
			Meaning: "This comes from a POP3 or SMTP profile, which does not use EWS. Check server name, port and encryption of that profile; this program does not look at it.",
		},
		any: [][]string{
			{"socket returned exception timedout"},
			{"invalidincomingemailserverprofileconfiguration"},
			{"outgoingemailauthenticationerror"},
			{"syntax error, command unrecognized"},
		},
	},
	{
		Alert: Alert{
			Key:     "mailbox-not-in-exchange-online",
			Meaning: "A profile for Exchange Online is used, and Exchange Online has no usable mailbox for this user: no licence, a disabled mailbox, or a mailbox that is on your own servers. Check whether the mailbox is found there; if so, it needs a profile for Exchange Server.",
			Causes:  []int{3},
			Codes:   []Code{"ok", "mailbox-not-found"},
			Next:    nextMailbox,
		},
		any: [][]string{{"8005e274"}, {"mailboxnotenabledforrestapi"}},
	},
	{
		Alert: Alert{
			Key:     "user-not-licensed",
			Meaning: "The user has no valid licence for Exchange Online, or the Dynamics user is not in the access mode Read-Write. Both are settings in Microsoft 365 and Dynamics; EWS cannot show them.",
			Causes:  []int{3},
		},
		any: [][]string{{"8005e276"}},
	},
	{
		Alert: Alert{
			Key:     "no-such-user-in-tenant",
			Meaning: "No user of the Microsoft 365 tenant has the address of the mailbox record, neither as sign-in name nor as mail address. The address is wrong, or the mailbox belongs to another tenant. If the mailbox is on your own servers, it needs a profile for Exchange Server.",
			Causes:  []int{1, 4},
			Codes:   []Code{"mailbox-not-found", "ok"},
			Next:    nextMailbox,
		},
		any: [][]string{{"no user was found with the email address"}},
	},
	{
		Alert: Alert{
			Key:     "impersonation-denied",
			Meaning: "The logon works. The service account may not impersonate this mailbox: the role ApplicationImpersonation is missing, or the mailbox is outside its scope.",
			Codes:   []Code{"impersonation-denied"},
			Next:    nextMailbox,
		},
		any: [][]string{
			{"errorimpersonateuserdenied"},
			{"errorimpersonationdenied"},
			{"errorimpersonationfailed"},
			{"does not have permission to impersonate"},
			{"an impersonation error occurred"},
		},
	},
	{
		Alert: Alert{
			Key:     "no-mailbox",
			Meaning: "The logon works, but Exchange finds no mailbox under the address that Dynamics asked for. In Test Connection that address is the user name of the profile: it must be a UPN that is also the mail address of a mailbox, not DOMAIN\\user. Otherwise the address in the mailbox record is wrong, or the mailbox is in Exchange Online.",
			Causes:  []int{1, 2},
			Codes:   []Code{"mailbox-not-found", "user-name-not-upn", "service-mailbox-missing"},
			Next:    nextMailbox,
		},
		any: [][]string{
			{"errornonexistentmailbox"},
			{"smtp address has no mailbox"},
		},
	},
	{
		Alert: Alert{
			Key:     "mailbox-unavailable",
			Meaning: "The database of the mailbox was not available, or the mailbox was being moved. This usually passes; if it comes rarely, leave it.",
			Codes:   []Code{"mailbox-unavailable"},
			Next:    nextMailbox,
		},
		any: [][]string{
			{"errormailboxstoreunavailable"},
			{"errormailboxmoveinprogress"},
			{"general mailbox access error"},
		},
	},
	{
		Alert: Alert{
			Key:     "throttled",
			Meaning: "Exchange limits the caller at the moment. It works again after the time that the server names; fewer concurrent connections in the profile help.",
			Codes:   []Code{"throttled"},
			Next:    nextMailbox,
		},
		any: [][]string{{"errorserverbusy"}, {"errorexceededconnectioncount"}},
	},
	{
		Alert: Alert{
			Key:     "access-denied",
			Meaning: "The logon works, but the account has no right on the mailbox. Use impersonation, or give the account access.",
			Codes:   []Code{"access-denied", "impersonation-denied"},
			Next:    nextMailbox,
		},
		any: [][]string{{"erroraccessdenied"}},
	},
	{
		Alert: Alert{
			Key:     "mailbox-location",
			Meaning: "Dynamics was to find the server through Autodiscover and did not. Make Autodiscover work from the internet, or enter the EWS URL in the profile, for incoming and outgoing. The command checks the EWS URL, not Autodiscover.",
			Codes:   []Code{"ok", "dns-failed", "connect-failed", "tls-untrusted"},
			Next:    nextMailbox,
		},
		any: [][]string{
			{"mailbox location could not be determined"},
			{"location of the mailbox", "could not be determined"},
		},
	},
	{
		Alert: Alert{
			Key:     "forbidden",
			Meaning: "The request was refused by a rule, not for its password: EWS is switched off for the mailbox or the organisation, a list of user agents leaves Dynamics out, or a device in front blocks it.",
			Codes:   []Code{"forbidden", "user-agent-refused", "endpoint-online"},
			Next:    nextMailbox,
		},
		any: [][]string{
			{"server returned forbidden exception"},
			{"http status 403"},
			{"(403) forbidden"},
		},
	},
	{
		Alert: Alert{
			Key:     "tls-untrusted",
			Meaning: "The caller does not trust the certificate of the endpoint: it has expired, is not for the name, or comes from an authority that the caller does not know.",
			Codes:   []Code{"tls-untrusted", "certificate-private"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"could not establish trust relationship for the ssl"}, {"returned trustfailure exception"}},
	},
	{
		Alert: Alert{
			Key:     "tls-failed",
			Meaning: "No TLS connection was agreed. Dynamics accepts only TLS 1.2 and 1.3 with a short list of cipher suites.",
			Codes:   []Code{"tls-failed"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"could not create ssl/tls secure channel"}, {"returned securechannelfailure exception"}, {"tls alert"}, {"received fatal alert"}},
	},
	{
		Alert: Alert{
			Key:     "name-not-resolved",
			Meaning: "The caller found no address for the host name. Dynamics uses public DNS, so ask a public resolver too.",
			Codes:   []Code{"dns-failed"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"remote name could not be resolved"}, {"returned nameresolutionfailure exception"}},
	},
	{
		Alert: Alert{
			Key:     "connect-failed",
			Meaning: "Dynamics could not connect to the server: a closed port, a firewall that does not let the Azure addresses in, or a wrong address in public DNS. From inside it may work all the same.",
			Codes:   []Code{"connect-failed", "address-family", "ok"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"returned connectfailure exception"}, {"unable to connect to the remote server"}},
	},
	{
		Alert: Alert{
			Key:     "timeout",
			Meaning: "Dynamics got no answer in time. Usually a firewall drops connections from its Azure addresses; a slow server is the other reading. From inside it may work all the same.",
			Codes:   []Code{"timeout", "address-family", "ok"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"the operation has timed out"}, {"the operation timed out"}, {"the request timed out"}},
	},
	{
		Alert: Alert{
			Key:     "not-found",
			Meaning: "Nothing answers at the path of the URL. The path in the profile is wrong, or /EWS/ is not published.",
			Codes:   []Code{"not-ews"},
			Next:    nextAnonymous,
		},
		any: [][]string{{"(404) not found"}, {"http status 404"}},
	},
	{
		Alert: Alert{
			Key:     "server-unavailable",
			Meaning: "The server, or the device in front of it, was not able to answer: stopped, starting, overloaded or in maintenance.",
			Codes:   []Code{"server-error", "throttled", "farm-inconsistent"},
			Next:    nextAnonymous,
		},
		any: [][]string{
			{"(503) server unavailable"},
			{"http status 503"},
			{"(502) bad gateway"},
			{"http status 502"},
			{"(504) gateway timeout"},
			{"http status 504"},
		},
	},
	{
		Alert: Alert{
			Key:     "test-connection-401",
			Meaning: "Test Connection got a 401. The user name or password is wrong, the name is not a UPN, or EWS does not offer the scheme that the profile uses. Test Connection is not always reliable; Test & Enable Mailbox counts for more.",
			Causes:  []int{2, 5},
			Codes:   []Code{"credentials-rejected", "basic-disabled", "endpoint-online", "basic-rejected", "extended-protection", "user-name-not-upn"},
			Next:    nextAccount,
		},
		any: [][]string{{"(401) unauthorized"}},
	},
	{
		Alert: Alert{
			Key:     "401",
			Meaning: "The server answered 401 to Dynamics. KB 3212785 lists six causes for it, and a wrong password or a blocked account comes on top. Dynamics has disabled the mailbox and does not try again until Test & Enable Mailbox succeeds.",
			Causes:  []int{1, 2, 3, 4, 5, 6},
			Codes:   []Code{"basic-disabled", "credentials-rejected", "endpoint-online", "mailbox-not-found", "basic-rejected", "ntlm-rejected", "extended-protection", "no-scheme"},
			Next:    nextMailbox,
		},
		any: [][]string{{"401 unauthorized"}, {"http status 401"}},
	},
	{
		Alert: Alert{
			Key:     "secure-connection",
			Meaning: "This sentence most often stands before a 403, that is a rule that refuses EWS to Dynamics. Taken alone it can also mean that TLS or the certificate fails. Look for an error code in the details of the alert.",
			Codes:   []Code{"forbidden", "user-agent-refused", "tls-untrusted", "tls-failed"},
			Next:    nextMailbox,
		},
		any:     [][]string{{"establishing a secure connection to the email server"}},
		wrapper: true,
	},
	{
		Alert: Alert{
			Key:     "profile-credentials",
			Meaning: "Dynamics was refused with the name and password of the email server profile: they are wrong or out of date, or the account lacks rights on the mailbox.",
			Causes:  []int{1, 2, 5},
			Codes:   []Code{"credentials-rejected", "basic-disabled", "impersonation-denied", "access-denied"},
			Next:    nextMailbox,
		},
		any: [][]string{
			{"credentials specified in the associated email server profile are incorrect"},
			{"email server profile are incorrect or have insufficient permissions"},
		},
		wrapper: true,
	},
	{
		Alert: Alert{
			Key:     "mailbox-credentials",
			Meaning: "Dynamics uses this sentence for many faults, also when name and password are right. The line Email Server Error Code in the details of the alert tells more: paste it as well. With a 401 there, the six causes of KB 3212785 come into question.",
			Causes:  []int{1, 2, 3, 4, 5, 6},
			Codes:   []Code{"basic-disabled", "credentials-rejected", "impersonation-denied", "mailbox-not-found", "endpoint-online"},
			Next:    nextMailbox,
		},
		any: [][]string{
			{"credentials specified in the mailbox", "correct and have sufficient permissions"},
		},
		wrapper: true,
	},
}

// MatchAlert finds the alerts in a pasted text, the most specific first. Case
// and white space do not matter. An unknown text gives an empty result. A
// sentence that Dynamics puts around many errors is given only where the text
// holds nothing more telling.
func MatchAlert(text string) []Alert {
	folded := foldAlert(text)
	var found []Alert
	for _, r := range alertRules {
		if r.wrapper && len(found) > 0 {
			break
		}
		if r.matches(folded) {
			found = append(found, r.clone())
		}
	}
	return found
}

// Alerts lists every alert that MatchAlert knows, the most specific first. The
// caller may change the result.
func Alerts() []Alert {
	all := make([]Alert, len(alertRules))
	for i, r := range alertRules {
		all[i] = r.clone()
	}
	return all
}

// AlertFragments are the words and codes by which alerts are recognised. They
// name nobody.
func AlertFragments() []string {
	var all []string
	for _, r := range alertRules {
		for _, group := range r.any {
			all = append(all, group...)
		}
	}
	return all
}

func (r alertRule) matches(folded string) bool {
	return slices.ContainsFunc(r.any, func(group []string) bool {
		return !slices.ContainsFunc(group, func(fragment string) bool {
			return !strings.Contains(folded, fragment)
		})
	})
}

func (a Alert) clone() Alert {
	a.Causes = slices.Clone(a.Causes)
	a.Codes = slices.Clone(a.Codes)
	return a
}

// foldAlert makes a pasted text comparable: lower case, every run of white
// space one space, invisible characters gone.
func foldAlert(text string) string {
	text = invisible.Replace(text)
	return strings.Join(strings.Fields(strings.ToLower(text)), " ")
}

var invisible = strings.NewReplacer("\u200b", "", "\u200c", "", "\u200d", "", "\u2060", "", "\ufeff", "", "\u00ad", "")
