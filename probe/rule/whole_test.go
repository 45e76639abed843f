package rule

import (
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
	"kdc-unreachable":     "needs a domain whose controllers are silent",
	"kdc-untrusted":       "needs a domain controller; its lies are played in package directory's tests",
	"ldaps-failed":        "needs a domain controller",
	"keytab-unusable":     "needs a domain controller",
	"ticket-expired":      "needs a credential cache",
	"kerberos-failed":     "needs a domain controller",
	"preauth-off":         "needs a domain controller",
}

// TestEveryCodeIsWhole complains until a code of the catalogue has a rule, a
// case in this package's table and a scenario of the stand-in that expects it,
// and until every rule has its entry.
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
		if _, known := withoutScenario[code]; played[code] == known {
			t.Errorf("%s: a scenario of the stand-in, or a word in withoutScenario, one of the two", code)
		}
		if !tested[code] && code != "bad-usage" && code != "config-invalid" && code != "not-checked" {
			t.Errorf("%s has no case in this package's table of verdicts", code)
		}
	}
}
