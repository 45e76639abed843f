package config

import (
	"fmt"
	"slices"
	"strings"
)

// give sets a key unless a stronger source has.
func (ks *Keys) give(k *Key, by origin, texts ...string) {
	if before := ks.from[k.Name]; before.rank > by.rank {
		return
	}
	k.field.SetZero() // the default, or a weaker source's
	ks.from[k.Name] = by
	for _, text := range texts {
		if text == "" {
			ks.usage("{"+k.Name+"} is empty; give its value, or leave the %s out", by.kind())
		} else if wrong := k.set(text); wrong != "" {
			ks.usage("{"+k.Name+"} "+"%s", ks.named(wrong))
		}
	}
}

func (o origin) kind() string {
	switch o.rank {
	case byFlag:
		return "flag"
	case byVariable:
		return "variable"
	}
	return "key"
}

// Flags reads a command line and returns what are no flags in it: they may stand
// before, between and behind. Everything behind -- is none.
func (ks *Keys) Flags(args []string) (rest []string) {
	given := map[string][]string{}
	var order []*Key
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			rest = append(rest, args...)
			break
		}
		if !isFlag(arg) {
			rest = append(rest, arg)
			continue
		}
		name, value, whole := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		k := ks.Find(name)
		if k == nil && ks.Find("v") != nil && strings.Trim(name, "v") == "" {
			k, value, whole = ks.Find("v"), fmt.Sprint(len(name)), true
		}
		switch {
		case k == nil:
			// What follows a flag that is misspelt is its value, and no argument.
			meant := ks.unknown(name)
			if meant == nil {
				ks.lost = true
				continue
			}
			ks.from[meant.Name] = origin{name: meant.Flag(), rank: byFlag}
			if meant.TakesValue() && !whole && len(args) > 0 && !isFlag(args[0]) {
				args = args[1:]
			}
			continue
		case whole:
		case !k.TakesValue():
			value = "true"
			if k.counts() {
				value = "1"
			}
		case len(args) == 0 || isFlag(args[0]) && ks.Find(strings.TrimLeft(args[0], "-")) != nil:
			ks.usage("{" + name + "} needs a value")
			continue
		default:
			value, args = args[0], args[1:]
		}
		if !slices.Contains(order, k) {
			order = append(order, k)
		}
		given[k.Name] = append(given[k.Name], value)
	}
	for _, k := range order {
		texts := given[k.Name]
		switch {
		case k.counts():
			n := 0
			for _, t := range texts {
				n += int(t[0] - '0')
			}
			texts = []string{fmt.Sprint(n)}
		case !k.Repeatable():
			texts = texts[len(texts)-1:] // the last one counts
		}
		ks.give(k, origin{name: k.Flag(), rank: byFlag}, texts...)
	}
	return rest
}

// FlagsAmongWords reads a command line whose arguments are text, as it is pasted: what
// begins with a dash and is no flag is part of the text, unless a flag is all but
// named.
func (ks *Keys) FlagsAmongWords(args []string) (rest []string) {
	var flags []string
	for len(args) > 0 && args[0] != "--" {
		name, _, whole := strings.Cut(strings.TrimLeft(args[0], "-"), "=")
		k := ks.Find(name)
		switch {
		case !isFlag(args[0]), k == nil && !strings.HasPrefix(args[0], "--"), k == nil && ks.near(name) == "":
			rest, args = append(rest, args[0]), args[1:]
			continue
		case k != nil && k.TakesValue() && !whole && len(args) > 1:
			flags, args = append(flags, args[0]), args[1:]
		}
		flags, args = append(flags, args[0]), args[1:]
	}
	return append(append(rest, args...), ks.Flags(flags)...)
}

// isFlag: a number below zero is none, and neither is a dash alone.
func isFlag(arg string) bool {
	return len(arg) > 1 && arg[0] == '-' && (arg[1] < '0' || arg[1] > '9')
}

// unknown says that there is no such flag, and returns which one may be meant.
func (ks *Keys) unknown(name string) *Key {
	if slices.Contains([]string{"password", "pass", "pw", "p"}, name) {
		ks.usage("no flag takes the password, because process lists are public; use {password-file} FILE, EWSPROBE_PASSWORD or the prompt")
		return nil
	}
	if near := ks.near(name); near != "" {
		ks.usage("there is no flag --%s here; did you mean --%s?", name, near)
		return ks.Find(near)
	}
	help := "ewsprobe"
	if ks.command != "" {
		help += " " + ks.command
	}
	ks.usage("there is no flag --%s here; see `%s --help`", name, help)
	return nil
}

// near is the flag that may be meant, "" for none.
func (ks *Keys) near(name string) string {
	names := make([]string, len(ks.List))
	for i, k := range ks.List {
		names[i] = k.Name
	}
	return Nearest(name, names)
}

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

// Distance is how many letters have to be put in, left out or changed to get from
// one word to the other (Levenshtein).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
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
		if k.field.Kind().String() == "slice" {
			texts = strings.Split(text, ",")
		}
		ks.give(k, origin{name: k.Variable(), rank: byVariable}, texts...)
	}
}

// Argument is TARGET of check, which stands among the flags.
func (s *Settings) Argument(args []string) {
	if len(args) > 1 && !s.Keys.lost {
		s.Keys.usage("only one {target} is allowed; what follows the first is one too many")
	}
	if len(args) > 0 {
		s.Target, s.Keys.from["target"] = args[0], origin{name: "TARGET", rank: byFlag}
	}
}

// Files are the files that the keys name and that a run reads or goes on with.
func (ks *Keys) Files() map[string]string {
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
