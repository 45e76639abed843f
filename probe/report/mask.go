package report

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Mask puts placeholders in the place of names in all that a batch gives out,
// before it is counted and before any format is made of it. nil shows everything.
type Mask struct {
	Names  Names
	hidden map[*Template]*Template
}

// Names gives each name its placeholder, and takes the names out of a text of this
// program's own (package redact). A word is one of a closed list.
type Names interface {
	Mailbox(string) string
	User(string) string
	Host(string) string
	Text(string) string
	Word(string) string
}

// NewMask hides names.
func NewMask(names Names) *Mask { return &Mask{names, map[*Template]*Template{}} }

// Text is a text of this program's own.
func (m *Mask) Text(s string) string {
	if m == nil {
		return s
	}
	return m.Names.Text(s)
}

// name is a mailbox, or the line of a row that names none.
func (m *Mask) name(s string) string {
	if strings.Contains(s, "@") {
		return m.Names.Mailbox(s)
	}
	return m.Names.Text(s)
}

// Header are the columns of the input. Of a redacted table only the addresses are
// left, as placeholders: any other column can hold names, and so can its heading.
func (m *Mask) Header(names []string, column int) []string {
	if m == nil {
		return names
	}
	hidden := make([]string, len(names))
	for i := range hidden {
		hidden[i] = fmt.Sprintf("column-%d", i+1)
	}
	hidden[column] = "mailbox"
	return hidden
}

// withheld stands in a cell of which nothing is known.
const withheld = "[withheld]"

// Row is a row without names; column is that of the addresses among its cells.
func (m *Mask) Row(r Row, column int) Row {
	if m == nil {
		return r
	}
	t := m.template(r.template())
	if r.Mailbox != "" {
		r.Mailbox = m.Names.Mailbox(r.Mailbox)
	}
	if r.User != "" {
		r.User = m.Names.User(r.User)
	}
	cells := make([]string, len(r.Cells))
	for i, cell := range r.Cells {
		switch {
		case i == column && r.Mailbox != "":
			cells[i] = r.Mailbox
		case cell != "":
			cells[i] = withheld
		}
	}
	r.Cells, r.raw = cells, nil
	return t.Fill(r)
}

// mostHidden bounds what is kept of templates; a few are what most rows have.
const mostHidden = 256

func (m *Mask) template(t *Template) *Template {
	if known := m.hidden[t]; known != nil {
		return known
	}
	word := m.Names.Word
	h := *t
	h.Verdict = m.verdict(t.Verdict)
	h.Summary, h.EWSCode = t.Summary.whole(m.Names.Text), m.Names.Text(t.EWSCode)
	h.Causes, h.Whys, h.Findings = nil, nil, nil
	for i, c := range t.Causes {
		c.Status = finding.CauseStatus(word(string(c.Status)))
		h.Causes, h.Whys = append(h.Causes, c), append(h.Whys, t.Whys[i].whole(m.Names.Text))
	}
	for _, code := range t.Findings {
		h.Findings = append(h.Findings, finding.Code(word(string(code))))
	}
	if len(m.hidden) == mostHidden {
		clear(m.hidden)
	}
	m.hidden[t] = &h
	return &h
}

// verdict is a verdict of which all but the summary is made sure of.
func (m *Mask) verdict(v finding.Verdict) finding.Verdict {
	word := m.Names.Word
	v.Code, v.Status = finding.Code(word(string(v.Code))), finding.Status(word(string(v.Status)))
	v.Confidence, v.Reason = finding.Confidence(word(string(v.Confidence))), word(v.Reason)
	return v
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
		fronts[m.Names.Host(name)] += n
	}
	notes := make([]string, len(s.Notes))
	for i, note := range s.Notes {
		notes[i] = m.Text(note)
	}
	if s.Verdict != nil {
		v := m.verdict(*s.Verdict)
		v.Summary = m.Text(v.Summary)
		s.Verdict = &v
	}
	s.endpoint = nil
	s.Slowest, s.FrontEnds, s.Notes, s.Incomplete = slowest, fronts, notes, m.Text(s.Incomplete)
	if s.Stopped != evidence.StoppedByUser {
		s.Stopped = m.Text(s.Stopped)
	}
	return s
}
