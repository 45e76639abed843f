package main

import (
	"slices"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Parts of any record may be put into any other: judging what comes of it ends,
// and what comes of it is told.
func TestDiffOfScenarios(t *testing.T) {
	slow(t)
	t.Parallel()
	scenarios := standin.Scenarios()
	explained, half := 0, len(scenarios)/2
	for i := range half { // each with one of another kind
		d := diff.Compare(recordOf(t, scenarios[i]), recordOf(t, scenarios[half+i]))
		if report.DiffText(d, report.Style{Width: 40}) == "" {
			t.Errorf("record %d and %d: nothing is told", i, half+i)
		}
		if slices.ContainsFunc(d.Differences, func(e diff.Difference) bool { return e.Explains != diff.Neither }) {
			explained++
		}
	}
	if explained < half/4 {
		t.Errorf("of %d pairs only %d are explained", half, explained)
	}
}
