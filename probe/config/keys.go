package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Key is one setting, bound to the field that holds its value.
type Key struct {
	Name    string // of the flag
	Group   string
	Help    string
	Default string
	Common  bool     // among the first that the help shows
	Secret  bool     // its value names a secret
	Values  []string // the only ones that there are; none where any text may stand

	value, least, most, hint string
	field                    reflect.Value

	Keys *Keys // among which it is
}

// origin is who gave a key its value, by the name that they wrote: a flag, a
// variable, or a key at a place in a file.
type origin struct {
	Position
	name string
	rank rank
}

type rank int

// The sources; the higher wins.
const (
	byProfile rank = iota + 1
	byVariable
	byFlag
)

// Keys are those of a command, in the order of their declaration.
type Keys struct {
	List     []*Key
	from     map[string]origin
	problems Problems
	failed   map[string]bool // the keys that something is wrong with
	place    Place
	node     *yaml.Node // the mapping that was read last
	command  string
	Words    bool      // the arguments are text, which may begin with a dash
	Notes    []string  // what is not used, for whoever gave it
	lost     bool      // there was a flag of which it is not known whether a value follows
	took     [2]string // the flag whose value was the last argument, and that value
}

// KeysOf reads the declarations of a struct's fields, those of embedded structs
// included, that a command has.
func KeysOf(of any, command string) *Keys {
	ks := &Keys{from: map[string]origin{}, failed: map[string]bool{}, command: command}
	if of != nil {
		ks.walk(reflect.ValueOf(of).Elem(), "", "", of)
	}
	return ks
}

func (ks *Keys) walk(v reflect.Value, group, in string, of any) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag := func(name string) string {
			if !strings.Contains(string(f.Tag), name) { // as most: Get reads a tag by the byte
				return ""
			}
			return f.Tag.Get(name)
		}
		if f.Anonymous {
			ks.walk(v.Field(i), tag("group"), tag("in"), of)
			continue
		}
		commands := tag("in")
		if commands == "" {
			commands = in + " " + tag("also")
		}
		if f.Tag == "" || strings.TrimSpace(commands) != "" && !slices.Contains(strings.Fields(commands), ks.command) {
			if d := tag("default"); d != "" && d != "-" { // a default holds where nobody can say otherwise
				(&Key{field: v.Field(i)}).set(d)
			}
			continue
		}
		k := &Key{
			Name: tag("flag"), Group: group, Help: tag("help"), Default: tag("default"), Secret: tag("secret") != "",
			Common: tag("common") == "y" || tag("common") == ks.command,
			value:  cmp.Or(tag("value"), tag("secret")), hint: tag("hint"), Values: strings.Fields(tag("values")), field: v.Field(i), Keys: ks,
		}
		if k.Name == "" {
			k.Name = kebab(f.Name)
		}
		k.least, k.most, _ = strings.Cut(tag("range"), " ")
		if c, ok := of.(interface{ Choices(string) []string }); ok && tag("values") == "-" {
			k.Values = c.Choices(k.Name)
		}
		if k.Default != "" && k.Default != "-" {
			k.set(k.Default)
		}
		ks.List = append(ks.List, k)
	}
}

