package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// markdown is the report for a ticket or a chat, in what CommonMark and GitHub's
// tables have in common with what others read.
func markdown(r Report, _ Style) ([]byte, error) {
	r = harmless(r)
	d := &marked{}
	d.line("## %s `%s`", strings.ToUpper(string(r.Verdict.Status)), r.Verdict.Code)
	d.line("")
	d.line("**%s**%s", inMarkdown(r.Verdict.Summary), inMarkdown(certainty(r)))
	if len(r.Findings) > 0 && r.Findings[0].Code == r.Verdict.Code {
		d.line("")
		d.line("%s", inMarkdown(r.Findings[0].Detail+evidenceList(r.Findings[0].Evidence)))
	}
	if len(r.Evidence) > 0 {
		d.table("What was seen", []string{"", ""}, seenRows(r))
		d.table("Causes of the 401 in Dynamics (KB 3212785)", []string{"", "Cause", "Status", "Why"}, causeRows(r))
	}
	for i, f := range r.Findings {
		if i == 0 && f.Code == r.Verdict.Code {
			d.heading("What to do")
		} else {
			d.heading(fmt.Sprintf("Also found: %s %s", strings.ToUpper(string(f.Status)), f.Code))
			d.line("%s (%s)", inMarkdown(f.Detail+evidenceList(f.Evidence)), f.Confidence)
			d.line("")
		}
		d.remedies(f.Remedies)
	}
	d.line("")
	d.line("%s", inMarkdown(fmt.Sprintf("%s, %s, started %s, %d ms", r.Tool, r.subject(), day(r.Started), max(r.DurationMS, 0))))
	return d.b.Bytes(), nil
}

// confidence is what follows a summary: the cause and how sure it is.
func confidence(v finding.Verdict) string { return sureness(v, "") }

// certainty is the same of a whole report, with how many servers of a farm it is about.
func certainty(r Report) string { return sureness(r.Verdict, servers(r)) }

func sureness(v finding.Verdict, more string) string {
	var list []string
	if v.Cause != 0 {
		list = append(list, fmt.Sprintf("KB 3212785 cause %d", v.Cause))
	}
	if v.Cause != 0 || v.Confidence != finding.Confirmed {
		list = append(list, string(v.Confidence))
	}
	if more != "" {
		list = append(list, more)
	}
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

type marked struct{ b bytes.Buffer }

func (d *marked) line(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *marked) heading(s string) { d.line("\n### %s\n", inMarkdown(s)) }

func (d *marked) table(title string, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	d.heading(title)
	d.line("| %s |", strings.Join(head, " | "))
	d.line("|%s", strings.Repeat(" --- |", len(head)))
	for _, row := range rows {
		for i := range row {
			row[i] = inMarkdown(strings.Join(strings.Fields(row[i]), " "))
		}
		d.line("| %s |", strings.Join(row, " | "))
	}
}

func (d *marked) remedies(list []finding.Remedy) {
	for i, m := range list {
		d.line("%d. %s", i+1, inMarkdown(m.Text))
		if m.Command != "" {
			fence := fenceFor(m.Command)
			d.line("\n   %s\n   %s\n   %s\n", fence, m.Command, fence)
		}
		if m.Link != "" {
			d.line("   <%s>", m.Link)
		}
	}
}

// fenceFor is longer than every run of backticks in the text.
func fenceFor(s string) string {
	longest := 2
	for _, run := range strings.FieldsFunc(s, func(r rune) bool { return r != '`' }) {
		longest = max(longest, len(run))
	}
	return strings.Repeat("`", longest+1)
}

// mention is an at sign that could call somebody in, as none inside an address
// does.
var mention = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|[^\pL\pN._%+-])@`) })

var escapes = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`,
		"`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "#", `\#`, "!", `\!`, "$", `\$`,
		// Nothing becomes a link by itself: a server could have chosen where it leads.
		"://", "&#58;//", "www.", "www&#46;",
	)
})

// inMarkdown is a text that means only itself.
func inMarkdown(s string) string {
	return mention().ReplaceAllString(escapes().Replace(s), "$1@&#8203;")
}

// seenRows are the lines of "What was seen", in the order of the text report.
func seenRows(r Report) [][]string {
	var rows [][]string
	for _, g := range seenGroups(r, Style{Whole: true}) {
		for _, l := range g.lines {
			rows = append(rows, []string{strings.TrimSpace(g.where + " " + strings.TrimSpace(l[0])), l[1]})
		}
	}
	return rows
}

func causeRows(r Report) [][]string {
	var rows [][]string
	for _, c := range r.Causes {
		about, _ := finding.LookupCause(c.Number)
		rows = append(rows, []string{fmt.Sprint(c.Number), about.Title, words(c.Status), c.Why + evidenceList(c.Evidence)})
	}
	return rows
}

// markdownBatch is a batch for a ticket or a chat: the answer, the causes with
// what to do, and so many of the rows that are not in order.
type markdownBatch struct {
	rows map[finding.Status][]Row // the first of each status
	left int                      // how many are not ok
}

// mostRows is how many rows a ticket is burdened with.
const mostRows = 100

func (d *markdownBatch) row(r Row) ([]byte, error) {
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

func (d *markdownBatch) write(w io.Writer, s Summary, _ iter.Seq2[[]byte, error]) error {
	m := &marked{}
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
	m.line("%s", inMarkdown(fmt.Sprintf("%s, started %s, %d ms", s.Tool, day(s.Started), max(s.DurationMS, 0))))
	_, err := m.b.WriteTo(w)
	return err
}

// table has the rows that are not ok, the worst first.
func (d *markdownBatch) table(m *marked) {
	var rows [][]string
	for _, status := range finding.WorstFirst() {
		for _, r := range firstRows(d.rows[status]) {
			if len(rows) < mostRows {
				r = r.harmless()
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
