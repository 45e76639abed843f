package report

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// DiffText tells a person what two records have not in common: the two answers,
// what explains them, what else differs.
func DiffText(d diff.Result, s Style) string {
	p := newPage(s)
	p.hanging(0, "", Conclusion(d, "A", "B"))
	p.b.WriteString("\n")
	for _, one := range []struct {
		name string
		side diff.Side
	}{{"A", d.A}, {"B", d.B}} {
		v := one.side.Verdict
		word := strings.ToUpper(string(v.Status))
		line := fmt.Sprintf("%s  %s  %s  %s%s", one.name, word, v.Code, Clean(v.Summary, textLimit), confidence(v))
		for i, l := range wrap(line, p.Width) {
			if i == 0 {
				l = strings.Replace(l, word, p.paint(v.Status, word), 1)
			} else {
				l = "   " + l
			}
			p.b.WriteString(l + "\n")
		}
		about := fmt.Sprintf("%s, %s, %s", one.side.File, one.side.Target, one.side.Started.UTC().Format("2006-01-02 15:04 UTC"))
		p.hanging(3, "", strings.TrimPrefix(about, ", "))
	}
	if lines := Explanation(d); len(lines) > 0 {
		p.heading("What explains it")
		for _, line := range lines {
			p.hanging(4, "", line)
		}
	}
	if len(d.Differences) > 0 {
		p.heading("What differs")
		for _, e := range d.Differences {
			name := e.What
			if e.Explains != diff.Neither {
				name += "  (explains the verdicts)"
			}
			p.hanging(4, "", name)
			p.values("A", e.A)
			p.values("B", e.B)
		}
	}
	if rows := CauseDifferences(d); len(rows) > 0 {
		p.heading("Causes of the 401 in Dynamics with another status")
		for _, row := range rows {
			p.hanging(4, "", row)
		}
	}
	return p.b.String()
}

func (p *page) values(name string, list []string) {
	if len(list) == 0 {
		list = []string{"-"}
	}
	for i, s := range list {
		label := name + "  "
		if i > 0 {
			label = "   "
		}
		p.hanging(6, label, s)
	}
}

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

// Conclusion is what a comparison comes to, in one sentence; a and b are what the two
// are called.
func Conclusion(d diff.Result, a, b string) string { return say("conclusion", comparedAs(d, a, b), "") }

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
			about, _ := finding.LookupCause(c.Number)
			rows = append(rows, fmt.Sprintf("%d %s: %s in A, %s in B", c.Number, about.Title, words(c.Status), words(d.B.Causes[i].Status)))
		}
	}
	return rows
}

// DiffJSON writes a comparison as one object.
func DiffJSON(d diff.Result) ([]byte, error) { return indented(d) }
