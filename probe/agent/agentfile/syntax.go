package agentfile

import (
	_ "embed"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

//go:embed syntax.yaml
var mistakes []byte

// syntax says in which line a text stops being YAML, and why. The parser names the line
// on which the mapping or list around the mistake begins, and its words are for
// programmers: the line is the one behind the longest beginning that is YAML, and why
// is told by both. read is how many lines the parser had read.
func syntax(text, parser string, read, reported int) (line int, why string) {
	var known []struct {
		Line, Before, Parser, Why string
		Exact                     bool // the parser names the right line
	}
	if err := yaml.Unmarshal(mistakes, &known); err != nil { // a test reads it
		panic(err)
	}
	fits := func(pattern, text string) bool { return pattern == "" || regexp.MustCompile(pattern).MatchString(text) }
	exact := false
	for _, k := range known {
		exact = exact || k.Exact && fits(k.Parser, parser)
	}
	lines := strings.SplitAfter(text, "\n")
	right := func(n int) bool {
		var node yaml.Node
		return yaml.Unmarshal([]byte(strings.Join(lines[:n], "")), &node) == nil
	}
	line = mistaken(min(reported, len(lines)), min(read+1, len(lines)), exact, right)
	here, before := lines[line-1], ""
	if line > 1 {
		before = lines[line-2]
	}
	for _, k := range known {
		if fits(k.Line, here) && fits(k.Before, before) && fits(k.Parser, parser) {
			return line, k.Why
		}
	}
	indent := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
	if indent(here) != indent(before) {
		return line, "the line is not indented as the lines above it are"
	}
	return line, "check the quotes, brackets, colons and indentation here and in the line before"
}

// maxSteps is how many lines mistaken goes back one by one: each costs a reading of the file.
const maxSteps = 100

// mistaken is the line at which a text stops being YAML, searched backward from the last
// one that was read, and by bisection where it is far from there. right says whether the
// first n lines are YAML.
func mistaken(reported, last int, exact bool, right func(n int) bool) int {
	if exact && right(reported-1) && !right(reported) {
		return reported
	}
	line := last
	for ; line > last-maxSteps; line-- {
		if line <= 1 || right(line-1) {
			return line
		}
	}
	return max(1, sort.Search(line, func(n int) bool { return !right(n) }))
}

// belongs says where in the file a key stands; "" nowhere.
func belongs(key string) string {
	if slices.Contains([]string{"defaults", "targets", "notify", "peers", "maintenance"}, key) {
		return "to the file itself, at the beginning of a line"
	}
	for _, mapping := range []struct {
		keys  any
		where string
	}{
		{&Keys{}, "to the file itself, at the beginning of a line"},
		{&Target{}, "to a target, or to defaults"},
		{&Channel{}, "to a channel of notify"},
		{&Email{}, "to email in a channel of notify"},
		{&Webhook{}, "to webhook in a channel of notify"},
		{&Window{}, "to a window of maintenance"},
	} {
		if ks := config.KeysOf(mapping.keys, "agent"); slices.ContainsFunc(ks.List, func(k *config.Key) bool { return k.YAML() == key }) {
			return mapping.where
		}
	}
	return ""
}
