package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mitchellh/go-wordwrap"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Style is how a text report is laid out.
type Style struct {
	Width  int            // columns of a terminal; 0: not a terminal
	Colour bool           // only for a terminal
	Whole  bool           // nothing is folded
	Zone   *time.Location // of the times; nil: UTC
	tight  int            // how far a glance is folded, 0 to tightest
}

const (
	narrowest  = 30
	usualWidth = 80
	nameWidth  = 18 // of the column with what was seen
	causeWidth = 32 // of that with the causes
	factWidth  = 14 // and of that with the facts of a batch
)

// text renders the report for a person: the answer, what was seen, the causes,
// what to do. It folds more until the report is one look.
func text(r Report, s Style) ([]byte, error) {
	for ; ; s.tight++ {
		p := newPage(s)
		p.answer(r)
		if len(r.Evidence) > 0 {
			p.seen(r)
			p.causes(r)
		}
		p.remedies(r)
		p.others(r)
		p.more(r)
		if p.Whole || p.tight == tightest || p.inAGlance() {
			return p.b.Bytes(), nil
		}
	}
}

// page is a text that is being laid out.
type page struct {
	Style
	terminal bool
	folded   bool // something was left out
	b        bytes.Buffer
}

func newPage(s Style) *page {
	p := &page{Style: s, terminal: s.Width > 0}
	if s.Width == 0 {
		p.Width = usualWidth
	}
	p.Width = max(p.Width, narrowest)
	return p
}

var statusColours = map[finding.Status]string{finding.OK: "32", finding.Warning: "33", finding.Critical: "31", finding.Unknown: "35"}

func (p *page) paint(status finding.Status, s string) string {
	if !p.Colour {
		return s
	}
	return "\x1b[1;" + statusColours[status] + "m" + s + "\x1b[0m"
}

