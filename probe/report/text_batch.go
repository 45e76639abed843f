package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// prose is a batch for a person: a line for each mailbox that is not ok, the summary, and
// a line for all that were not checked.
type prose struct {
	open
	Output
	rows   bool // some were printed
	folded int  // rows that were not checked
}

func newProse(o Output) (Sink, error) { return &prose{Output: o}, nil }

func (p *prose) Row(r Row) error {
	switch {
	case p.Alone, r.Verdict.Status == finding.OK && !p.All:
		return nil
	case r.Verdict.Code == "not-checked" && !p.All:
		p.folded++
		return nil
	}
	p.rows = true
	summary := ""
	if r.Verdict.Code != "ok" {
		summary = "  " + r.Verdict.Summary
	}
	status := strings.ToUpper(string(r.Verdict.Status))
	_, err := fmt.Fprintf(p.W, "%-8s  %s  %s%s\n", status, Clean(r.Title(), 330), r.Verdict.Code, Clean(summary, textLimit))
	return err
}

func (p *prose) End(s Summary) error {
	text := s.Text(p.Style)
	if p.rows {
		text = "\n" + text
	}
	if p.folded > 0 {
		text += fmt.Sprintf("\n  Rows not checked: %d. To list them, use --all-rows or --save results.csv.\n", p.folded)
	}
	_, err := io.WriteString(p.W, text)
	return err
}

// Text tells a person what a batch found: the answer, the counts, a paragraph for
// each cause, the endpoint. The rows stand above it.
func (s Summary) Text(style Style) string {
	p := newPage(style)
	status := s.Status()
	p.b.WriteString(p.paint(status, strings.ToUpper(string(status))) + "  " + s.Counts() + "\n")
	notices := s.notices()
	for _, notice := range notices {
		p.hanging(2, "", notice)
	}
	if worst := s.worst(); worst != "" && s.Stopped == "" && s.Incomplete == "" {
		p.hanging(2, "", worst)
	}
	facts := s.facts()
	if slow := s.slow(); slow != "" {
		facts = append(facts, [2]string{"slowest", slow})
	}
	var fronts []string
	for _, f := range s.fronts() {
		fronts = append(fronts, fmt.Sprintf("%s (%d)", f.Name, f.N))
	}
	if len(fronts) > 0 {
		facts = append(facts, [2]string{"front ends", strings.Join(fronts, ", ")})
	}
	if len(facts) > 0 {
		p.b.WriteString("\n")
		p.table(2, factWidth, facts)
	}
	for _, g := range s.faults() {
		p.group(s.remedied(g))
	}
	if e := s.Endpoint; e != nil {
		p.heading("The endpoint")
		p.hanging(4, "", fmt.Sprintf("%s  %s  %s", strings.ToUpper(string(e.Verdict.Status)), e.Verdict.Code, e.Verdict.Summary))
		if e.Verdict.Code != "ok" {
			p.hanging(4, "", fmt.Sprintf("`ewsprobe explain %s` says what to do. For its full report, run `ewsprobe check` with the same flags; "+
				"the value of --target is its argument.", e.Verdict.Code))
		}
	}
	return p.b.String()
}

func (p *page) group(g remedied) {
	p.heading(fmt.Sprintf("%d × %s  %s", g.Count, g.Code, g.Title))
	for _, text := range []string{g.Sentence, g.For} {
		if text != "" {
			p.hanging(4, "", text)
		}
	}
	if g.Remedy.Text != "" {
		p.hanging(4, "→ ", g.Remedy.Text)
		if g.Remedy.Command != "" {
			p.b.WriteString("         " + Clean(g.Remedy.Command, textLimit) + "\n")
		}
	}
	p.b.WriteString("      ewsprobe explain " + string(g.Code) + "\n")
}
