package report

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each template can be read, and is used: by a say, or by another template.
func TestWords(t *testing.T) {
	used := ""
	files, _ := filepath.Glob("*.[gt][om]*")
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		used += string(source)
	}
	if n := strings.Count(wordsSource+textSource, "{{define "); n != len(definitions())+len(textDefinitions()) || n == 0 {
		t.Errorf("%d templates, %d and %d are found", n, len(definitions()), len(textDefinitions()))
	}
	for name := range definitions() {
		compile(name)
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(definitions())), slices.Collect(maps.Keys(textDefinitions()))) {
		if !regexp.MustCompile(`(say[ (]|parts\(|rows[ (]|linesOf\(|about\(|fill\(|\{\{template )"` + name + `"`).MatchString(used) {
			t.Errorf("nothing says %q", name)
		}
	}
}

// No template ends early for want of what a record of this program has.
func TestWordsOfRecords(t *testing.T) {
	for _, file := range records(t) {
		r := Harmless(load(t, file))
		say := func(of any, names ...string) {
			for _, name := range names {
				if err := compile(name).Execute(io.Discard, of); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		}
		for _, s := range []Style{{}, {tight: tightest}, {Whole: true}} {
			v := view{r, s}
			say(v, "seen-profile", "seen-autodiscover", "seen-directory", "seen-outside", "asked")
			for _, n := range r.Nodes {
				say(n, "node")
				say(v.seenAt(n.Address), "seen-at")
			}
		}
		for i := range r.Evidence {
			say(&r.Evidence[i], "whom", "sent", "back", "wire")
		}
	}
}
