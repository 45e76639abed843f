package report

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each template can be read, and is used: by a say, or by another template.
func TestWords(t *testing.T) {
	used := wordsSource
	files, _ := filepath.Glob("*.go")
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		used += string(source)
	}
	if n := strings.Count(wordsSource, "{{define "); n != len(definitions()) || n == 0 {
		t.Errorf("%d templates, %d are found", n, len(definitions()))
	}
	for name := range definitions() {
		compile(name)
		if !regexp.MustCompile(`(say\(|parts\(|rows\(|\{\{template )"` + name + `"`).MatchString(used) {
			t.Errorf("nothing says %q", name)
		}
	}
}
