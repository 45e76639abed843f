package guide

import (
	"html"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

func TestEveryFileIsAGuide(t *testing.T) {
	var found []string
	entries, err := fs.ReadDir(files, "text")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, strings.TrimSuffix(e.Name(), ".md"))
	}
	names := Names()
	slices.Sort(names)
	slices.Sort(found)
	for _, name := range names {
		if _, taken := finding.Lookup(finding.Code(name)); taken {
			t.Errorf("the guide %s has the name of a code, which explain would show instead", name)
		}
	}
	if !slices.Equal(found, names) {
		t.Errorf("files %v, guides %v", found, names)
	}
	for _, bad := range []string{"", "nothing", "../guide", "first-check.md"} {
		if Text(bad, 80) != "" {
			t.Errorf("%q is a guide", bad)
		}
	}
}

// What is said at the terminal and in HTML is the same, word for word, and fits.
func TestOneSource(t *testing.T) {
	tags := regexp.MustCompile(`<[^>]*>`)
	bare := func(s string) []string {
		return strings.Fields(strings.ReplaceAll(regexp.MustCompile(`(?m)^  (-|\d+\.) `).ReplaceAllString(s, ""), "`", ""))
	}
	for _, name := range Names() {
		page := HTML(name)
		page = regexp.MustCompile(`(?s)<thead>.*?</thead>`).ReplaceAllString(page, "")
		for _, width := range []int{40, 80} {
			text := Text(name, width)
			if len(text) < 200 {
				t.Fatalf("%s: %q", name, text)
			}
			said := text
			source := Source(name)
			for _, heading := range regexp.MustCompile(`(?m)^\| ([^|\n]+(?:\|[^|\n]+){2,}) \|\n\| ---`).FindAllStringSubmatch(source, -1) {
				for label := range strings.SplitSeq(heading[1], " | ") {
					label = strings.Join(strings.Fields(regexp.QuoteMeta(label)), `\s+`)
					said = regexp.MustCompile(`\n    `+label+`:\s`).ReplaceAllString(said, "\n")
				}
			}
			if a, b := strings.Join(bare(said), " "), strings.Join(bare(html.UnescapeString(tags.ReplaceAllString(page, ""))), " "); a != b {
				t.Errorf("%s at %d columns says\n%s\nHTML says\n%s", name, width, a, b)
			}
			for line := range strings.SplitSeq(text, "\n") {
				if utf8.RuneCountInString(line) > width && strings.Contains(strings.TrimSpace(line), " ") && !strings.HasPrefix(line, "    ") {
					t.Errorf("%s: wider than %d: %q", name, width, line)
				}
			}
		}
	}
}

// A reader finds a guide by any of its names, each of which is one guide's alone
// and no code's; and a code leads on to guides only if it exists.
func TestNamesLeadToOneGuide(t *testing.T) {
	for _, e := range entries() {
		if Title(e.Name) == "" {
			t.Errorf("%q has no title", e.Name)
		}
		for _, name := range append([]string{e.Name}, e.Also...) {
			if got, ok := Find(name); !ok || got != e.Name {
				t.Errorf("%q leads to %q instead of %q", name, got, e.Name)
			}
			if _, taken := finding.Lookup(finding.Code(name)); taken {
				t.Errorf("%q is a code, which explain would show instead of %s", name, e.Name)
			}
		}
		for _, code := range e.Codes {
			if _, ok := finding.Lookup(finding.Code(code)); !ok || !slices.Contains(About(code), e.Name) {
				t.Errorf("%s says more about %q, which is no code", e.Name, code)
			}
		}
	}
	if name, ok := Find("nothing"); ok {
		t.Errorf("nothing leads to %s", name)
	}
}

// Codes and guides that a guide names exist. (Flags: TestGuidesNameFlags of the
// program.)
func TestGuidesNameWhatExists(t *testing.T) {
	for _, name := range Names() {
		source := Source(name)
		for _, m := range regexp.MustCompile("`?ewsprobe explain ([a-z-]+)`?").FindAllStringSubmatch(source, -1) {
			_, isCode := finding.Lookup(finding.Code(m[1]))
			if !isCode && Source(m[1]) == "" {
				t.Errorf("%s names %s, which nothing explains", name, m[1])
			}
		}
	}
}
