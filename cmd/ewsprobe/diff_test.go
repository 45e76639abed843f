package main

import (
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
		for _, step := range []int{1, 31} {
			d := diff.Compare(a, records[(i+step)%len(records)])
			if report.DiffText(d, report.Style{Width: 40}) == "" {
				t.Errorf("record %d and %d: nothing is told", i, i+step)
			}
			for _, e := range d.Differences {
				if e.Explains != diff.Neither {
					explained++
					break
				}
			}
		}
	}
	if explained < len(records)/2 {
		t.Errorf("of %d pairs only %d are explained", 2*len(records), explained)
	}
}
