package report

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/redact"
)

// Mask puts placeholders in the place of names in all that a batch gives out,
// before it is counted and before any format is made of it. nil shows everything.
type Mask struct {
	names  *redact.Redactor
	column int // of the addresses among the cells of a row
	hidden map[*Template]*Template
}

// NewMask hides names; nil where there is nothing to hide them.
func NewMask(names *redact.Redactor, column int) *Mask {
	if names == nil {
		return nil
	}
	return &Mask{names, column, map[*Template]*Template{}}
}

// name is a mailbox, or the line of a row that names none.
func (m *Mask) name(s string) string {
	if strings.Contains(s, "@") {
		return m.names.User(s)
	}
	return m.names.Text(s)
}

// Header are the columns of the input. Of a redacted table only the addresses are
// left, as placeholders: any other column can hold names, and so can its heading.
func (m *Mask) Header(names []string) []string {
	if m == nil {
		return names
	}
	hidden := make([]string, len(names))
	for i := range hidden {
		hidden[i] = fmt.Sprintf("column-%d", i+1)
	}
	hidden[m.column] = "mailbox"
	return hidden
}

// withheld stands in a cell of which nothing is known.
const withheld = "[withheld]"

// Row is a row without names.
func (m *Mask) Row(r Row) Row {
	if m == nil {
		return r
	}
	t := m.template(r.template())
	r.Mailbox, r.User = m.names.User(r.Mailbox), m.names.User(r.User)
	cells := make([]string, len(r.Cells))
	for i, cell := range r.Cells {
		switch {
		case i == m.column && r.Mailbox != "":
			cells[i] = r.Mailbox
		case cell != "":
			cells[i] = withheld
		}
	}
	r.Cells, r.raw = cells, nil
	return t.Fill(r)
}

// maxHidden bounds what is kept of templates; a few are what most rows have.
const maxHidden = 256

func (m *Mask) template(t *Template) *Template {
	if known := m.hidden[t]; known != nil {
		return known
	}
	h := *t
	h.Summary, h.Whys, h.EWSCode = nil, nil, "" // no words
	h = evidence.Copied(h, m.names.Word)
	h.Summary, h.EWSCode = t.Summary.whole(m.names.Text), m.names.Text(t.EWSCode)
	for _, why := range t.Whys {
		h.Whys = append(h.Whys, why.whole(m.names.Text))
	}
	if len(m.hidden) == maxHidden {
		clear(m.hidden)
	}
	m.hidden[t] = &h
	return &h
}

// Summary is the summary of a run without names, before its rows, which were
// masked, are counted in. The report of the endpoint is made of a masked record.
func (m *Mask) Summary(s Summary) Summary {
	if m == nil {
		return s
	}
	slowest := make([]SlowMailbox, len(s.Slowest))
	for i, slow := range s.Slowest {
		slowest[i] = SlowMailbox{m.name(slow.Mailbox), slow.TookMS}
	}
	fronts := map[string]int{}
	for name, n := range s.FrontEnds {
		fronts[m.names.Host(name)] += n
	}
	notes := make([]string, len(s.Notes))
	for i, note := range s.Notes {
		notes[i] = m.names.Text(note)
	}
	if s.Verdict != nil {
		v := *s.Verdict
		v.Summary = ""
		v = evidence.Copied(v, m.names.Word)
		v.Summary = m.names.Text(s.Verdict.Summary)
		s.Verdict = &v
	}
	s.endpoint = nil // as it was written
	s.Slowest, s.FrontEnds, s.Notes, s.Incomplete = slowest, fronts, notes, m.names.Text(s.Incomplete)
	if s.Stopped != evidence.StoppedByUser {
		s.Stopped = m.names.Text(s.Stopped)
	}
	return s
}

// textLimit is how many characters of one text from a server are shown.
const textLimit = 2000

// Clean makes text from a server harmless on a terminal: control characters
// (escape sequences, line ends, the C1 range), bidirectional overrides and
// other invisible format characters become visible or go, and the length is
// bounded.
func Clean(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == limit {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case invisible(r):
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
		n++
	}
	return b.String()
}

// invisible are characters that act on a terminal or hide what is read.
func invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
}

// Harmless is a deep copy of v with every text made harmless; a format still has
// to escape what means something in it.
func Harmless[T any](v T) T {
	return evidence.Copied(v, func(s string) string { return Clean(s, textLimit) })
}