// kebab is client-id of ClientID and ca-file of CAFile.
func kebab(field string) string {
	var b strings.Builder
	r := []rune(field)
	for i, c := range r {
		if i > 0 && unicode.IsUpper(c) && (unicode.IsLower(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// Find is the key of a name, nil if there is none.
func (ks *Keys) Find(name string) *Key {
	for _, k := range ks.List {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// names are those of all keys, as write writes them.
func (ks *Keys) names(write func(*Key) string) (names []string) {
	for _, k := range ks.List {
		names = append(names, write(k))
	}
	return names
}

// Flag is how the key is written on a command line.
func (k *Key) Flag() string {
	if len(k.Name) == 1 {
		return "-" + k.Name
	}
	return "--" + k.Name
}

// Variable is the variable of the environment that gives the key.
func (k *Key) Variable() string {
	return "EWSPROBE_" + strings.ToUpper(strings.ReplaceAll(k.Name, "-", "_"))
}

// YAML is the name of the key in the agent's file.
func (k *Key) YAML() string { return strings.ReplaceAll(k.Name, "-", "_") }

// TakesValue says whether the flag is followed by a value.
func (k *Key) TakesValue() bool { return k.field.Kind() != reflect.Bool && !k.counts() }

// Repeatable says whether the key can be given several times.
func (k *Key) Repeatable() bool { return k.field.Kind() == reflect.Slice || k.counts() }

// counts: -v, which is said more often for more.
func (k *Key) counts() bool { return len(k.Name) == 1 }

// IsFile says whether the value is the name of a file or of a folder.
func (k *Key) IsFile() bool { return slices.Contains([]string{"FILE", "FOLDER", "STATE"}, k.value) }

// SecretFiles are the files with secrets that the settings name.
func (ks *Keys) SecretFiles() (files []string) {
	for _, k := range ks.List {
		if k.Secret && k.value == "FILE" && k.field.String() != "" {
			files = append(files, k.field.String())
		}
	}
	return files
}

// kind is what the values of a key are.
type kind struct {
	value  string // in the help
	tag    string // in YAML
	what   string // as a complaint calls it
	schema string // in JSON Schema
}

func (k *Key) kind() kind {
	switch k.field.Interface().(type) {
	case bool:
		return kind{"", "!!bool", "true or false", "boolean"}
	case int:
		return kind{"N", "!!int", "a whole number", "integer"}
	case time.Duration:
		return kind{"TIME", "!!str", "a time with a unit, like 30s or 2m", "string"}
	case []string:
		return kind{"VALUE", "!!seq", "text or a list of texts", "array"}
	}
	return kind{"VALUE", "!!str", "text (put it in quotes)", "string"}
}

// Value stands for the value in the help.
func (k *Key) Value() string {
	if !k.TakesValue() {
		return ""
	}
	return cmp.Or(k.value, k.kind().value)
}

// About is the help with values, default and whether the key can be repeated.
func (k *Key) About() string {
	s := k.Help
	if len(k.Values) > 0 {
		s += ": " + OneOf(k.Values, "or")
	}
	if k.field.Kind() == reflect.Slice {
		s += "; repeatable"
	}
	if k.Default != "" && k.Default != "-" {
		s += " (default: " + k.Default + ")"
	}
	return s
}

// set reads a value; wrong is the rest of a sentence.
func (k *Key) set(text string) (wrong string) {
	if len(k.Values) > 0 && !slices.Contains(k.Values, text) {
		return fmt.Sprintf("%q is unknown; use %s", text, OneOf(k.Values, "or"))
	}
	switch to := k.field.Addr().Interface().(type) {
	case *string:
		*to = text
	case *[]string:
		*to = append(*to, text)
	case *bool:
		on, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return fmt.Sprintf("%q is neither true nor false", text)
		}
		*to = on
	case *int:
		if k.counts() && text == "true" {
			text = "1"
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Sprintf("%q is not a whole number; give it without a unit", text)
		}
		if k.counts() {
			n += *to
		}
		*to = n
		return outOfRange(k, n, text, strconv.Atoi)
	case *time.Duration:
		d, err := parseDuration(text)
		if err != nil {
			return fmt.Sprintf("%q is not a time with a unit; give it like 30s or 2m", text)
		}
		*to = d
		return outOfRange(k, d, text, parseDuration)
	default:
		panic("config: no key can be a " + k.field.Type().String())
	}
	return ""
}

func outOfRange[T cmp.Ordered](k *Key, value T, text string, parse func(string) (T, error)) string {
	least, err := parse(k.least)
	if most, err2 := parse(k.most); (err != nil || value >= least) && (err2 != nil || value <= most) {
		return ""
	}
	return fmt.Sprintf("%s is out of range; use %s to %s%s", text, k.least, k.most, k.hint)
}

// parseDuration knows days too, as 400d.
func parseDuration(text string) (time.Duration, error) {
	days, ok := strings.CutSuffix(text, "d")
	if n, err := strconv.Atoi(days); ok && err == nil && n < 1<<15 {
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(text)
}

// OneOf lists words: a, b or c.
func OneOf[T ~string](words []T, last string) string {
	list := ""
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			list += " " + last + " "
		case i > 0:
			list += ", "
		}
		list += string(w)
	}
	return list
}

// Schema is the part of a JSON Schema (draft 2020-12) that describes the key in the
// agent's file.
func (k *Key) Schema() map[string]any {
	s := map[string]any{"description": k.Help, "type": k.kind().schema}
	values := s
	switch k.field.Interface().(type) {
	case int:
		for name, bound := range map[string]string{"minimum": k.least, "maximum": k.most, "default": k.Default} {
			if n, err := strconv.Atoi(bound); err == nil {
				s[name] = n
			}
		}
		return s
	case []string:
		values = map[string]any{"type": "string"}
		s["type"], s["items"] = []string{"string", "array"}, values
	case time.Duration:
		s["pattern"] = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)|[0-9]+d)+$`
	}
	if len(k.Values) > 0 {
		values["enum"] = k.Values
	}
	if k.Default != "" && k.Default != "-" {
		s["default"] = k.Default
	}
	return s
}

// Schema are the properties that the keys are in a mapping of the agent's file.
func (ks *Keys) Schema() map[string]any {
	properties := map[string]any{}
	for _, k := range ks.List {
		properties[k.YAML()] = k.Schema()
	}
	return properties
}
