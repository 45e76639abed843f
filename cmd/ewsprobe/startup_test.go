package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// Nothing is computed before it is needed: a version, a refused command line and
// every check begin with what the packages do when the program starts. What that
// allocates is counted, because time on a busy machine says nothing.
func TestStartUpAllocatesLittle(t *testing.T) {
	const (
		maxOfOne = 64 << 10 // of a package of our own
		maxOfAll = 1_050_000
	)
	cmd := exec.Command(built(), "version")
	cmd.Env = []string{"GODEBUG=inittrace=1"}
	var trace strings.Builder
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	all, packages := 0, 0
	for line := range strings.Lines(trace.String()) {
		var name string
		var at, took float64
		var bytes, allocations int
		if n, _ := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes, %d allocs", &name, &at, &took, &bytes, &allocations); n < 5 {
			continue
		}
		packages++
		if all += bytes; strings.HasPrefix(name, module) && bytes > maxOfOne {
			t.Errorf("%s allocates %d bytes at the start: use sync.OnceValue", name, bytes)
		}
	}
	if packages < 20 || all > maxOfAll {
		t.Errorf("%d packages allocate %d bytes at the start", packages, all)
	}
}
