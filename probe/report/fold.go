package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	layout "github.com/jedib0t/go-pretty/v6/text"
	"github.com/mitchellh/go-wordwrap"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What a report in a glance has at most.
const (
	maxLines = 40 // of 80 columns
	maxSteps = 3
)

// limits are how many characters of a text are shown, the tighter the fewer.
type limits [tightest + 1]int

// Where there is room, texts are whole; from folding on, what is said more than once is left out too.
const (
	folding  = 2
	tightest = 4
)

// limitsOf are the limits of each kind of text.
var limitsOf = map[string]limits{
	"detail": {600, 300, 300, 220, 150}, // eight lines to two
	"step":   {350, 175, 175, 145, 75},
	"fact":   {120, 120, 57, 57, 57}, // two lines of the column, or one
	"other":  {300, 300, 300, 150, 76},
}

// fitsScreen says whether the page is as short as a report should be, with the lines
// that a terminal breaks counted as it shows them.
func (p *page) fitsScreen(text string) bool {
	n := 0
	for line := range strings.Lines(text) {
		n += max(1, (layout.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n"))+p.Width-1)/p.Width)
	}
	return n <= maxLines*usualWidth/min(p.Width, usualWidth)
}

// brief is a text as far as a glance takes it in; with -v it is whole.
func (p *page) brief(text string, limit int) string {
	return p.shorter(text, fold(text, limit))
}

func (p *page) shorter(text, short string) string {
	if p.Whole {
		return text
	}
	p.folded = p.folded || short != text
	return short
}

// sentences are so many whole ones as have room, and the first of them in any case: half
// an instruction cannot be followed.
func sentences(text string, limit int) string {
	runes := []rune(text)
	for ; limit < len(runes); limit++ {
		if end := sentenceEnd(string(runes[:limit-1]), text); end > 0 {
			return text[:end]
		}
	}
	return text
}

// sentenceEnd is where the last whole sentence of a text's head ends; 0 for none.
func sentenceEnd(head, text string) int {
	for i := len(head) - 2; i > 0; i-- {
		next, _ := utf8.DecodeRuneInString(text[i+2:])
		if head[i:i+2] == ". " && !('a' <= next && next <= 'z') && strings.Count(head[:i], `"`)%2 == 0 {
			return i + 1
		}
	}
	return 0
}

// fold takes so many whole sentences as have room, and of a first one that is too
// long what stands before a colon, a semicolon, a bracket, a comma, or else whole words.
func fold(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	head := string([]rune(text)[:limit-1])
	if end := sentenceEnd(head, text); end > 0 {
		return head[:end]
	}
	for _, end := range []string{": ", "; ", " (", ", ", " "} {
		if i := strings.LastIndex(head, end); i > limit/2 {
			return head[:i] + " …"
		}
	}
	return head + "…"
}

// clock is when an attempt was made, so that it can be found in the events of the
// servers: the time of day here, and in a whole report the date and time in UTC too.
func (s Style) clock(at string) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	switch {
	case err != nil:
		return ""
	case s.Zone == nil && !s.Whole:
		return t.UTC().Format("15:04:05 MST")
	case s.Zone == nil:
		return day(t)
	}
	local := t.In(s.Zone).Format("15:04:05 MST")
	switch _, ahead := t.In(s.Zone).Zone(); {
	case !s.Whole:
		return local
	case ahead == 0:
		return day(t)
	}
	return day(t) + " (" + local + ")"
}

// notLookedAt is one line of the causes that were not looked at, each with the flag
// that would.
func notLookedAt(r Report) string {
	var list [][2]string // numbers, and what they need
	for _, c := range r.Causes {
		if c.Status != finding.CauseNotChecked {
			continue
		}
		number, need := fmt.Sprint(c.Number), say("need", struct {
			Cause   int
			Mailbox string
		}{c.Number, r.Target.Mailbox}, "")
		if i := slices.IndexFunc(list, func(one [2]string) bool { return one[1] == need }); i >= 0 {
			list[i][0] += " and " + number
		} else {
			list = append(list, [2]string{number, need})
		}
	}
	var told []string
	for _, one := range list {
		told = append(told, one[0]+" "+one[1])
	}
	return strings.Join(told, ", ")
}

// servers says at how many of the servers of a farm the verdict holds; "" for one.
func servers(r Report) string {
	if len(r.Nodes) < 2 || len(r.Findings) == 0 || r.Findings[0].Code != r.Verdict.Code {
		return ""
	}
	at := 0
	for _, n := range r.Nodes {
		if slices.Contains(r.Findings[0].Addresses, n.Address) {
			at++
		}
	}
	if at == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d servers", at, len(r.Nodes))
}

// Table lays rows out in columns, each line behind so many blanks. The last column is
// wrapped to the width of a terminal; 0: it is not.
func Table(indent, width int, rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	const between = 2
	last, room := len(rows[0])-1, width-indent
	for i := range last {
		widest := 0
		for _, r := range rows {
			widest = max(widest, utf8.RuneCountInString(r[i]))
		}
		room -= widest + between
	}
	t := table.NewWriter()
	t.SetStyle(table.Style{Options: table.OptionsNoBordersAndSeparators, Box: table.BoxStyle{PaddingRight: strings.Repeat(" ", between)}})
	for _, r := range rows {
		cells := make(table.Row, len(r))
		for i, c := range r {
			if cells[i] = c; i == last && width > 0 {
				cells[i] = wordwrap.WrapString(c, uint(max(room, 20)))
			}
		}
		t.AppendRow(cells)
	}
	var b strings.Builder
	for line := range strings.Lines(t.Render()) {
		b.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+line, " \n") + "\n")
	}
	return b.String()
}

// table is two columns of names and texts, wrapped to the width, the first at least
// so wide. Where there is no room beside the names, a text stands below its name.
func (p *page) table(indent, least int, rows [][2]string) string {
	if p.Width < 72 {
		var b strings.Builder
		for _, r := range rows {
			b.WriteString(p.hang(indent, pad(r[0], least)+" ", r[1]))
		}
		return b.String()
	}
	width := least
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r[0])+1)
	}
	cells := make([][]string, 0, len(rows))
	for _, r := range rows {
		cells = append(cells, []string{pad(Clean(r[0], 100), width-1), Clean(r[1], textLimit)})
	}
	return Table(indent, p.Width, cells)
}

// pad makes a name so many characters wide.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
