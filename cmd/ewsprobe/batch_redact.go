package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// batchMask puts placeholders in the place of names in all that a batch gives
// out, before any format is made of it. nil shows everything.
type batchMask struct {
	names  *redact.Redactor
	shapes map[string]*batch.Shape // what became of a shape, by its fields
}

// mostShapes bounds what is kept of shapes; a few are what most rows have.
const mostShapes = 256

func newBatchMask() *batchMask {
	return &batchMask{names: redact.New(), shapes: map[string]*batch.Shape{}}
}

// text is a sentence, in which the mailbox may be left open.
func (m *batchMask) text(s string) string {
	if m == nil {
		return s
	}
	parts := strings.Split(s, batch.Stand)
	for i, p := range parts {
		parts[i] = m.names.Text(p)
	}
	return strings.Join(parts, batch.Stand)
}

// name is a mailbox, or the line of a row that names none.
func (m *batchMask) name(s string) string {
	if strings.Contains(s, "@") {
		return m.names.Mailbox(s)
	}
	return m.names.Text(s)
}

// header are the columns of the input. Of a redacted table only the addresses are
// left, as placeholders: any other column can hold names, and so can its heading.
func (m *batchMask) header(names []string, column int) []string {
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

func (m *batchMask) result(r batch.Result, column int) (batch.Result, error) {
	if m == nil {
		return r, nil
	}
	var err error
	if r.Shape, err = m.shape(r.Shape); err != nil {
		return r, err
	}
	if r.Address != "" {
		r.Address = m.names.Mailbox(r.Address)
	}
	if r.Account.User != "" {
		r.Account.User = m.names.User(r.Account.User)
	}
	cells := make([]string, len(r.Cells))
	for i, cell := range r.Cells {
		switch {
		case i == column && r.Address != "":
			cells[i] = r.Address
		case cell != "":
			cells[i] = withheld
		}
	}
	r.Cells = cells
	return r, nil
}

func (m *batchMask) shape(s *batch.Shape) (*batch.Shape, error) {
	if known := m.shapes[s.Fields]; known != nil {
		return known, nil
	}
	hidden, err := s.Rewrite(m.text, m.names.Word)
	if err != nil {
		return nil, err
	}
	if len(m.shapes) == mostShapes {
		clear(m.shapes)
	}
	m.shapes[s.Fields] = hidden
	return hidden, nil
}

// summary is s without the report of the endpoint, which is made anew of its
// record.
func (m *batchMask) summary(s report.Summary) report.Summary {
	if m == nil {
		return s
	}
	for i := range s.Slowest {
		s.Slowest[i].Mailbox = m.name(s.Slowest[i].Mailbox)
	}
	fronts := map[string]int{}
	for name, n := range s.FrontEnds {
		fronts[m.names.Host(name)] += n
	}
	s.FrontEnds = fronts
	groups := make([]report.BatchGroup, len(s.Groups))
	hidden := map[string]string{} // sentences about a mailbox that is known
	for i, g := range s.Groups {
		examples := make([]string, len(g.Examples))
		for k, one := range g.Examples {
			examples[k] = m.name(one)
		}
		sentence := g.Summary
		if len(examples) > 0 {
			// The address is one name, whatever signs are in it.
			sentence = strings.ReplaceAll(m.text(strings.ReplaceAll(sentence, g.Examples[0], batch.Stand)), batch.Stand, examples[0])
		} else {
			sentence = m.text(sentence)
		}
		hidden[g.Summary] = sentence
		g.Summary, g.Examples = sentence, examples
		groups[i] = g
	}
	s.Groups = groups
	if s.Verdict != nil {
		v := *s.Verdict
		sentence, ok := hidden[v.Summary]
		if !ok {
			sentence = m.text(v.Summary)
		}
		v.Summary = sentence
		s.Verdict = &v
	}
	if s.Stopped != evidence.StoppedByUser {
		s.Stopped = m.text(s.Stopped)
	}
	s.Incomplete = m.text(s.Incomplete)
	notes := make([]string, len(s.Notes))
	for i, note := range s.Notes {
		notes[i] = m.text(note)
	}
	s.Notes = notes
	return s
}

// endpoint is the report of the endpoint's check.
func (m *batchMask) endpoint(rec evidence.Record, std stdio) *report.Report {
	var names *redact.Redactor
	if m != nil {
		names = m.names
	}
	r := reportOf(rec, names, std)
	return &r
}

// refusal is an error that ends the command, without names.
func (m *batchMask) refusal(err error) error {
	var why *refusal
	if m == nil || !errors.As(err, &why) {
		return err
	}
	return &refusal{code: why.code, text: m.text(why.text)}
}

// maskOf is the mask of --redact, and where to complain without names.
func maskOf(std stdio) (*batchMask, stdio) {
	m := newBatchMask()
	std.hide = m.text
	return m, std
}

// batchRedaction is the mask of --redact, and where to complain without names.
func batchRedaction(c *cli.Context, std stdio) (*batchMask, stdio, error) {
	if !c.Bool("redact") {
		return nil, std, nil
	}
	for _, flag := range []string{"resume", "shard"} {
		if c.IsSet(flag) {
			return nil, std, usage("--redact and --%s exclude each other: the numbers of the placeholders hold for one run; join the results first, with ewsprobe merge --redact", flag)
		}
	}
	m, std := maskOf(std)
	return m, std, nil
}

// prompts is where the password is asked for.
func (m *batchMask) prompts(std stdio) output {
	if m == nil {
		return output{std: std}
	}
	return output{std: std, mask: m.names}
}
