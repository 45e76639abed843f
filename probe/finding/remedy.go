package finding

import "strings"

// Remedy is one thing to do. Command and Link may be empty. In the catalogue
// Text and Command may hold the placeholders {server}, {host}, {user} and
// {mailbox}; package rule fills them with values that were checked first.
type Remedy struct {
	Text    string `json:"text"`
	Command string `json:"command"`
	Link    string `json:"link"`

	// Check holds the arguments of an `ewsprobe check`, from which Command is
	// made: flags as they are, and the words user, mailbox and as-asked for what
	// depends on the target (CheckCommand).
	Check string `json:"-"`
	// Target is what the command ends with: "" the endpoint, mailbox the
	// mailbox's address, https the URL of the endpoint with https, url a URL
	// whose host the user knows, none nothing.
	Target string `json:"-"`
	// Unless names the state in which the remedy is left out: explained, where a
	// domain controller has said already why the account is refused.
	Unless string `json:"-"`

	// Use and Run name a remedy and a command of shared.yaml.
	Use string `json:"-"`
	Run string `json:"-"`
}

// Case is how something was asked, where what to do depends on it.
type Case string

// The cases for which entries have remedies of their own.
const (
	Impersonated Case = "impersonated" // the mailbox was impersonated
	InBatch      Case = "batch"        // one of many: the endpoint was examined before, and a row has no detail
	RefusedInRun Case = "refused-in-run"
	ReasonKnown  Case = "reason-known" // why the account is refused; what the reason asks for comes first
)

// RemediesIn are the remedies for the first of the cases that has its own, else
// the usual ones.
func (e Entry) RemediesIn(cases ...Case) []Remedy {
	for _, c := range cases {
		if list, ok := e.Cases[c]; ok {
			return list
		}
	}
	return e.Remedies
}

// Names are what a command is filled with. They are put in as they are: check
// them first.
type Names struct {
	Server, Host, User, Mailbox string
	// Direct: the mailbox is reached without impersonation.
	Direct bool
}

// Placeholders are the names of a command of the catalogue.
var Placeholders = Names{Server: "{server}", Host: "{host}", User: "{user}", Mailbox: "{mailbox}"}

// Fill puts names into a text of the catalogue.
func (n Names) Fill(text string) string {
	return strings.NewReplacer("{server}", n.Server, "{host}", n.Host, "{user}", n.User, "{mailbox}", n.Mailbox).Replace(text)
}

// CheckCommand is the command line of a check that a remedy asks for. It is the
// only place that makes one.
func CheckCommand(r Remedy, n Names) string {
	command := "ewsprobe check"
	for word := range strings.FieldsSeq(r.Check) {
		switch word {
		case "user":
			command += ` --user "` + n.User + `"`
		case "mailbox":
			command += ` --mailbox "` + n.Mailbox + `"`
		case "as-asked":
			if !n.Direct {
				command += " --impersonate"
			}
		default:
			command += " " + n.Fill(word)
		}
	}
	switch r.Target {
	case "":
		command += " " + n.Host
	case "mailbox":
		command += " " + n.Mailbox
	case "url":
		command += " https://<HOST>/EWS/Exchange.asmx"
	case "https":
		command += " https://" + n.Host + "/EWS/Exchange.asmx"
	}
	return command
}
