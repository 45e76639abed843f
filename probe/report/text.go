package report

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/mitchellh/go-wordwrap"

	"github.com/ewsprobe/ewsprobe/probe/diff"
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
)

//go:embed text.tmpl
var textSource string

var textDefinitions = sync.OnceValue(func() finding.Definitions { return finding.ReadDefinitions(textSource) })

// page is a text that is being laid out.
type page struct {
	Style
	terminal bool
	links    bool // a remedy shows its link beside its command
	folded   bool // something was left out
}

func newPage(s Style) *page {
	p := &page{Style: s, terminal: s.Width > 0, links: s.Whole}
	if s.Width == 0 {
		p.Width = usualWidth
	}
	p.Width = max(p.Width, narrowest)
	return p
}

// text renders the report for a person: the answer, what was seen, the causes,
// what to do. It folds more until the report is one look.
func text(r Report, s Style) ([]byte, error) {
	r = Harmless(r)
	p := newPage(s)
	fill := p.fill("check")
	for ; ; p.tight++ {
		p.folded = false
		out, err := fill(r)
		if err != nil || s.Whole || p.tight == tightest || p.fitsScreen(out) {
			return []byte(out), err
		}
	}
}

// DiffText tells a person what two records have not in common: the two answers,
// what explains them, what else differs.
func DiffText(d diff.Result, s Style) string {
	out, err := newPage(s).fill("comparison")(comparedAs(Harmless(d), "A", "B"))
	if err != nil {
		panic(err) // a test shows all
	}
	return out
}

func environmentText(r Environment, s Style) ([]byte, error) {
	p := newPage(s)
	p.links = true
	out, err := p.fill("environment")(Harmless(r))
	return []byte(out), err
}

// fill is what fills a template of text.tmpl, whose functions lay out this page.
func (p *page) fill(name string) func(of any) (string, error) {
	t := template.New(name).Funcs(template.FuncMap{
		"verdict": p.verdict, "again": p.again, "paint": p.status, "heading": p.heading, "hang": p.hang, "table": p.table,
		"copied": func(indent int, text ...any) string { return pad("", indent) + joinedText(text) + "\n" },
		"brief":  func(kind, text string) string { return p.brief(text, limitsOf[kind][p.tight]) },
		"step":   p.step, "sentences": func(kind, text string) string { return p.shorter(text, sentences(text, limitsOf[kind][p.tight])) },
		"whole": func() bool { return p.Whole }, "links": func() bool { return p.links }, "folded": func() bool { return p.folded },
		"seen": p.seen, "causes": p.causes, "excluded": p.excluded, "unchecked": notLookedAt, "steps": p.steps, "further": p.further,
		"confidence": func(v finding.Verdict) string { return confidence(v) }, "rows": rows, "ids": evidenceList,
		"explanation": Explanation, "changedCauses": CauseDifferences,
		"upper": func(s finding.Status) string { return strings.ToUpper(string(s)) }, "lower": strings.ToLower,
		"next": next,
	})
	if err := textDefinitions().AddTo(t, fmt.Sprintf("{{template %q}}", name)); err != nil {
		panic(err) // a test fills all
	}
	t = t.Lookup(name)
	return func(of any) (string, error) {
		var b strings.Builder
		err := t.Execute(&b, of)
		return b.String(), err
	}
}

// joinedText is a text of several pieces. Here every text passes that a server or a
// stranger's record may have chosen: identifiers too.
func joinedText(pieces []any) string {
	var b strings.Builder
	for _, piece := range pieces {
		fmt.Fprint(&b, piece)
	}
	return Clean(b.String(), textLimit)
}

// bold is a text in bold, in a colour if one is named.
func (p *page) bold(colour, s string) string {
	if !p.Colour {
		return s
	}
	return "\x1b[1" + colour + "m" + s + "\x1b[0m"
}

// status is a status in its colour.
func (p *page) status(status finding.Status) string {
	colours := map[finding.Status]string{finding.OK: ";32", finding.Warning: ";33", finding.Critical: ";31", finding.Unknown: ";35"}
	return p.bold(colours[status], strings.ToUpper(string(status)))
}

// answer is status, code and the answer in one sentence.
func answer(v finding.Verdict) string {
	return fmt.Sprintf("%s  %s  %s", strings.ToUpper(string(v.Status)), v.Code, Clean(v.Summary, textLimit))
}

func (p *page) coloured(line string, status finding.Status) string {
	return strings.Replace(line, strings.ToUpper(string(status)), p.status(status), 1) + "\n"
}

// verdict is an answer behind its name, if it has one. On no terminal one without stays
// on one line, for whoever reads only that.
func (p *page) verdict(name string, v finding.Verdict, confidence string) string {
	lines := []string{name + answer(v)}
	if confidence != "" {
		lines[0] += " (" + confidence + ")"
	}
	if p.terminal || name != "" {
		lines = wrap(lines[0], p.Width)
	}
	return p.coloured(strings.Join(lines, "\n"+pad("", max(len(name), 2))), v.Status)
}

