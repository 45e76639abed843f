package main

import (
	"slices"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Parts of any record may be put into any other: judging what comes of it ends,
// and what comes of it is told.
func TestDiffOfScenarios(t *testing.T) {
	slow(t)
	t.Parallel()
	var records []evidence.Record
	for _, s := range standin.Scenarios() {
		rec, err := report.Load(played()[s.Name])
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		records = append(records, rec)
	}
	explained := 0
	for i, a := range records {
		const apart = 31 // scenarios of another kind
		d := diff.Compare(a, records[(i+apart)%len(records)])
		if report.DiffText(d, report.Style{Width: 40}) == "" {
			t.Errorf("record %d and %d: nothing is told", i, i+apart)
		}
		if slices.ContainsFunc(d.Differences, func(e diff.Difference) bool { return e.Explains != diff.Neither }) {
			explained++
		}
	}
	if explained < len(records)/4 {
		t.Errorf("of %d pairs only %d are explained", len(records), explained)
	}
}
