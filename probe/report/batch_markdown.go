package report

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// batchMarkdown is a batch for a ticket or a chat: the answer, the causes with
// what to do, and so many of the rows that are not in order.
type batchMarkdown struct {
	rows map[finding.Status][]Row // the first of each status
	left int                      // how many are not ok
}

// mostRows is how many rows a ticket is burdened with.
const mostRows = 100

func (d *batchMarkdown) Row(r Row) ([]byte, error) {
	if r.Verdict.Code == "ok" {
		return nil, nil
	}
	if d.rows == nil {
		d.rows = map[finding.Status][]Row{}
	}
	d.left++
	r.Causes, r.Findings = nil, nil
	list := append(d.rows[r.Verdict.Status], r)
	if len(list) >= 2*mostRows { // they come in any order
		list = firstRows(list)
	}
	d.rows[r.Verdict.Status] = list
	return nil, nil
}

func firstRows(list []Row) []Row {
	slices.SortFunc(list, func(a, b Row) int { return cmp.Compare(a.Number, b.Number) })
	return list[:min(len(list), mostRows)]
}

func (d *batchMarkdown) Write(w io.Writer, s Summary, _ iter.Seq2[[]byte, error]) error {
	s = s.harmless()
	m := &markdown{}
	status := s.Status()
	m.line("## %s %s", strings.ToUpper(string(status)), inMarkdown(s.Counts()))
	for _, text := range append(s.notices(), s.worst()) {
		if text != "" {
			m.line("\n**%s**", inMarkdown(text))
		}
	}
	var shares [][]string
	for _, one := range s.shares() {
		shares = append(shares, []string{string(one.Code), string(one.Status), fmt.Sprint(one.N), fmt.Sprintf("%.1f %%", one.Percent())})
	}
	m.table("Verdicts", []string{"Verdict", "Status", "Rows", "Share"}, shares)
	for _, g := range s.faults() {
		one := s.remedied(g)
		m.heading(fmt.Sprintf("%d × %s: %s", one.Count, one.Code, one.Title))
		for _, text := range []string{one.Sentence, one.For} {
			if text != "" {
				m.line("%s\n", inMarkdown(text))
			}
		}
		if one.Remedy.Text != "" {
			m.remedies([]finding.Remedy{one.Remedy})
		}
	}
	d.table(m)
	facts := [][]string{}
	for _, f := range s.facts() {
		facts = append(facts, f[:])
	}
	if slow := s.slow(); slow != "" {
		facts = append(facts, []string{"slowest", slow})
	}
	for _, f := range s.fronts() {
		facts = append(facts, []string{"front end", fmt.Sprintf("%s (%d)", f.Name, f.N)})
	}
	m.table("The run", []string{"", ""}, facts)
	if e := s.Endpoint; e != nil {
		m.heading("The endpoint")
		m.line("%s `%s` %s", strings.ToUpper(string(e.Verdict.Status)), e.Verdict.Code, inMarkdown(e.Verdict.Summary))
		if e.Verdict.Status != finding.OK && len(e.Findings) > 0 {
			m.line("")
			m.remedies(e.Findings[0].Remedies)
		}
	}
	m.line("")
	m.line("%s", inMarkdown(fmt.Sprintf("%s %s, started %s, %d ms", s.Tool.Name, s.Tool.Version, s.Started.UTC().Format("2006-01-02 15:04:05 UTC"), max(s.DurationMS, 0))))
	_, err := io.WriteString(w, m.b.String())
	return err
}

// table has the rows that are not ok, the worst first.
func (d *batchMarkdown) table(m *markdown) {
	var rows [][]string
	for _, status := range worstFirst {
		for _, r := range firstRows(d.rows[status]) {
			if len(rows) < mostRows {
				r = rewrite(r, func(text string) string { return Clean(text, textLimit) })
				rows = append(rows, []string{fmt.Sprint(r.Number), r.Title(), string(r.Verdict.Status), string(r.Verdict.Code), r.Verdict.Summary})
			}
		}
	}
	shown := len(rows)
	m.table("Rows that are not simply ok", []string{"Row", "Mailbox", "Status", "Verdict", "What was found"}, rows)
	if left := d.left - shown; left > 0 {
		m.line("\n%s left out here; the results as CSV, HTML or JSON have all.", count(left, "row like these is", "rows like these are"))
	}
}
