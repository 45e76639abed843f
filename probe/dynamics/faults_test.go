package dynamics

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Each sentence of faults.yaml is said somewhere, and what is said is there.
func TestFaults(t *testing.T) {
	said := map[string]bool{}
	files, _ := filepath.Glob("*.go")
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:fault|fail|below)\(.*"([a-z-]+)\.([a-z-]+)"`).FindAllStringSubmatch(string(source), -1) {
			if said[m[1]+"."+m[2]] = true; faults()[m[1]][m[2]] == "" {
				t.Errorf("%s: there is no sentence %s.%s", f, m[1], m[2])
			}
		}
	}
	for _, kind := range signatures {
		said[kind[2]] = true
	}
	for problem, texts := range faults() {
		for what := range texts {
			if !said[problem+"."+what] {
				t.Errorf("nothing says %s.%s", problem, what)
			}
		}
	}
}
