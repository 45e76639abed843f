package finding

import (
	"slices"
	"strconv"
	"strings"
)

// Flag is one of a command: its name without the dashes, and its value, "" for one
// that takes none.
type Flag struct{ Name, Value string }

// Names are what a command is filled with. They are put in as they are: check
// them first.
type Names struct {
	Server, Host, User, Mailbox string
	// More are further placeholders of texts and commands, with their values.
	More map[string]string
	// Direct: the mailbox is reached without impersonation.
	Direct bool
	// Given are the flags of the check that printed the command, beside those that
	// a remedy names by the words user, mailbox and as-asked.
	Given []Flag
	// Refused: the password was refused a moment ago and is not sent again
	// without --retry-refused.
	Refused bool
	// Limit is what --max-rejections has to be for another check beside the logons
	// that got no answer; 0: as given.
	Limit int
	// FromProfile: the endpoint came from the exported profile.
	FromProfile bool
	// Found: EWS was found by Autodiscover, with a credential.
	Found bool
}

// Placeholders are the names of a command of the catalogue.
var Placeholders = Names{Server: "{server}", Host: "{host}", User: "{user}", Mailbox: "{mailbox}", FromProfile: true}

// Fill puts names into a text of the catalogue.
func (n Names) Fill(text string) string {
	pairs := []string{"{server}", n.Server, "{host}", n.Host, "{user}", n.User, "{mailbox}", n.Mailbox}
	for name, value := range n.More {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// The flags that send a password in spite of what is remembered of it.
const (
	retryRefused  = "retry-refused"
	maxRejections = "max-rejections"
)

// CheckCommand is the command line of a check that a remedy asks for, with what the
// user gave that does not contradict it. It is the only place that makes one.
func CheckCommand(r Remedy, n Names) string {
	c := commandLine{n: n}
	c.parse(r.Check)
	c.n.Given = slices.DeleteFunc(slices.Clone(n.Given), func(f Flag) bool {
		elsewhere := r.Target == "url" && (f.Name == "address" || f.Name == "each-address") // of another host
		return f.Name == r.Without || elsewhere
	})
	if n.Found && r.Target == "" && c.has("no-credentials") {
		// Autodiscover does not lead back to EWS without a sign-in.
		c.own = append([]Flag{{"user", `"` + n.User + `"`}}, c.without("no-credentials")...)
	}
	byAddress := r.Target == "mailbox" || n.Found && r.Target == ""
	c.carry(byAddress)
	if c.sendsPassword(byAddress) {
		if n.Refused {
			c.own = append(c.own, Flag{Name: retryRefused})
		}
		if n.Limit > 0 {
			c.own = append(c.without(maxRejections), Flag{maxRejections, strconv.Itoa(n.Limit)})
		}
	}
	command := "ewsprobe check"
	for _, f := range c.own {
		command += " --" + f.Name
		if f.Value != "" {
			command += " " + f.Value
		}
	}
	switch target := r.Target; {
	case target == "profile" && n.FromProfile:
	case target == "", target == "profile":
		command += " " + n.Host
	case target == "mailbox":
		command += " " + n.Mailbox
	case target == "https":
		command += " https://" + n.Host + "/EWS/Exchange.asmx"
	case target == "url":
		command += " https://HOST/EWS/Exchange.asmx"
	}
	return command
}

// commandLine is a command under way.
type commandLine struct {
	n   Names
	own []Flag
}

func (c *commandLine) has(names ...string) bool {
	return slices.ContainsFunc(c.own, func(f Flag) bool { return slices.Contains(names, f.Name) })
}

func (c *commandLine) value(name string) string {
	for _, f := range c.own {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func (c *commandLine) without(name string) []Flag {
	return slices.DeleteFunc(slices.Clone(c.own), func(f Flag) bool { return f.Name == name })
}

// parse reads what the catalogue says.
func (c *commandLine) parse(check string) {
	for word := range strings.FieldsSeq(check) {
		switch name, flag := strings.CutPrefix(word, "--"); {
		case flag:
			c.own = append(c.own, Flag{Name: name})
		case word == "user":
			if !c.n.given("current-user") && !c.n.signsInByToken() {
				c.own = append(c.own, Flag{"user", `"` + c.n.User + `"`})
			}
		case word == "mailbox":
			c.own = append(c.own, Flag{"mailbox", `"` + c.n.Mailbox + `"`})
		case word == "mailbox-if-given":
			if c.n.Mailbox != "<MAILBOX>" {
				c.own = append(c.own, Flag{"mailbox", `"` + c.n.Mailbox + `"`})
			}
		case word == "as-asked":
			if !c.n.Direct {
				c.own = append(c.own, Flag{Name: "impersonate"})
			}
		case word == "windows": // the profile's own scheme, if that is one of Windows
			word = "ntlm"
			if slices.Contains(c.n.Given, Flag{"profile-auth", "negotiate"}) {
				word = "negotiate"
			}
			fallthrough
		default:
			c.own[len(c.own)-1].Value = c.n.Fill(word)
		}
	}
}

func (n Names) given(name string) bool {
	return slices.ContainsFunc(n.Given, func(f Flag) bool { return f.Name == name })
}

// signsInByToken: an application signs in, and no account.
func (n Names) signsInByToken() bool { return n.given("hma-client-id") || n.given("hma-token-file") }

// Flags that belong together.
var (
	tickets   = []string{"keytab", "ccache", "current-user"}
	passwords = []string{"password-file", "password-from-keyring", "explain-rejection"}
	signIn    = append([]string{"spn", "domain", "dc", "max-rejections"}, append(tickets, passwords...)...)
	lookUps   = []string{
		"cloud", "dynamics-url", "tenant", "token-file", "client-id", "client-secret-file", "entra-url", "exchange-online-url", "graph-url",
	}
	// readers read Dynamics, which is done for one mailbox.
	readers = []string{
		"dynamics-client-id", "dynamics-certificate", "dynamics-certificate-password-file", "dynamics-client-secret-file", "dynamics-tenant",
		"dynamics-token-file",
	}
	// known are those whose placeholder in the catalogue is the value that was given.
	known = []string{"profile", "keytab", "ccache", "dc", "token-file", "dynamics-url"}
)

// carry adds what the user gave, as far as it fits to what the remedy asks for.
func (c *commandLine) carry(byAddress bool) {
	if c.has("help") {
		return
	}
	if c.has("each-address") && (c.n.given("address") || c.n.given("proxy")) {
		c.own = c.without("each-address") // those addresses are what is to be checked
		if !c.n.given("address") {
			c.own = append(c.own, Flag{"address", "IP"}) // the proxy alone resolves the name
		}
	}
	if c.n.given("client-id") {
		c.own = c.without("token-file") // the application gets one
	}
	set := slices.Clone(c.own)
	asked := func(names ...string) bool {
		return slices.ContainsFunc(set, func(f Flag) bool { return slices.Contains(names, f.Name) })
	}
	auth := c.value("profile-auth")
	looksUp := asked("mailbox") || byAddress || asked(lookUps...)
	for _, f := range c.n.Given {
		is := func(names ...string) bool { return slices.Contains(names, f.Name) }
		switch {
		case asked(f.Name):
			if is(known...) {
				c.own[c.at(f.Name)].Value = f.Value
			}
		case is("address", "each-address") && asked("address", "each-address"),
			is(signIn...) && asked("no-credentials"),
			is("keytab", "ccache") && (asked(passwords...) || asked("keytab", "ccache") || auth != "" && auth != "negotiate"),
			is("current-user") && (asked(passwords...) || auth == "basic" || auth == "oauth"),
			is(passwords...) && asked(tickets...),
			is(lookUps...) && !looksUp && !(is("tenant", "entra-url") && c.n.signsInByToken()),
			strings.HasPrefix(f.Name, "hma-") && auth != "" && auth != "oauth",
			is(readers...) && (asked("profile") || !asked("mailbox") && !byAddress),
			is("client-id", "client-secret-file") && asked("token-file"),
			is("autodiscover") && (asked("no-credentials") || !byAddress && !asked("mailbox") && !strings.Contains(c.n.User, "@")),
			is("follow-autodiscover") && !byAddress && !c.has("autodiscover"):
		default:
			c.own = append(c.own, f)
		}
	}
}

func (c *commandLine) at(name string) int {
	return slices.IndexFunc(c.own, func(f Flag) bool { return f.Name == name })
}

// sendsPassword says whether the command sends the account's password.
func (c *commandLine) sendsPassword(byAddress bool) bool {
	return (c.has("user", "profile") || byAddress) && !c.has("no-credentials") && !c.has(tickets...) && c.value("profile-auth") != "oauth"
}
