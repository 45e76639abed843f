package agentfile

import (
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// target reads a target on top of the defaults; nil: the defaults alone, for what is
// wrong with them.
func (l *loader) target(node *yaml.Node) *Target {
	t := &Target{Labels: map[string]string{}}
	t.Settings.Init(t, "agent", l.version)
	ks := t.Settings.Keys
	l.keys = append(l.keys, ks)
	read := func(node *yaml.Node, defaults bool) {
		in := l.place
		in.Defaults = defaults
		ks.YAML(node, in, func(key string, value *yaml.Node) bool {
			if key == "labels" {
				readLabels(ks, value, t.Labels)
			}
			return key == "labels"
		})
	}
	if l.defaults != nil && l.defaults.ShortTag() != "!!null" {
		read(l.defaults, true)
		if ks.Given("name") {
			ks.Invalid("{name} is not allowed in defaults; give it in each target")
		}
	}
	if node == nil {
		return t
	}
	read(node, false)
	if len(t.Labels) > maxLabels {
		ks.At(node, "labels has %d entries; at most %d are allowed", len(t.Labels), maxLabels)
	}
	t.Check, _ = t.Settings.Config(l.ctx, l.getenv)
	t.Check.RetryRefused = false // the count of refused logons is the agent's alone
	t.Dynamics, _ = t.Settings.Environment(l.ctx)
	t.checkPassword(l)
	t.checkRest()
	return t
}

const (
	maxLabels   = 16
	longestText = 128
)

// reserved are the labels of the agent's own metrics.
const reserved = " target code status number cause confidence scheme node result channel version goversion go_version revision" +
	" le quantile job instance "

func readLabels(ks *config.Keys, node *yaml.Node, into map[string]string) {
	if node.ShortTag() == "!!null" {
		return
	}
	if node.Kind != yaml.MappingNode {
		ks.At(node, "labels must have names and values, like {site: fra}")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		for value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		switch name := key.Value; {
		case seen[name]:
			ks.At(key, "label %s is given twice", name)
		case !isLabel(name):
			ks.At(key, "label %q is not allowed; use letters, digits and _, not a digit or __ first, at most 63 characters", name)
		case strings.Contains(reserved, " "+name+" "):
			ks.At(key, "label %s is used by the agent itself; use another name", name)
		case value.ShortTag() != "!!str":
			ks.At(value, "label %s must be text; put the value in quotes", name)
		case len(value.Value) > longestText || control(value.Value):
			ks.At(value, "label %s must be one line of at most %d bytes", name, longestText)
		default:
			into[name] = value.Value
		}
		seen[key.Value] = true
	}
}

// isLabel is the form of Prometheus' labels; those that begin with __ are its own.
func isLabel(s string) bool {
	return s != "" && len(s) <= 63 && !strings.HasPrefix(s, "__") && (s[0] < '0' || s[0] > '9') && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	})
}

// passwordSources are the keys that say where the password is.
var passwordSources = [...]string{"password-file", "password-env", "password-from-keyring", "password-credential"}

// NeedsPassword says whether the target signs in with a password.
func (t *Target) NeedsPassword() bool {
	return t.Check.SendsPassword()
}

// SignsIn says whether a whole check of the target signs in with an account, whose
// refused logons are counted.
func (t *Target) SignsIn() bool { return t.Check.Target().Credentials }

// SendsCredential says whether a whole check of the target sends any: of an account,
// or a token.
func (t *Target) SendsCredential() bool {
	return t.SignsIn() || t.Check.HMA != nil && !t.Check.NoCredentials
}

