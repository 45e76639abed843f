package main

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// The help of every command fits the terminal and has two examples. Only what stands in
// quotes is not broken, which a shell would take for a part of it.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	paths := [][]string{{}}
	eachCommand(commands(stdio{}, nil), "", func(c *cli.Command, path string) {
		if !c.Hidden {
			paths = append(paths, strings.Fields(path))
			if n := strings.Count(c.UsageText, "\n  "); n < 2 {
				t.Errorf("%s: %d examples", path, n)
			}
		}
	})
	for _, path := range paths {
		for _, width := range []int{60, 80} {
			for _, all := range []string{"--help", "--help-all"} {
				var out bytes.Buffer
				std := stdio{out: &out, err: &out, width: width, inFD: -1, env: func(string) string { return "" }}
				args := slices.Concat([]string{"ewsprobe"}, path, []string{all})
				if code := run(context.Background(), args, std); code != 0 {
					t.Errorf("%s: exit %d", args, code)
				}
				for line := range strings.Lines(out.String()) {
					if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > width && !strings.Contains(line, `"`) {
						t.Errorf("%s at %d columns: %q", args, width, line)
					}
				}
				if strings.Contains(out.String(), "default: false") {
					t.Errorf("%s tells of a default that is none", args)
				}
			}
		}
	}
}

// An example can be copied into the shell of the system.
func TestExamplesInShell(t *testing.T) {
	text := "As Dynamics does:\n  ewsprobe check --user svc-crm@contoso.com --impersonate mail.contoso.com\n" +
		"As a page:\n  ewsprobe explain --format html hma > hma.html\nAn alert:\n  ewsprobe explain \"Http server returned 401\""
	for windows, want := range map[bool]string{
		false: "As Dynamics does:\n  ewsprobe check --user svc-crm@contoso.com \\\n    --impersonate mail.contoso.com\n" +
			"As a page:\n  ewsprobe explain --format html hma \\\n    > hma.html\nAn alert:\n  ewsprobe explain \"Http server returned 401\"",
		true: "As Dynamics does:\n  ewsprobe check --user svc-crm@contoso.com `\n    --impersonate mail.contoso.com\n" +
			"As a page:\n  cmd /c \"ewsprobe explain --format html hma > hma.html\"\nAn alert:\n  ewsprobe explain \"Http server returned 401\"",
	} {
		if got := inShell(text, 50, windows); got != want {
			t.Errorf("Windows %v:\n%s\nwant\n%s", windows, got, want)
		}
	}
}

// Each command has words, and there are no others.
func TestEachCommandHasWords(t *testing.T) {
	all := maps.Clone(allWords())
	for _, part := range []string{"ewsprobe", "environment", "files"} {
		delete(all, part)
	}
	eachCommand(commands(stdio{}, nil), "", func(c *cli.Command, path string) {
		w := all[path]
		if !c.Hidden && (w.usage == "" || w.examples == "") {
			t.Errorf("%s: %+v", path, w)
		}
		delete(all, path)
	})
	if len(all) > 0 {
		t.Errorf("there is no such command: %v", all)
	}
	for name, args := range map[string]string{"schema": "[" + strings.Join(schemaNames(), "|") + "]", "completion": strings.Join(shells(), "|")} {
		if got := allWords()[name].args; got != args {
			t.Errorf("%s takes %s, not %s", name, args, got)
		}
	}
}
