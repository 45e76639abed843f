package report

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// compared is a comparison with what its sentences name.
type compared struct {
	diff.Result
	NameA, NameB string
	ToA, ToB     string   // the verdicts, as far as they differ
	Explaining   []string // the differences that do
}

func comparedAs(d diff.Result, a, b string) compared {
	c := compared{Result: d, NameA: a, NameB: b, ToA: string(d.A.Verdict.Code), ToB: string(d.B.Verdict.Code)}
	if c.ToA == c.ToB {
		exactly := func(v finding.Verdict) string {
			return strings.TrimSpace(fmt.Sprintf("%s, %s %s", v.Code, v.Confidence, v.Reason))
		}
		c.ToA, c.ToB = exactly(d.A.Verdict), exactly(d.B.Verdict)
	}
	for _, e := range d.Differences {
		if e.Explains != diff.Neither {
			c.Explaining = append(c.Explaining, "the "+e.What)
		}
	}
	return c
}

// Conclusion is what it comes to, in one sentence.
func (c compared) Conclusion() string { return say("conclusion", c, "") }

// namedSide is one of the two under its name.
type namedSide struct {
	Name string
	diff.Side
}

// Sides are the two.
func (c compared) Sides() []namedSide {
	return []namedSide{{c.NameA + "  ", c.A}, {c.NameB + "  ", c.B}}
}

// Conclusion is what a comparison comes to, in one sentence; a and b are what the two
// are called.
func Conclusion(d diff.Result, a, b string) string { return comparedAs(d, a, b).Conclusion() }

// Explanation is how the difference of the verdicts comes about.
func Explanation(d diff.Result) []string {
	if d.Same {
		return nil
	}
	return parts("explanation", comparedAs(d, "A", "B"))
}

// CauseDifferences are the causes that are judged differently.
func CauseDifferences(d diff.Result) []string {
	var rows []string
	for i, c := range d.A.Causes {
		if i < len(d.B.Causes) && d.B.Causes[i].Status != c.Status {
			rows = append(rows, fmt.Sprintf("%d %s: %s in A, %s in B",
				c.Number, finding.CauseTitle(c.Number), words(c.Status), words(d.B.Causes[i].Status)))
		}
	}
	return rows
}

// DiffJSON writes a comparison as one object.
func DiffJSON(d diff.Result) ([]byte, error) { return indented(d) }