// checkPassword makes sure that there is one source, and that it can be read.
func (t *Target) checkPassword(l *loader) {
	ks := t.Settings.Keys
	var given []string
	for _, key := range passwordSources {
		if ks.Given(key) {
			given = append(given, key)
		}
	}
	switch {
	case len(given) > 1:
		ks.Invalid("{" + given[0] + "} and {" + given[1] + "} exclude each other; use one of them")
	case len(given) == 0 && t.User != "" && t.NeedsPassword() && ks.Err() == nil:
		ks.Invalid("{user} has no password; give password_file, password_env, password_from_keyring or password_credential, or no_credentials")
	case strings.ContainsAny(t.PasswordCredential, `/\`) || strings.HasPrefix(t.PasswordCredential, "."):
		ks.Invalid("{password-credential} %q must be the name of a credential, not a path", t.PasswordCredential)
	case t.PasswordFile == "-":
		ks.Invalid("{password-file} cannot be standard input, because it is read at every run; name a file")
	case t.PasswordFile != "":
		if _, err := config.ReadSecret(l.ctx, t.PasswordFile); err != nil {
			ks.Invalid("{password-file} %s %v", t.PasswordFile, err)
		}
	}
}

// checkRest looks at what only the agent has.
func (t *Target) checkRest() {
	ks := t.Settings.Keys
	if t.Endpoint != "" && !IsName(t.Endpoint) {
		ks.Invalid("{endpoint} %q is not allowed; "+nameForm, t.Endpoint)
	}
	switch {
	case t.FromDynamics && t.MailboxesFile != "":
		ks.Invalid("{mailboxes-from-dynamics} and {mailboxes-file} exclude each other; use one of them")
	case t.FromDynamics && t.Dynamics == nil:
		ks.Invalid("{mailboxes-from-dynamics} needs dynamics_url, and dynamics_client_id or dynamics_token_file")
	case t.Dynamics != nil && t.Dynamics.Mailbox == "" && !t.FromDynamics && ks.Err() == nil:
		ks.Invalid("{dynamics-url} needs mailbox, or mailboxes_from_dynamics for all of them")
	}
	if !t.HasMailboxes() {
		for _, key := range []string{"column", "mailbox-interval"} {
			if ks.Given(key) && !ks.Weak(key) {
				ks.Invalid("{" + key + "} needs mailboxes_file")
			}
		}
		return
	}
	if t.FromDynamics && ks.Given("column") && !ks.Weak("column") {
		ks.Invalid("{column} is for mailboxes_file; Dynamics names the addresses itself")
	}
	list := map[bool]string{true: "{mailboxes-from-dynamics}", false: "{mailboxes-file}"}[t.FromDynamics]
	if !t.SendsCredential() && ks.Err() == nil {
		ks.Invalid(list + " needs an account to ask for the mailboxes; give user, or leave it out")
	}
	if t.Check.FromAddress != "" {
		ks.Invalid(list + " needs an EWS URL or a host as target: one endpoint serves all mailboxes")
	}
	if t.FromDynamics {
		return
	}
	if info, err := os.Stat(t.MailboxesFile); err != nil {
		ks.Invalid("{mailboxes-file} %s cannot be read (%s)", t.MailboxesFile, config.Reason(err))
	} else if info.IsDir() {
		ks.Invalid("{mailboxes-file} %s cannot be read (it is a folder)", t.MailboxesFile)
	}
}

// HasMailboxes says whether a batch checks a list of mailboxes.
func (t *Target) HasMailboxes() bool { return t.MailboxesFile != "" || t.FromDynamics }

// checkAccounts gives all targets of one account the smallest of their limits.
func (f *File) checkAccounts() {
	for _, t := range f.Targets {
		for _, other := range f.Targets {
			if lockout.SameAccount(t.User, other.User) {
				t.Check.MaxRejections = min(t.Check.MaxRejections, other.MaxRejections)
			}
		}
	}
}

// Of is how often the target is checked: the whole, and without its credential; the
// last is 0 where that would tell nothing more.
func (t *Target) Of() (whole, anonymous time.Duration) {
	if !t.SendsCredential() {
		return min(t.Interval, t.AnonymousInterval), 0
	}
	if t.AnonymousInterval >= t.Interval {
		return t.Interval, 0
	}
	return t.Interval, t.AnonymousInterval
}
