package finding

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Flag is one of a command: its name without the dashes, and its value, "" for one
// that takes none.
type Flag struct{ Name, Value string }

// Names are what a command is filled with. They are put in as they are: check
// them first.
type Names struct {
	Server, Host, User, Mailbox string
	// Site is the endpoint's host, with its port.
	Site string
	// More are further placeholders of texts and commands, with their values.
	More map[string]string
	// Direct: the mailbox is reached without impersonation.
	Direct bool
	// Given are the flags of the check that printed the command, beside those that
	// a remedy names by the words user, mailbox and as-asked.
	Given Flags
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
var Placeholders = Names{Server: "{server}", Host: "{host}", Site: "{host}", User: "{user}", Mailbox: "{mailbox}", FromProfile: true}

// Fill puts names into a text of the catalogue.
func (n Names) Fill(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
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

// Flags are those of a command, in their order.
type Flags []Flag

func (l Flags) has(names ...string) bool {
	return slices.ContainsFunc(l, func(f Flag) bool { return slices.Contains(names, f.Name) })
}

func (l Flags) count(name string) int { return len(l) - len(l.without(name)) }

func (l Flags) without(name string) Flags {
	return slices.DeleteFunc(slices.Clone(l), func(f Flag) bool { return f.Name == name })
}

// Check is the command line of a check with the flags.
func (l Flags) Check() string {
	command := "ewsprobe check"
	for _, f := range l {
		command += " --" + f.Name
		if f.Value != "" {
			command += " " + f.Value
		}
	}
	return command
}

// CheckCommand is the command line of a check that a remedy asks for, with what the
// user gave that does not contradict it.
func CheckCommand(r Remedy, n Names) string {
	own := n.parse(r.Check)
	n.Given = n.Given.without(r.Without)
	if r.Target == "url" { // of another host
		n.Given = n.Given.without("address").without("each-address")
	}
	if n.Found && r.Target == "" && own.has("no-credentials") {
		// Autodiscover does not lead back to EWS without a sign-in.
		own = append(Flags{{"user", inQuotes(n.User)}}, own.without("no-credentials")...)
	}
	byAddress := r.Target == "mailbox" || n.Found && r.Target == ""
	own = n.carry(own, byAddress)
	without := own.has("no-credentials") || own.has(tickets...) || own.value("profile-auth") == "oauth"
	if (own.has("user", "profile") || byAddress) && !without { // it sends the account's password
		if n.Refused {
			own = append(own, Flag{Name: retryRefused})
		}
		if n.Limit > 0 {
			own = append(own.without(maxRejections), Flag{maxRejections, strconv.Itoa(n.Limit)})
		}
	}
	command := own.Check()
	switch target := r.Target; {
	case target == "profile" && n.FromProfile:
	case target == "", target == "profile":
		command += " " + n.Host
	case target == "mailbox":
		command += " " + n.Mailbox
	case target == "https":
		command += " https://" + strings.TrimSuffix(n.Site, ":444") + "/EWS/Exchange.asmx"
	case target == "url":
		command += " https://HOST/EWS/Exchange.asmx"
	}
	return command
}

func (l Flags) value(name string) string {
	if i := slices.IndexFunc(l, func(f Flag) bool { return f.Name == name }); i >= 0 {
		return l[i].Value
	}
	return ""
}

func inQuotes(s string) string { return `"` + s + `"` }

// parse reads what the catalogue says.
func (n Names) parse(check string) (own Flags) {
	for word := range strings.FieldsSeq(check) {
		switch name, flag := strings.CutPrefix(word, "--"); {
		case flag:
			own = append(own, Flag{Name: name})
		case word == "user-if-given" && n.User == "<USER>" && !n.signsInByToken() && !n.Given.has("current-user"):
			own = append(own, Flag{Name: "no-credentials"})
		case word == "user", word == "user-if-given":
			if !n.Given.has("current-user") && !n.signsInByToken() && !n.noAccount(check) {
				own = append(own, Flag{"user", inQuotes(n.User)})
			}
		case word == "mailbox", word == "mailbox-if-given" && n.Mailbox != "<MAILBOX>":
			own = append(own, Flag{"mailbox", inQuotes(n.Mailbox)})
		case word == "mailbox-if-given":
		case word == "as-asked":
			if !n.Direct && own.has("mailbox") {
				own = append(own, Flag{Name: "impersonate"})
			}
		case word == "windows": // the profile's own scheme, if that is one of Windows
			word = "ntlm"
			if slices.Contains(n.Given, Flag{"profile-auth", "negotiate"}) {
				word = "negotiate"
			}
			fallthrough
		default:
			own[len(own)-1].Value = n.Fill(word)
		}
	}
	return own
}

// signsInByToken: an application signs in, and no account.
func (n Names) signsInByToken() bool { return n.Given.has("hma-client-id", "hma-token-file") }

// noAccount: none was given, and a profile with tokens needs none.
func (n Names) noAccount(check string) bool {
	return n.User == "<USER>" && n.Given.value("profile-auth") == "oauth" && !strings.Contains(check, "--profile-auth")
}

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
func (n Names) carry(own Flags, byAddress bool) Flags {
	if own.has("help") {
		return own
	}
	if own.has("each-address") && n.Given.has("address", "proxy") {
		own = own.without("each-address") // several addresses are what is to be checked
		if n.Given.count("address") < 2 {
			own = append(own, Flag{"address", "IP"}) // one was; and the proxy alone resolves the name
		}
	}
	if n.Given.has("client-id") {
		own = own.without("token-file") // the application gets one
	}
	set := slices.Clone(own)
	auth := own.value("profile-auth")
	looksUp := set.has("mailbox") || byAddress || set.has(lookUps...)
	for _, f := range n.Given {
		is := func(names ...string) bool { return slices.Contains(names, f.Name) }
		switch {
		case set.has(f.Name):
			if is(known...) {
				own[slices.IndexFunc(own, func(o Flag) bool { return o.Name == f.Name })].Value = f.Value
			}
		case is("address", "each-address") && set.has("address", "each-address"),
			is(signIn...) && set.has("no-credentials"),
			is("keytab", "ccache") && (set.has(passwords...) || set.has("keytab", "ccache") || auth != "" && auth != "negotiate"),
			is("current-user") && (set.has(passwords...) || auth == "basic" || auth == "oauth"),
			is(passwords...) && set.has(tickets...),
			is(lookUps...) && !looksUp && !(is("tenant", "entra-url") && n.signsInByToken()),
			strings.HasPrefix(f.Name, "hma-") && auth != "" && auth != "oauth",
			is(readers...) && (set.has("profile") || !set.has("mailbox") && !byAddress),
			is("client-id", "client-secret-file") && set.has("token-file"),
			is("autodiscover") && (set.has("no-credentials") || !byAddress && !set.has("mailbox") && !strings.Contains(n.User, "@")),
			is("follow-autodiscover") && !byAddress && !own.has("autodiscover"):
		default:
			own = append(own, f)
		}
	}
	return own
}

// Trace is where refused logons are found in the logs of the servers: whose they
// are, and when, by the clock of the server.
type Trace struct {
	Server, User string
	Controller   string // "" all domain controllers are asked
	Path         string // of EWS
	Begin, End   time.Time
	Times        string // of the attempts, as they are told
}

// Placeholders are those of texts and commands that a trace fills.
func (t Trace) Placeholders() map[string]string {
	t.Path = strings.ReplaceAll(t.Path, ".", `\.`) // in a pattern
	more := map[string]string{"name": t.Name(), "times": t.Times}
	for _, name := range []string{"aduser", "window", "controllers", "iis"} {
		if more[name] = ""; t.Times != "" || name == "aduser" {
			more[name] = Phrase("trace-"+name, t)
		}
	}
	return more
}

// UPN says of which form the account's name is.
func (t Trace) UPN() bool { return strings.Contains(t.User, "@") }

// Name is the part of the account's name that every log has.
func (t Trace) Name() string {
	if name, _, upn := strings.Cut(t.User, "@"); upn {
		return name
	}
	return t.User[strings.Index(t.User, `\`)+1:]
}

// Minutes are those from the beginning to the end, 30 at most, in the form of a layout,
// each once.
func (t Trace) Minutes(layout string) (list []string) {
	first := t.Begin.Truncate(time.Minute)
	for at := first; !t.Begin.IsZero() && !at.After(t.End) && at.Sub(first) < 30*time.Minute; at = at.Add(time.Minute) {
		if text := at.Format(layout); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// AtDevice are the placeholders for what the administrator of a device has to know.
func AtDevice(name string) map[string]string {
	log := at[string](devicesText, name, "log")
	if log != "" {
		log = " (" + log + ")"
	}
	of := func(field string) string {
		return cmp.Or(at[string](devicesText, name, field), at[string](devicesText, "other", field))
	}
	return map[string]string{"device": cmp.Or(name, "another server"), "log": log, "pass": of("pass"), "bind": of("bind")}
}

// NamesDevice says whether a remedy has one of these placeholders. To read them takes longer
// than to fill in all others.
func (r Remedy) NamesDevice() bool {
	return slices.ContainsFunc([]string{"{device}", "{log}", "{pass}", "{bind}"}, func(p string) bool { return strings.Contains(r.Text, p) })
}

// Sample are names that stand for the reader's own.
func Sample() Names {
	n := Names{
		Server: "<SERVER>", Host: "mail.contoso.com", Site: "mail.contoso.com",
		User: "svc-crm@contoso.com", Mailbox: "anna@contoso.com",
	}
	n.More = map[string]string{
		"upn": "user@domain", "primary": "PRIMARY-ADDRESS", "address": "IP", "longer": "90s",
		"whose": n.Mailbox, "backend": "<SERVER>", "discovery": "<HOST>", "named-host": "<HOST>",
		"trusted": "TENANT", "application": "APPLICATION-ID",
		"failing": "IP", "request": "this request",
		"site": n.Site, "resource": "https://" + n.Site,
	}
	trace := Trace{Server: n.Server, User: n.User, Path: "/EWS/Exchange.asmx", Times: "see the attempts in the report"}
	maps.Copy(n.More, trace.Placeholders())
	maps.Copy(n.More, AtDevice(""))
	return n
}
