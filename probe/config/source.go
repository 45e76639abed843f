package config

import (
	"flag"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/xrash/smetrics"

	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// give sets a key unless a stronger source has.
func (ks *Keys) give(k *Key, by origin, texts ...string) {
	before := ks.from[k.Name]
	if before.rank > by.rank {
		return
	}
	if before.rank < by.rank || !k.Repeatable() || by.File != "" { // the default's, a weaker source's, or what was said before
		k.field.SetZero()
	}
	ks.from[k.Name] = by
	for _, text := range texts {
		if text == "" {
			kind := map[bool]string{true: "variable", false: "flag"}[by.rank == byVariable]
			ks.usage("{"+k.Name+"} is empty; give a value, or leave the %s out", kind)
		} else if name := address.Variable(text); name != "" {
			ks.usage("{"+k.Name+"} contains the variable %s, which nothing has replaced; give its value", name)
		} else if wrong := k.set(text); wrong != "" {
			ks.usage("{"+k.Name+"} "+"%s", ks.named(wrong))
		}
	}
}

// Set is the flag.Value of the key. What is wrong is noted, and told with the rest.
func (k *Key) Set(text string) error {
	k.Keys.give(k, origin{name: k.Flag(), rank: byFlag}, text)
	return nil
}

func (k *Key) String() string { return k.Default }

// IsBoolFlag tells package flag that no value follows.
func (k *Key) IsBoolFlag() bool { return !k.TakesValue() }

// Arrange puts the flags of a command line in front of its arguments: they may stand
// before, between and behind, but not behind --. A flag that there is not, or that has
// no value, is noted and left out.
func (ks *Keys) Arrange(args []string) []string {
	var flags, rest []string
	for len(args) > 0 && args[0] != "--" {
		arg := args[0]
		args = args[1:]
		name, value, whole := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if dash, _ := utf8.DecodeRuneInString(arg); dash != '-' && !ks.Words && unicode.Is(unicode.Pd, dash) {
			// A word processor made one long dash of two hyphens.
			name, _, whole = strings.Cut(strings.TrimLeftFunc(arg, func(r rune) bool { return unicode.Is(unicode.Pd, r) }), "=")
			ks.usage("%q begins with a dash from a word processor (U+%04X); type --%s", arg, dash, name)
			if k := ks.Find(name); k != nil && k.TakesValue() && !whole && len(args) > 0 {
				ks.meant(k)
				args = args[1:]
			}
			continue
		}
		if slash, ok := strings.CutPrefix(arg, "/"); ok && !ks.Words {
			name, _, _ = strings.Cut(slash, ":")
			if k := ks.Find(strings.ToLower(name)); k != nil {
				ks.usage("flags begin with two hyphens; type --%s", k.Name)
				ks.meant(k)
				continue
			}
			name = ""
		}
		if !ks.Words && slices.Contains([]string{`\`, "^", "`"}, arg) {
			ks.usage("%s stands alone: it continues a line in another shell, not in this one; write the command in one line", arg)
			ks.failed["target"], ks.failed["user"] = true, true
			continue
		}
		k := ks.Find(name)
		if k == nil && ks.Find("v") != nil && strings.Trim(name, "v") == "" { // -vv
			k, name, value, whole = ks.Find("v"), "v", strconv.Itoa(len(name)), true
		}
		switch {
		case !isFlag(arg), k == nil && ks.Words && (!strings.HasPrefix(arg, "--") || ks.near(name) == ""):
			rest = append(rest, arg)
			continue
		case k == nil:
			if meant := ks.unknown(name); meant == nil {
				ks.lost = true
			} else if meant.TakesValue() && !whole && len(args) > 0 && !isFlag(args[0]) {
				args = args[1:] // the value of a flag that is misspelt is no argument
			}
			continue
		case !whole && !k.TakesValue() && len(args) > 0 && slices.Contains([]string{"true", "false"}, args[0]):
			value, whole, args = args[0], true, args[1:] // as PowerShell and YAML have it
		case whole || !k.TakesValue():
		case len(args) == 0 || isFlag(args[0]) && ks.Find(strings.TrimLeft(args[0], "-")) != nil:
			ks.usage("{" + name + "} needs a value")
			continue
		default:
			value, whole, args = args[0], true, args[1:]
			if len(args) == 0 && !k.IsFile() {
				ks.took = [2]string{k.Flag(), value}
			}
		}
		if flags = append(flags, k.Flag()); whole {
			flags[len(flags)-1] += "=" + value
		}
	}
	if len(args) > 0 && !ks.Words {
		args = args[1:]
	}
	return append(append(append(flags, "--"), rest...), args...)
}

// Parse reads a command line, without a command, and returns its arguments.
func (ks *Keys) Parse(args []string) []string {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	for _, k := range ks.List {
		set.Var(k, k.Name, k.Help)
	}
	_ = set.Parse(ks.Arrange(args)) // what is wrong is noted
	return set.Args()
}

// Lost says that there was an unknown flag, and one of the arguments may be its value.
func (ks *Keys) Lost() bool { return ks.lost }

// isFlag: a number below zero is none, and neither is a dash alone.
func isFlag(arg string) bool {
	return len(arg) > 1 && arg[0] == '-' && (arg[1] < '0' || arg[1] > '9')
}

// passwordNames are what elsewhere takes a password.
var passwordNames = []string{"password", "passwd", "pass", "pw", "p"}

// unknown says that there is no such flag, and returns which one may be meant.
func (ks *Keys) unknown(name string) *Key {
	if slices.Contains(passwordNames, name) {
		ks.usage("no flag takes the password, because process lists are public; use {password-file} FILE, EWSPROBE_PASSWORD or the prompt")
		return nil
	}
	key, value, _ := strings.Cut(foreignFlag(name), " ")
	if k := ks.Find(strings.Trim(key, "{}")); k != nil {
		ks.usage("there is no flag %s; use "+strings.TrimSpace(key+" "+value), dashed(name))
		if value != "" {
			return nil
		}
		return ks.meant(k)
	}
	if key == "{target}" {
		ks.usage("there is no flag %s; give the EWS URL or the host name without a flag", dashed(name))
		return nil
	}
	if near := ks.near(name); near != "" && len(name) > 1 {
		ks.usage("there is no flag %s; did you mean --%s?", dashed(name), near)
		return ks.meant(ks.Find(near))
	}
	ks.usage("there is no flag %s; see `%s --help-all`", dashed(name), strings.TrimSpace("ewsprobe "+ks.command))
	return nil
}

// meant notes that a key was given under another name, so that it is not missing.
func (ks *Keys) meant(k *Key) *Key {
	ks.from[k.Name] = origin{name: k.Flag(), rank: byFlag}
	return k
}

// foreignFlag is what a flag of curl, or a parameter of a cmdlet of PowerShell, is called
// here; "" where it is none of these.
func foreignFlag(name string) string {
	if name = strings.ReplaceAll(name, "-", ""); len(name) > 1 {
		name = strings.ToLower(name)
	}
	for meant, names := range map[string][]string{
		"{target}":                 {"H", "host", "hostname", "server", "url", "uri", "endpoint", "serviceurl", "ewsurl"},
		"{targets}":                {"targets", "hosts", "endpoints", "checks", "modules", "probes"},
		"{listen}":                 {"port", "bind", "listenaddress"},
		"{user}":                   {"u", "a", "username", "credential", "credentials", "mailboxcredential", "login", "account"},
		"{insecure}":               {"k", "skipcertificatecheck", "trustanyssl", "trustanysslcertificate", "allowinsecureredirection"},
		"{profile-auth} ntlm":      {"ntlm"},
		"{profile-auth} basic":     {"basic"},
		"{profile-auth} negotiate": {"negotiate", "kerberos"},
		"{proxy}":                  {"x"},
		"{ca-file}":                {"cacert"},
		"{mailbox}":                {"identity", "emailaddress", "email", "mail", "smtp"},
		"{address}":                {"I", "resolve", "connectto", "ip", "ipaddress"},
		"{timeout}":                {"m", "t", "maxtime", "connecttimeout"},
		"{user-agent}":             {"A", "useragent"},
		"{no-credentials}":         {"anonymous"},
	} {
		if slices.Contains(names, name) {
			return meant
		}
	}
	return ""
}

// dashed is a flag as it was typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// near is the flag that may be meant, "" for none.
func (ks *Keys) near(name string) string {
	return Nearest(name, ks.names(func(k *Key) string { return k.Name }))
}

// Distance is how many letters have to be put in, left out or changed to get from
// one word to the other (Levenshtein).
func Distance(a, b string) int { return smetrics.WagnerFischer(a, b, 1, 1, 1) }

// Nearest is the word that may be meant by another, "" if none is near enough.
func Nearest(word string, among []string) string {
	best, nearest := 1+len(word)/3, ""
	for _, w := range among {
		if d := Distance(strings.ToLower(word), w); d <= best {
			best, nearest = d-1, w
		}
	}
	return nearest
}

// Variables reads what the environment says; an empty variable says nothing.
// Several values are parted by commas.
func (ks *Keys) Variables(getenv func(string) string) {
	for _, k := range ks.List {
		text := getenv(k.Variable())
		if text == "" {
			continue
		}
		texts := []string{text}
		if k.field.Kind() == reflect.Slice {
			texts = strings.Split(text, ",")
		}
		ks.give(k, origin{name: k.Variable(), rank: byVariable}, texts...)
	}
}

// Argument is TARGET of check, which stands among the flags.
func (s *Settings) Argument(args []string) {
	switch {
	case len(args) < 2 || s.Keys.lost:
	case len(args) == 2 && address.IsMailbox(args[0]) != address.IsMailbox(args[1]):
		s.Keys.usage("only one {target} is allowed; give the host as {target} and the address with {mailbox}")
	default:
		s.Keys.usage("only one {target} is allowed; remove the second argument, or put quotes around a name with blanks")
	}
	if len(args) > 0 {
		s.Target, s.Keys.from["target"] = args[0], origin{name: "TARGET", rank: byFlag}
	}
}

// files are the files that the keys name and that a run reads or goes on with.
func (ks *Keys) files() map[string]string {
	files := map[string]string{}
	for _, k := range ks.List {
		if name, ok := k.field.Interface().(string); ok && name != "" && k.IsFile() {
			files[k.Name] = name
		}
	}
	return files
}

// yield puts aside what the environment says and what cannot go with a flag: a flag
// wins over a variable.
func (s *Settings) yield() {
	ks := s.Keys
	for _, group := range [][]string{
		{"password-file", "password-from-keyring", "keytab", "ccache", "current-user", "no-credentials", "user-column"},
		{"user", "current-user", "user-column"},
		{"explain-rejection", "keytab", "ccache", "current-user", "no-credentials"},
		{"address", "each-address"},
		{"each-address", "proxy"},
		{"token-file", "client-id"},
		{"insecure", "current-user"},
		{"hma-token-file", "hma-client-id"},
		{"hma-token-file", "hma-certificate", "hma-client-secret-file"},
	} {
		if !slices.ContainsFunc(group, func(name string) bool { return ks.from[name].rank == byFlag }) {
			continue
		}
		for _, name := range group {
			if k := ks.Find(name); k != nil && ks.from[name].rank == byVariable {
				delete(ks.from, name)
				k.field.SetZero()
			}
		}
	}
}
