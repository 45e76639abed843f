package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table of dependencies has those of go.mod, no more and no less.
func TestDependenciesAreTold(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, r := range mod.Require {
		if !r.Indirect {
			want = append(want, r.Path)
		}
	}
	slices.Sort(want)
	table, err := os.ReadFile("../../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	row := regexp.MustCompile(`(?m)^\| ([a-z]+\.\S+) \|(?: [^|]+ \|){4}$`)
	for _, m := range row.FindAllStringSubmatch(string(table), -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf(".github/CONTRIBUTING.md and go.mod (-go.mod +table):\n%s", diff)
	}
}
