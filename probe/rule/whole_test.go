package rule

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

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

// Codes that the stand-in cannot play, and why.
var withoutScenario = map[finding.Code]string{
	"bad-usage":           "nothing is asked",
	"config-invalid":      "nothing is asked",
	"not-checked":         "nothing is asked",
	"dns-failed":          "needs a name that does not resolve",
	"address-family":      "needs a published IPv6 address and a route",
	"certificate-private": "any stand-in's certificate is private; needs a public view",
	"name-private":        "a stand-in has an address of this machine, which is somebody's trial",
	"kdc-unreachable":     "needs a domain whose controllers are silent",
	"kdc-untrusted":       "needs a domain controller; its lies are played in package directory's tests",
	"ldaps-failed":        "needs a domain controller",
	"keytab-unusable":     "needs a domain controller",
	"ticket-expired":      "needs a credential cache",
	"kerberos-failed":     "needs a domain controller",
	"preauth-off":         "needs a domain controller",
}

// TestEveryCodeIsWhole complains until a code of the catalogue has a rule and
// sentences, a case in this package's table and a scenario of the stand-in that
// expects it, and until every rule has its entry.
func TestEveryCodeIsWhole(t *testing.T) {
	rules, tested, played := map[finding.Code]bool{}, map[finding.Code]bool{}, map[finding.Code]bool{}
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
		tested[finding.Code(strings.Fields(c.want)[1])] = true
	}
	for _, c := range cloudCases {
		tested[finding.Code(strings.Fields(c.want)[1])] = true
	}
	for _, s := range standin.Scenarios() {
		played[finding.Code(s.Expect.Code)] = true
	}
	for _, entry := range finding.Catalogue() {
		code := entry.Code
		if _, known := withoutRule[code]; rules[code] == known {
			t.Errorf("%s: a rule in the table, or a word in withoutRule, one of the two", code)
		}
		if said := len(entry.Sentences) > 0; said == (withoutRule[code] != "") && code != "ok" && code != "inconclusive" {
			t.Errorf("%s: sentences in the catalogue, or a word in withoutRule, one of the two", code)
		}
		if _, known := withoutScenario[code]; played[code] == known {
			t.Errorf("%s: a scenario of the stand-in, or a word in withoutScenario, one of the two", code)
		}
		if !tested[code] && code != "bad-usage" && code != "config-invalid" && code != "not-checked" {
			t.Errorf("%s has no case in this package's table of verdicts", code)
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
	for number := 1; number <= 6; number++ {
		for _, variant := range finding.CauseVariants(number) {
			if !named[variant] {
				t.Errorf("no rule says %s of cause %d", variant, number)
			}
		}
	}
}
