// Package guide holds what is worth a page beyond a single verdict: how to begin,
// how to read a report, what is sent on the wire.
//
// A guide is a Markdown file in text, embedded. It is the one source for the
// terminal and for HTML; both are made of the same parsed document. Markdown is
// read by a library (CommonMark); what a guide uses of it is small: headings,
// paragraphs, lists, code, tables.
package guide

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mitchellh/go-wordwrap"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
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
	p := &page{source: []byte(Source(name)), width: max(width, 20)}
	doc := markdown().Parser().Parse(text.NewReader(p.source))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		p.block(n, 2)
	}
	return strings.TrimLeft(p.b.String(), "\n")
}

type page struct {
	source []byte
	width  int
	b      strings.Builder
}

func (p *page) block(n ast.Node, indent int) {
	switch n := n.(type) {
	case *ast.Heading:
		p.b.WriteString("\n")
		p.lines(0, "", p.inline(n))
	case *ast.List:
		p.b.WriteString("\n")
		number := n.Start
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			mark, first := "- ", true
			if n.IsOrdered() {
				mark = fmt.Sprintf("%d. ", number)
				number++
			}
			for c := item.FirstChild(); c != nil; c = c.NextSibling() {
				lead := strings.Repeat(" ", len(mark))
				if first {
					lead = mark
				}
				p.lines(indent, lead, p.inline(c))
				first = false
			}
		}
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		p.b.WriteString("\n")
		for i := range n.Lines().Len() {
			// Never wrapped: it is there to be copied.
			line := n.Lines().At(i)
			p.b.WriteString(strings.TrimRight(strings.Repeat(" ", indent+2)+string(line.Value(p.source)), " \n") + "\n")
		}
	case *extast.Table:
		p.table(n, indent)
	default:
		p.b.WriteString("\n")
		p.lines(indent, "", p.inline(n))
	}
}

// table has each row as a paragraph: what its first cell says, and below that the other
// cells behind the headings of their columns. Where there are but two columns, these
// need no heading, and a short first cell stands beside the second.
func (p *page) table(t ast.Node, indent int) {
	var head []string
	short := 0
	for row := t.FirstChild().NextSibling(); row != nil; row = row.NextSibling() {
		short = max(short, len(p.inline(row.FirstChild()))+2)
	}
	if short > 24 || p.width < 60 || t.FirstChild().ChildCount() != 2 {
		short = 0
	}
	p.b.WriteString("\n")
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, p.inline(c))
		}
		if head == nil {
			head = cells
			continue
		}
		if short > 0 {
			p.lines(indent, fmt.Sprintf("%-*s", short, cells[0]), cells[1])
			continue
		}
		p.lines(indent, "", cells[0])
		for i, cell := range cells[1:] {
			lead := ""
			if len(head) > 2 {
				lead = head[i+1] + ": "
			}
			if cell != "" {
				p.lines(indent+2, "", lead+cell)
			}
		}
		if row.NextSibling() != nil {
			p.b.WriteString("\n")
		}
	}
}

// inline is the text of a block; commands keep the marks by which they are told.
func (p *page) inline(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Value(p.source))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.CodeSpan:
			b.WriteString("`" + p.inline(c) + "`")
		case *ast.AutoLink:
			b.Write(c.URL(p.source))
		default:
			b.WriteString(p.inline(c))
		}
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
