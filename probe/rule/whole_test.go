package rule

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Codes that no rule decides, and where they come from.
var withoutRule = map[finding.Code]string{
	"bad-usage":      "the command line, before there is evidence",
	"config-invalid": "a file, before there is evidence",
	"not-checked":    "a row of a batch that an earlier answer made pointless; it was never asked",
	"ok":             "what is left when no rule holds and nothing is missing",
	"inconclusive":   "what is left when no rule holds and something is missing",
}

// TestEveryCodeIsWhole complains until a code of the catalogue has a rule and
// sentences and a case that expects it (a report in testdata/field, a scenario of the
// stand-in, or where neither can play it one of this package's tables), and until every
// rule has its entry.
func TestEveryCodeIsWhole(t *testing.T) {
	rules, cases := map[finding.Code]bool{}, map[finding.Code]bool{}
	for _, r := range table {
		if rules[r.code] {
			t.Errorf("%s has two rules", r.code)
		}
		rules[r.code] = true
		if (r.at == nil) == (r.in == nil) {
			t.Errorf("%s: a rule is asked at each address or for the run, one of the two", r.code)
		}
		if _, ok := finding.Lookup(r.code); !ok {
			t.Errorf("%s has a rule but no entry in the catalogue", r.code)
		}
	}
	for _, c := range allCases() {
		cases[finding.Code(strings.Fields(c.want)[1])] = true
	}
	for _, c := range cloudCases {
		cases[finding.Code(strings.Fields(c.want)[1])] = true
	}
	for _, s := range standin.Scenarios() {
		cases[finding.Code(s.Expect.Code)] = true
	}
	reports, err := filepath.Glob("../../testdata/field/*.yaml")
	if err != nil || len(reports) == 0 {
		t.Fatal("no reports from the field", err)
	}
	for _, name := range reports {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, verdict, _ := strings.Cut(string(raw), "\n  verdict: ")
		if words := strings.Fields(verdict); len(words) > 1 {
			cases[finding.Code(words[1])] = true
		}
	}
	for _, entry := range finding.Catalogue() {
		code := entry.Code
		if _, known := withoutRule[code]; rules[code] == known {
			t.Errorf("%s: a rule in the table, or a word in withoutRule, one of the two", code)
		}
		if said := len(entry.Sentences) > 0; said == (withoutRule[code] != "") && code != "ok" && code != "inconclusive" {
			t.Errorf("%s: sentences in the catalogue, or a word in withoutRule, one of the two", code)
		}
		if !cases[code] && withoutRule[code] == "" {
			t.Errorf("%s has no case", code)
		}
	}
}

// Every variant that a rule names has its sentences, and every sentence a rule
// that says it: those of findings and those of causes.
func TestVariantsAreSaid(t *testing.T) {
	named := map[string]bool{finding.Usual: true}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				s, _ := strconv.Unquote(lit.Value)
				named[s] = true
			}
			return true
		})
	}
	for _, e := range finding.Catalogue() {
		for variant := range e.Sentences {
			if !named[variant] {
				t.Errorf("no rule says %s of %s", variant, e.Code)
			}
		}
	}
	var causes map[int]struct{ Why map[string]string }
	raw, err := os.ReadFile("../finding/text/causes.yaml")
	if err = errors.Join(err, yaml.Unmarshal(raw, &causes)); err != nil || len(causes) != 6 {
		t.Fatal(err, len(causes))
	}
	for number, c := range causes {
		for variant := range c.Why {
			if !named[variant] {
				t.Errorf("no rule says %s of cause %d", variant, number)
			}
		}
	}
}
