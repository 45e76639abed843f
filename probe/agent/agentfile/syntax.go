package agentfile

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// longestSearch is the most lines that are searched for the place of a mistake: each of
// them may cost a reading of the file.
const longestSearch = 2000

// syntax says in which line a text stops being YAML, and why. The parser names the line
// on which the mapping or list around the mistake begins, and its words are for
// programmers: the line is the one behind the longest beginning that is YAML, and why
// is told by both.
func syntax(text string, parser error, reported int) (line int, why string) {
	lines := strings.SplitAfter(text, "\n")
	line = min(reported, len(lines))
	if len(lines) <= longestSearch {
		for line = len(lines); line > 1; line-- {
			var node yaml.Node
			if yaml.Unmarshal([]byte(strings.Join(lines[:line-1], "")), &node) == nil {
				break
			}
		}
	}
	here, before := lines[line-1], ""
	if line > 1 {
		before = lines[line-2]
	}
	is := func(text, pattern string) bool { return regexp.MustCompile(pattern).MatchString(text) }
	indent := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
	for _, c := range []struct {
		holds bool
		why   string
	}{
		{
			is(here, `^\s*(- +)?(password|passwd|pass|pw|secret)\s*:`),
			"no password stands in this file; save it in a file of its own, and give password_file",
		},
		{is(parser.Error(), `tab character|cannot start any token`) && is(here, `^ *(- *)?\t`), "the line is indented with a tab; use spaces"},
		{is(parser.Error(), `control characters`), "a control character stands here; type the line again"},
		{
			is(parser.Error(), `escape character|hexdecimal`),
			`a backslash means something else between double quotes; use single quotes, like 'C:\folder\file'`,
		},
		{is(parser.Error(), `cannot start any token|unknown anchor`), "a value that begins with one of @ % ` * needs single quotes around it"},
		{is(parser.Error(), `end of stream`), "a quote that opens here is not closed"},
		{is(parser.Error(), `',' or`), "a bracket or brace that opens here is not closed"},
		{is(here, `:\s+('[^']*'|"[^"]*")\s*[^\s#,}\]]`), "something follows a closing quote; inside single quotes write a single quote twice"},
		{is(parser.Error(), `mapping values`) && is(here, `: .*:\s`), "a value with a colon and a space in it needs single quotes around it"},
		{is(before, `^\s*[\w.]+ *\{\s*$`), "a colon is missing between the key and the brace in the line before"},
		{is(before, `^\s*(-\w|(- +)?\w+:[^\s/])`), "a space is missing behind the colon or the hyphen in the line before"},
		{is(here, `^\s*(-\w|(- +)?\w+:[^\s/])`), "a space is missing behind the colon or the hyphen"},
		{indent(here) != indent(before), "the line is not indented as the lines above it are"},
	} {
		if c.holds {
			return line, c.why
		}
	}
	return line, "check the quotes, brackets, colons and indentation here and in the line before"
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
