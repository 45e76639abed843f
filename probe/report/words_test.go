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
	used := wordsSource + textSource
	templates := strings.Count(used, "{{define ")
	files, _ := filepath.Glob("*.go")
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		used += string(source)
	}
	if templates != len(definitions())+len(textDefinitions()) || templates == 0 {
		t.Errorf("%d templates, %d and %d are found", templates, len(definitions()), len(textDefinitions()))
	}
	for name := range definitions() {
		compile(name)
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(definitions())), slices.Collect(maps.Keys(textDefinitions()))) {
		if !regexp.MustCompile(`(say\(|parts\(|rows\(|fill\(|\{\{template )"` + name + `"`).MatchString(used) {
			t.Errorf("nothing says %q", name)
		}
	}
}
