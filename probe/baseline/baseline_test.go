package baseline_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/baseline"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

func farm(t *testing.T) evidence.Record {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/records/farm.json")
	if err != nil {
		t.Fatal(err)
	}
	rec, err := report.Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// The record is of 2026-11-23 and has basic-disabled (critical) and
// farm-inconsistent (warning).
func TestWhatIsLeft(t *testing.T) {
	entry := func(code, host, until string) string {
		return "- {code: " + code + ", host: '" + host + "', reason: known, until: " + until + "}\n"
	}
	for _, c := range []struct {
		name, file string
		code       finding.Code
		status     finding.Status
		accepted   int
	}{
		{"none", "", "basic-disabled", finding.Critical, 0},
		{"the critical one", entry("basic-disabled", "", "2026-12-31"), "farm-inconsistent", finding.Warning, 1},
		{"the warning", entry("farm-inconsistent", "", "2026-12-31"), "basic-disabled", finding.Critical, 1},
		{"both", entry("basic-disabled", "", "2026-12-31") + entry("farm-inconsistent", "", "2026-12-31"), "basic-disabled", finding.OK, 2},
		{"on this host", entry("basic-disabled", "Mail.Contoso.com", "2026-12-31"), "farm-inconsistent", finding.Warning, 1},
		{"on another", entry("basic-disabled", "mail.fabrikam.com", "2026-12-31"), "basic-disabled", finding.Critical, 0},
		{"on the last day", entry("basic-disabled", "", "2026-11-23"), "farm-inconsistent", finding.Warning, 1},
		{"a day too late", entry("basic-disabled", "", "2026-11-22"), "basic-disabled", finding.Critical, 0},
		{"over, then new", entry("basic-disabled", "", "2026-11-22") + entry("basic-disabled", "", "2026-12-31"), "farm-inconsistent", finding.Warning, 1},
		{"what is not there", entry("not-ews", "", "2026-12-31"), "basic-disabled", finding.Critical, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := farm(t)
			whole := report.New(rec, "test")
			if c.file != "" {
				var err error
				if rec.Target.Accepted, err = baseline.Parse(c.file); err != nil {
					t.Fatal(err)
				}
			}
			r := report.New(rec, "test")
			accepted := 0
			for _, f := range r.Findings {
				if f.Accepted != nil {
					accepted++
					if f.Status != finding.OK || f.Accepted.Reason != "known" || !strings.HasPrefix(f.Detail, "Accepted until 2026-") {
						t.Errorf("%+v", f)
					}
				}
			}
			if r.Verdict.Code != c.code || r.Verdict.Status != c.status || accepted != c.accepted || len(r.Findings) != len(whole.Findings) {
				t.Errorf("%s %s, %d accepted of %d", r.Verdict.Status, r.Verdict.Code, accepted, len(r.Findings))
			}
			for i, cause := range r.Causes {
				if cause.Status != whole.Causes[i].Status {
					t.Errorf("cause %d is %s, was %s: accepting changes no fact", cause.Number, cause.Status, whole.Causes[i].Status)
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range [][2]string{
		{"", "no entries"},
		{"[]", "0 entries"},
		{"code: basic-disabled", "not a list"},
		{"- basic-disabled", "not a list"},
		{"- {code: [a]}", "not a list"},
		{"\t- x", "not a list"},
		{"- {reason: r, until: 2026-12-31}", "code is missing"},
		{"- {code: ok, reason: r, until: 2026-12-31}", "not a finding"},
		{"- {code: inconclusive, reason: r, until: 2026-12-31}", "cannot be accepted"},
		{"- {code: not-ews, reason: ' ', until: 2026-12-31}", "no reason"},
		{"- {code: not-ews, reason: \"a\\nb\", until: 2026-12-31}", "one line"},
		{"- {code: not-ews, reason: r, until: 2026-02-30}", "last day"},
		{"- {code: not-ews, reason: r, until: tomorrow}", "last day"},
		{"- {code: not-ews, reason: r, until: 2026-12-31}\n---\n- {code: forbidden, reason: r, until: 2026-12-31}", "more than one"},
	} {
		if _, err := baseline.Parse(c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: %v, want %q", c[0], err, c[1])
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("- {code: not-ews, reason: r, until: 2026-12-31}")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, s string) {
		list, err := baseline.Parse(s)
		for _, a := range list {
			if err != nil || a.Reason == "" || a.Until == "" {
				t.Errorf("%+v, %v", a, err)
			}
		}
	})
}