// again repeats the verdict on a terminal, where the first line may have left the screen.
func (p *page) again(v finding.Verdict) string {
	if !p.terminal {
		return ""
	}
	line := []rune(answer(v))
	if len(line) > p.Width {
		line = append(line[:p.Width-1], '…')
	}
	return "\n" + p.coloured(string(line), v.Status)
}

func (p *page) heading(text ...any) string {
	var b strings.Builder
	b.WriteString("\n")
	for _, line := range wrap(joinedText(text), p.Width) {
		b.WriteString("  " + p.bold("", line) + "\n")
	}
	return b.String()
}

// wrap breaks text at spaces; a word longer than the line stays whole, so that
// commands and addresses can be copied.
func wrap(s string, width int) []string {
	return strings.Split(wordwrap.WrapString(s, uint(max(width-2, 10))), "\n")
}

// hang is text behind a label; further lines stand below the text.
func (p *page) hang(indent int, label string, text ...any) string {
	var b strings.Builder
	label = Clean(label, 100)
	lead := pad("", indent)
	if p.Width < 72 && utf8.RuneCountInString(label) > 12 {
		// No room beside the label: the text goes below it.
		b.WriteString(lead + strings.TrimRight(label, " ") + "\n")
		lead, label = lead+"  ", ""
	}
	lead += label
	for _, line := range wrap(joinedText(text), p.Width-utf8.RuneCountInString(lead)+2) {
		b.WriteString(strings.TrimRight(lead+line, " ") + "\n")
		lead = pad("", utf8.RuneCountInString(lead))
	}
	return b.String()
}

// seen are the groups of what was seen, folded.
func (p *page) seen(r Report) []seenGroup {
	groups := seenGroups(r, p.Style)
	for _, g := range groups {
		for i := range g.Lines {
			g.Lines[i][1] = p.brief(g.Lines[i][1], limitsOf["fact"][p.tight])
		}
	}
	return groups
}

// causes are the causes that were looked at, what was found first; within that, in the
// KB's order.
func (p *page) causes(r Report) (rows [][2]string) {
	last := []finding.CauseStatus{finding.CauseUndetermined, finding.CauseLikely, finding.CauseConfirmed}
	sorted := slices.Clone(r.Causes)
	slices.SortStableFunc(sorted, func(a, b finding.CauseReport) int { return slices.Index(last, b.Status) - slices.Index(last, a.Status) })
	for _, c := range sorted {
		if !p.Whole && (c.Status == finding.CauseNotChecked || p.tight >= folding && isExcluded(c)) {
			continue // all of them are one line
		}
		rows = append(rows, [2]string{causeName(c), words(c.Status) + ": " + c.Why})
	}
	return rows
}

func causeName(c finding.CauseReport) string {
	return fmt.Sprintf("%d %s", c.Number, finding.CauseTitle(c.Number))
}

func isExcluded(c finding.CauseReport) bool {
	return c.Status == finding.CauseRuledOut || c.Status == finding.CauseNotApplicable
}

// excluded are the causes that it cannot be, in one text for each reason, if there is no
// room for more.
func (p *page) excluded(r Report) (list [][2]string) {
	for _, c := range r.Causes {
		if p.Whole || p.tight < folding || !isExcluded(c) {
			continue
		}
		p.folded = true
		i := slices.IndexFunc(list, func(e [2]string) bool { return e[0] == words(c.Status) })
		if i < 0 {
			list = append(list, [2]string{words(c.Status), causeName(c)})
			continue
		}
		list[i][1] += ", " + causeName(c)
	}
	return list
}

// steps are the remedies that are shown.
func (p *page) steps(list []finding.Remedy) []finding.Remedy {
	if p.Whole {
		return list
	}
	return list[:min(len(list), maxSteps)]
}

// step is what a remedy says; its cost is never left out.
func (p *page) step(m finding.Remedy) string {
	text := strings.TrimSpace(strings.TrimSuffix(m.Text, m.Cost))
	return strings.TrimSpace(p.shorter(text, sentences(text, limitsOf["step"][p.tight])) + " " + m.Cost)
}

// further says how many steps are not shown; "" none.
func (p *page) further(r Report) string {
	if len(r.Findings) == 0 || p.Whole || len(r.Findings[0].Remedies) <= maxSteps {
		return ""
	}
	return count(len(r.Findings[0].Remedies)-maxSteps, "more step", "more steps")
}

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
	text, err := s.text(p.Style)
	if p.rows {
		text = "\n" + text
	}
	if p.folded > 0 {
		text += fmt.Sprintf("\n  Rows not checked: %d. To list them, use --all-rows or --save results.csv.\n", p.folded)
	}
	if err == nil {
		_, err = io.WriteString(p.W, text)
	}
	return err
}

// text tells a person what a batch found; the rows stand above it.
func (s Summary) text(style Style) (string, error) {
	return newPage(style).fill("batch")(Harmless(s))
}
