package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// RowSchema names the form of a row's JSON.
const RowSchema = "ewsprobe/row/1"

// Row is a mailbox of a batch and what was found: a line of its JSON.
type Row struct {
	Schema      string                `json:"schema"`
	Number      int                   `json:"row"`
	Line        int                   `json:"line"`
	Mailbox     string                `json:"mailbox"` // "": the row names none that could be asked for
	User        string                `json:"user"`    // the row's own account; "": the run's
	Verdict     finding.Verdict       `json:"verdict"`
	Causes      []finding.CauseReport `json:"causes"`
	Findings    []finding.Code        `json:"findings"`
	EWSCode     string                `json:"ews_code"` // the error of EWS that the verdict is about
	DurationMS  int64                 `json:"duration_ms"`
	Tries       int                   `json:"tries"`
	DuplicateOf int                   `json:"duplicate_of" null:"zero"`

	Cells []string  `json:"-"` // of the input
	of    *Template // what it was made of; nil: of a line of JSON
	raw   []byte    // the line of JSON that it was read from
}

// Name is the mailbox, or where the row stands.
func (r Row) Name() string {
	if r.Mailbox == "" {
		return fmt.Sprintf("line %d", r.Line)
	}
	return r.Mailbox
}

// Title is the name, and by which account it was asked for where that is the
// row's own.
func (r Row) Title() string {
	if r.User == "" {
		return r.Name()
	}
	return r.Name() + " (" + r.User + ")"
}

// harmless is the row, without its causes and codes, with every text made
// harmless.
func (r Row) harmless() Row {
	r.Causes, r.Findings, r.Cells, r.of, r.raw = nil, nil, nil, nil, nil
	return Harmless(r)
}

// Sentence is a text that may leave the name of a mailbox open: it belongs
// between the pieces.
type Sentence []string

// sentenceOf leaves the name open wherever it stands in a text.
func sentenceOf(text, mailbox string) Sentence {
	if mailbox == "" {
		return Sentence{text}
	}
	return strings.Split(text, mailbox)
}

// About is the sentence about a mailbox.
func (s Sentence) About(mailbox string) string { return strings.Join(s, mailbox) }

// whole changes the sentence as one, with a character for private use where the
// name is left open: what is quoted is one thing, with or without the name in it.
func (s Sentence) whole(f func(string) string) Sentence {
	const open = "\ue000"
	return strings.Split(f(strings.Join(s, open)), open)
}

// Template is what was found of a mailbox, without its name. Most of a hundred
// thousand rows share a handful.
type Template struct {
	Verdict  finding.Verdict       `json:"verdict"` // without its summary
	Summary  Sentence              `json:"summary"`
	Causes   []finding.CauseReport `json:"causes"` // without the reasons
	Whys     []Sentence            `json:"whys"`
	Findings []finding.Code        `json:"findings"`
	EWSCode  string                `json:"ews_code"`

	Number int32 `json:"-"` // among those that a batch keeps; 0: it is not kept
}

// TemplateOf leaves the name of the mailbox open in a judgement of it.
func TemplateOf(j rule.Judgement, mailbox string) *Template {
	var codes []finding.Code
	for _, f := range j.Findings {
		codes = append(codes, f.Code)
	}
	return templateOf(j.Verdict, j.Causes, codes, mailbox)
}

func templateOf(v finding.Verdict, causes []finding.CauseReport, codes []finding.Code, mailbox string) *Template {
	t := &Template{Verdict: v, Summary: sentenceOf(v.Summary, mailbox), Findings: codes}
	t.Verdict.Summary = ""
	for _, c := range causes {
		t.Whys = append(t.Whys, sentenceOf(c.Why, mailbox))
		c.Why, c.Evidence = "", nil // the row has no record to point into
		t.Causes = append(t.Causes, c)
	}
	return t
}

// Fill completes a row with what the template says of its mailbox.
func (t *Template) Fill(r Row) Row {
	r.Schema, r.Verdict, r.Findings, r.EWSCode, r.of = RowSchema, t.Verdict, t.Findings, t.EWSCode, t
	r.Verdict.Summary = t.Summary.About(r.Mailbox)
	r.Causes = slices.Clone(t.Causes)
	for i, why := range t.Whys {
		r.Causes[i].Why = why.About(r.Mailbox)
	}
	return r
}

// template is what the row was made of; of a line of JSON it is made again, so that
// rows which differ in nothing but the name are one.
func (r Row) template() *Template {
	if r.of != nil {
		return r.of
	}
	mailbox := r.Mailbox
	if !strings.Contains(mailbox, "@") {
		mailbox = ""
	}
	t := templateOf(r.Verdict, r.Causes, r.Findings, mailbox)
	t.EWSCode = r.EWSCode
	return t
}
