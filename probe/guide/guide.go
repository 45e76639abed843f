// Package guide holds what is worth a page beyond a single verdict: how to begin,
// how to read a report, what is sent on the wire.
//
// A guide is a Markdown file in text, embedded. It is the one source for the
// terminal and for HTML; both are made of the same parsed document. What a guide uses
// of Markdown is small: headings, paragraphs, lists, code, tables. A library that reads
// all of it prepares itself in every start of the program, for as long as a logon takes.
package guide

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mitchellh/go-wordwrap"
	"go.yaml.in/yaml/v3"
)

//go:embed text/*.md
var files embed.FS

// entry is a guide: the name of its file, other names by which a reader may
// ask for it, and the verdict codes that it has more to say about.
type entry struct {
	Name  string
	Also  []string
	Codes []string
}

//go:embed guides.yaml
var index []byte

// entries are in the order of a reader who begins. A name that is a verdict
// code is none here: `explain` shows the code, which leads on to the guide.
var entries = sync.OnceValue(func() (list []entry) {
	if err := yaml.Unmarshal(index, &list); err != nil {
		panic(err) // a test reads it
	}
	return list
})

// Names are the guides in the order in which to read them.
func Names() []string {
	names := make([]string, len(entries()))
	for i, e := range entries() {
		names[i] = e.Name
	}
	return names
}

// Find is the name of the guide that a reader asks for, by its name or another.
func Find(text string) (string, bool) {
	for _, e := range entries() {
		if e.Name == text || slices.Contains(e.Also, text) {
			return e.Name, true
		}
	}
	return "", false
}

// About are the guides that say more about a verdict code.
func About(code string) []string {
	var names []string
	for _, e := range entries() {
		if slices.Contains(e.Codes, code) {
			names = append(names, e.Name)
		}
	}
	return names
}

// Title is a guide's heading.
func Title(name string) string {
	line, _, _ := strings.Cut(Source(name), "\n")
	return strings.TrimPrefix(line, "# ")
}

// Source is the Markdown of a guide, "" where there is none of the name.
func Source(name string) string {
	raw, _ := files.ReadFile("text/" + name + ".md")
	return string(raw)
}

// Text is a guide for a terminal of that width.
func Text(name string, width int) string {
	p := &page{width: max(width, 20)}
	for _, b := range parse(Source(name)) {
		p.b.WriteString("\n")
		p.block(b)
	}
	return strings.TrimLeft(p.b.String(), "\n")
}

type page struct {
	width int
	b     strings.Builder
}

// indent is that of everything but headings.
const indent = 2

func (p *page) block(b *block) {
	switch b.kind {
	case heading:
		p.lines(0, "", inline(b.text))
	case paragraph:
		p.lines(indent, "", inline(b.text))
	case list:
		for i, item := range b.items {
			mark := "- "
			if b.start > 0 {
				mark = fmt.Sprintf("%d. ", b.start+i)
			}
			p.lines(indent, mark, inline(item))
		}
	case code:
		for line := range strings.SplitSeq(strings.TrimRight(b.text, "\n"), "\n") {
			// Never wrapped: it is there to be copied.
			p.b.WriteString(strings.TrimRight(strings.Repeat(" ", indent+2)+line, " ") + "\n")
		}
	case table:
		p.table(b.rows)
	}
}

// table has each row as a paragraph: what its first cell says, and below that the other
// cells behind the headings of their columns. Where there are but two columns, these
// need no heading, and a short first cell stands beside the second.
func (p *page) table(rows [][]string) {
	head, rows := rows[0], rows[1:]
	short := 0
	for _, row := range rows {
		short = max(short, len(inline(row[0]))+2)
	}
	if short > 24 || p.width < 60 || len(head) != 2 {
		short = 0
	}
	for n, row := range rows {
		if short > 0 {
			p.lines(indent, fmt.Sprintf("%-*s", short, inline(row[0])), inline(row[1]))
			continue
		}
		p.lines(indent, "", inline(row[0]))
		for i, cell := range row[1:] {
			lead := ""
			if len(head) > 2 {
				lead = inline(head[i+1]) + ": "
			}
			if cell != "" {
				p.lines(indent+2, "", lead+inline(cell))
			}
		}
		if n < len(rows)-1 {
			p.b.WriteString("\n")
		}
	}
}

// inline is a text for a terminal; commands keep the marks by which they are told.
func inline(text string) string {
	var b strings.Builder
	for _, s := range spans(text) {
		if s.mark == "`" {
			s.text = "`" + s.text + "`"
		}
		b.WriteString(s.text)
	}
	return b.String()
}

func (p *page) lines(indent int, lead, s string) {
	pad := strings.Repeat(" ", indent)
	for line := range strings.SplitSeq(wordwrap.WrapString(s, uint(max(p.width-indent-len(lead), 20))), "\n") {
		p.b.WriteString(strings.TrimRight(pad+lead+line, " ") + "\n")
		lead = strings.Repeat(" ", len(lead))
	}
}
