// Package guide holds what is worth a page beyond a single verdict: how to begin,
// how to read a report, what is sent on the wire.
//
// A guide is a Markdown file in text, embedded. It is the one source for the
// terminal and for HTML; both are made of the same parsed document. Markdown is
// read by a library (CommonMark); what a guide uses of it is small: headings,
// paragraphs, lists, code.
package guide

import (
	"bytes"
	"embed"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

//go:embed text/*.md
var files embed.FS

// order is that of a reader who begins.
var order = []string{"first-check", "reading-a-report", "basic-or-ntlm", "channel-binding", "what-is-sent", "exit-codes"}

// Names are the guides in the order in which to read them.
func Names() []string { return append([]string(nil), order...) }

// Source is the Markdown of a guide.
func Source(name string) (string, bool) {
	raw, err := files.ReadFile("text/" + name + ".md")
	if err != nil {
		return "", false
	}
	return string(raw), true
}

// HTML is a guide as a piece of a page.
func HTML(name string) (string, bool) {
	source, ok := Source(name)
	if !ok {
		return "", false
	}
	var b bytes.Buffer
	if err := goldmark.Convert([]byte(source), &b); err != nil {
		return "", false
	}
	return b.String(), true
}

// Text is a guide for a terminal of that width.
func Text(name string, width int) (string, bool) {
	source, ok := Source(name)
	if !ok {
		return "", false
	}
	p := &page{source: []byte(source), width: max(width, 20)}
	doc := goldmark.DefaultParser().Parse(text.NewReader(p.source))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		p.block(n, 2)
	}
	return strings.TrimLeft(p.b.String(), "\n"), true
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
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			first := true
			for c := item.FirstChild(); c != nil; c = c.NextSibling() {
				lead := "  "
				if first {
					lead = "- "
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
	default:
		p.b.WriteString("\n")
		p.lines(indent, "", p.inline(n))
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
