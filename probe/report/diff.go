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

// Conclusion is what a comparison comes to, in one sentence; a and b are what the two
// are called.
func Conclusion(d diff.Result, a, b string) string {
	switch {
	case d.Same && len(d.Differences) == 0:
		return fmt.Sprintf("Both records have the same verdict, %s, and nothing that can change it differs.", d.A.Verdict.Code)
	case d.Same:
		return fmt.Sprintf("Both records have the same verdict, %s; what differs does not change it.", d.A.Verdict.Code)
	}
	var names []string
	for _, e := range d.Differences {
		if e.Explains != diff.Neither {
			names = append(names, "the "+e.What)
		}
	}
	why := "no single difference explains it"
	switch {
	case len(names) == 1:
		why = names[0] + " explains it"
	case len(names) > 1:
		why = strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " each explain it alone"
	case len(d.Together) == 2:
		why = fmt.Sprintf("the %s and the %s explain it together", d.Together[0], d.Together[1])
	}
	return fmt.Sprintf("The verdicts differ, %s in %s and %s in %s: %s.", d.A.Verdict.Code, a, d.B.Verdict.Code, b, why)
}

// Explanation is how the difference of the verdicts comes about.
func Explanation(d diff.Result) []string {
	if d.Same {
		return nil
	}
	a, b := d.A.Verdict, d.B.Verdict
	to := func(x, y finding.Verdict) string {
		if x.Code != y.Code {
			return string(y.Code)
		}
		return strings.TrimSpace(fmt.Sprintf("%s, %s %s", y.Code, y.Confidence, y.Reason))
	}
	var lines []string
	for _, e := range d.Differences {
		switch e.Explains {
		case diff.Both:
			lines = append(lines, fmt.Sprintf("The %s: with the value of B, the verdict of A is %s; with the value of A, the verdict of B is %s.",
				e.What, to(a, b), to(b, a)))
		case diff.OnlyA:
			lines = append(lines, fmt.Sprintf("The %s: with the value of B, the verdict of A is %s. Something else also keeps the verdict of B.",
				e.What, to(a, b)))
		case diff.OnlyB:
			lines = append(lines, fmt.Sprintf("The %s: with the value of A, the verdict of B is %s. Something else also keeps the verdict of A.",
				e.What, to(b, a)))
		}
	}
	switch {
	case len(lines) > 0 && len(d.Together) == 2:
		lines = append(lines, fmt.Sprintf("The %s and the %s: together they turn each verdict into the other.", d.Together[0], d.Together[1]))
	case len(lines) > 0:
	case len(d.Together) == 2:
		lines = append(lines, fmt.Sprintf("The %s and the %s: only together they turn one verdict into the other.",
			d.Together[0], d.Together[1]))
	case len(d.Differences) == 0:
		lines = append(lines, "The verdicts differ, but no compared value does.")
	default:
		lines = append(lines, "The records differ in too much: no difference, and no two together, turn one verdict into the other. "+
			"Change one thing at a time between two checks.")
	}
	return lines
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

// words are a word of a closed list as people write it.
func words[T any](s T) string { return strings.ReplaceAll(fmt.Sprint(s), "-", " ") }

// DiffJSON writes a comparison as one object.
func DiffJSON(d diff.Result) ([]byte, error) { return indented(d) }