func (p *page) bold(s string) string {
	if !p.Colour {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

// answer is the first line: status, code and the answer in one sentence.
func (p *page) answer(r Report) {
	word := strings.ToUpper(string(r.Verdict.Status))
	summary := Clean(r.Verdict.Summary, textLimit) + certainty(r)
	lines := []string{fmt.Sprintf("%s  %s  %s", word, r.Verdict.Code, summary)}
	if p.terminal {
		// Elsewhere the answer stays on one line, for whoever reads only that.
		lines = wrap(lines[0], p.Width)
	}
	first := strings.Replace(lines[0], word, p.paint(r.Verdict.Status, word), 1)
	p.b.WriteString(first + "\n")
	for _, l := range lines[1:] {
		p.b.WriteString("  " + l + "\n")
	}
	if len(r.Findings) > 0 && r.Findings[0].Code == r.Verdict.Code {
		f := r.Findings[0]
		p.b.WriteString("\n")
		p.hanging(2, "", p.brief(f.Detail, detailLimits[p.tight])+evidenceList(f.Evidence))
	}
}

// more says where what is folded stands, and repeats the verdict where the first line
// may have left the screen.
func (p *page) more(r Report) {
	what := ""
	if len(r.Findings) > 0 {
		if n := len(r.Findings[0].Remedies) - mostSteps; n > 0 && !p.Whole {
			what = " (" + count(n, "further step", "further steps") + ")"
		}
	}
	if p.folded || what != "" {
		p.b.WriteString("\n")
		p.hanging(2, "", fmt.Sprintf("more%s: "+whereTheRest, what, r.Verdict.Code))
	}
	if !p.terminal || len(r.Evidence) == 0 {
		return
	}
	word := strings.ToUpper(string(r.Verdict.Status))
	line := []rune(fmt.Sprintf("%s  %s  %s", word, r.Verdict.Code, Clean(r.Verdict.Summary, textLimit)))
	if len(line) > p.Width {
		line = append(line[:p.Width-1], '…')
	}
	p.b.WriteString("\n" + strings.Replace(string(line), word, p.paint(r.Verdict.Status, word), 1) + "\n")
}

func (p *page) heading(s string) {
	p.b.WriteString("\n")
	for _, line := range wrap(s, p.Width) {
		p.b.WriteString("  " + p.bold(line) + "\n")
	}
}

// wrap breaks text at spaces; a word longer than the line stays whole, so that
// commands and addresses can be copied.
func wrap(s string, width int) []string {
	return strings.Split(wordwrap.WrapString(s, uint(max(width-2, 10))), "\n")
}

// hanging prints text behind a label; further lines stand below the text.
func (p *page) hanging(indent int, label, text string) {
	// Here every text passes that a server or a stranger's record may have
	// chosen: labels and identifiers too.
	label, text = Clean(label, 100), Clean(text, textLimit)
	pad := strings.Repeat(" ", indent)
	if p.Width < 72 && utf8.RuneCountInString(label) > 12 {
		// No room beside the label: the text goes below it.
		p.b.WriteString(pad + strings.TrimRight(label, " ") + "\n")
		pad += "  "
		label = ""
	}
	room := p.Width - len(pad) - utf8.RuneCountInString(label)
	below := pad + strings.Repeat(" ", utf8.RuneCountInString(label))
	for i, line := range wrap(text, room+2) {
		lead := below
		if i == 0 {
			lead = pad + label
		}
		p.b.WriteString(strings.TrimRight(lead+line, " ") + "\n")
	}
}

func (p *page) seen(r Report) {
	p.heading("What was seen")
	for _, g := range seenGroups(r, p.Style) {
		for i := range g.lines {
			g.lines[i][1] = p.brief(g.lines[i][1], factLimits[p.tight])
		}
		if g.where == "" {
			p.table(4, nameWidth, g.lines)
			continue
		}
		p.b.WriteString("    at " + Clean(g.where, 80) + "\n")
		p.table(6, nameWidth, g.lines)
	}
}

func (p *page) causes(r Report) {
	p.heading("Causes of the 401 in Dynamics (KB 3212785)")
	// What was found comes first; within that, the KB's order.
	last := []finding.CauseStatus{finding.CauseUndetermined, finding.CauseLikely, finding.CauseConfirmed}
	sorted := slices.Clone(r.Causes)
	slices.SortStableFunc(sorted, func(a, b finding.CauseReport) int { return slices.Index(last, b.Status) - slices.Index(last, a.Status) })
	var rows [][2]string
	for _, c := range sorted {
		if c.Status == finding.CauseNotChecked && !p.Whole {
			continue // all of them are one line
		}
		about, _ := finding.LookupCause(c.Number)
		why := words(c.Status) + ": " + c.Why
		if c.Status != finding.CauseConfirmed && c.Status != finding.CauseLikely {
			why = p.brief(why, whyLimits[p.tight])
		}
		rows = append(rows, [2]string{fmt.Sprintf("%d %s", c.Number, about.Title), why})
	}
	p.table(4, causeWidth, rows)
	if left := notLookedAt(r); left != "" && !p.Whole {
		p.hanging(4, "not checked  ", left)
	}
}

// others are the findings beside the verdict.
func (p *page) others(r Report) {
	others := r.Findings
	if len(others) > 0 && others[0].Code == r.Verdict.Code {
		others = others[1:]
	}
	if len(others) == 0 {
		return
	}
	p.heading("Also found")
	for _, f := range others {
		line := fmt.Sprintf("%s  %s  %s (%s)", strings.ToUpper(string(f.Status)), f.Code, f.Summary, f.Confidence)
		p.hanging(4, "", p.brief(line, otherLimits[p.tight]))
		if !p.Whole {
			continue
		}
		p.hanging(6, "", f.Detail+evidenceList(f.Evidence))
		p.b.WriteString("      ewsprobe explain " + string(f.Code) + "\n")
	}
}

func evidenceList(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return " [" + strings.Join(slices.Compact(slices.Clone(ids)), ", ") + "]"
}

// stillFails is for whoever came with an error of Dynamics and meets an ok.
const stillFails = "If Dynamics still reports a 401, compare the password and the URL in its profile with those checked here, " +
	"check a mailbox that fails, and check from outside."

func (p *page) remedies(r Report) {
	if len(r.Findings) == 0 {
		if r.Verdict.Code == "ok" {
			p.b.WriteString("\n")
			p.hanging(2, "", stillFails+" See `ewsprobe explain ok`.")
		}
		return
	}
	f := r.Findings[0]
	p.heading("What to do")
	for i, m := range f.Remedies {
		if i == mostSteps && !p.Whole {
			break
		}
		p.hanging(4, fmt.Sprintf("%d. ", i+1), p.brief(m.Text, stepLimits[p.tight]))
		for _, line := range []string{m.Command, m.Link} {
			if line != "" && (p.Whole || line == m.Command || m.Command == "") {
				// Never wrapped: it is there to be copied.
				p.b.WriteString("         " + Clean(line, textLimit) + "\n")
			}
		}
	}
}
