package report

import (
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
