package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/guide"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// The guide architecture says of every package what it is for.
func TestArchitectureNamesPackages(t *testing.T) {
	text := guide.Source("architecture")
	for _, s := range sources(t) {
		if !strings.Contains(text, "`"+s.pkg+"`") && s.pkg != "probe/config/address" && !strings.HasPrefix(s.pkg, "testdata") {
			t.Errorf("probe/guide/text/architecture.md does not name %s", s.pkg)
		}
	}
}

// The guide reports has a row for every format, with its ending.
func TestGuideNamesFormats(t *testing.T) {
	text := guide.Source("reports")
	for _, f := range report.Formats {
		if row := strings.TrimSuffix("| "+f.Name+" | "+f.Extension, " "); !strings.Contains(text, "\n"+row+" |") {
			t.Errorf("probe/guide/text/reports.md has no row %q", row)
		}
	}
}

// Whatever command and flag of ewsprobe a guide names exists, and so does a
// scenario.
func TestGuidesNameFlags(t *testing.T) {
	named, flags := map[string]bool{}, map[string]bool{}
	flags["help"], flags["help-all"] = true, true
	eachCommand(commands(stdio{}, nil), "", func(c *cli.Command, _ string) {
		named[c.Name] = true
		for _, f := range c.Flags {
			flags[f.Names()[0]] = true
		}
	})
	for _, name := range guide.Names() {
		text := guide.Source(name)
		text = regexp.MustCompile("\\b(az|curl) [^`\n]*").ReplaceAllString(text, "") // others' flags
		for _, m := range regexp.MustCompile("(?:`|    )ewsprobe ([a-z]+)").FindAllStringSubmatch(text, -1) {
			if !named[m[1]] {
				t.Errorf("%s names the command %s, which there is not", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`[ (\x60]--([a-z][a-z-]+)`).FindAllStringSubmatch(text, -1) {
			if !flags[m[1]] {
				t.Errorf("%s names the flag --%s, which there is not", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`\bep-[a-z-]+`).FindAllString(text, -1) {
			if _, ok := standin.Find(m); !ok {
				t.Errorf("%s names the scenario %s, which there is not", name, m)
			}
		}
	}
}
