package dynamics

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// option reads a value of an option column: a number, or an English label. A
// number that is not in the list is one that Dynamics added later: it keeps the
// label that the file gives it.
func option(value, label string, options [][]string) (*evidence.Option, bool) {
	if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < 1<<31-1 {
		if n < len(options) {
			return &evidence.Option{Number: n, Label: options[n][0]}, true
		}
		return &evidence.Option{Number: n, Label: bounded(cmp.Or(label, "option "+value), maxName)}, true
	}
	for n, names := range options {
		if slices.ContainsFunc(names, func(name string) bool { return fold(name) == fold(value) }) {
			return &evidence.Option{Number: n, Label: names[0]}, true
		}
	}
	return nil, false
}

// yesNo are the spellings of a two-valued column: of Dynamics, of Excel and of
// PowerShell, in the languages in which they are certain.
var yesNo = map[string]bool{
	"1": true, "yes": true, "true": true, "ja": true, "wahr": true, "oui": true, "vrai": true,
	"0": false, "no": false, "false": false, "nein": false, "falsch": false, "non": false, "faux": false,
}
