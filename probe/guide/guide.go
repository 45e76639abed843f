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
	stdhtml "html"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/gomarkdown/markdown"
	"github.com/gomarkdown/markdown/ast"
	"github.com/gomarkdown/markdown/html"
	"github.com/gomarkdown/markdown/parser"
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
	for _, n := range parse(name).GetChildren() {
		p.block(n, 2)
	}
	return strings.TrimLeft(p.b.String(), "\n")
}

type page struct {
	width int
	b     strings.Builder
}

func (p *page) block(n ast.Node, indent int) {
	p.b.WriteString("\n")
	switch n := n.(type) {
	case *ast.Heading:
		p.lines(0, "", inline(n))
	case *ast.List:
		for i, item := range n.Children {
			mark := "- "
			if n.ListFlags&ast.ListTypeOrdered != 0 {
				mark = fmt.Sprintf("%d. ", max(n.Start, 1)+i)
			}
			for i, part := range item.GetChildren() {
				if i > 0 {
					mark = strings.Repeat(" ", len(mark))
				}
				p.lines(indent, mark, inline(part))
			}
		}
	case *ast.CodeBlock:
		for line := range strings.Lines(string(n.Literal)) {
			// Never wrapped: it is there to be copied.
			p.b.WriteString(strings.TrimRight(strings.Repeat(" ", indent+2)+line, " \n") + "\n")
		}
	case *ast.Table:
		p.table(n, indent)
	default:
		p.lines(indent, "", inline(n))
	}
}

// rows are those of a table, the first its head.
func rows(t *ast.Table) (all [][]ast.Node) {
	for _, part := range t.Children {
		for _, row := range part.GetChildren() {
			all = append(all, row.GetChildren())
		}
	}
	return all
}

// table has each row as a paragraph: what its first cell says, and below that the other
// cells behind the headings of their columns. Where there are but two columns, these
// need no heading, and a short first cell stands beside the second.
func (p *page) table(t *ast.Table, indent int) {
	all := rows(t)
	head, rest := all[0], all[1:]
	short := 0
	for _, row := range rest {
		short = max(short, len(inline(row[0]))+2)
	}
	if short > 24 || p.width < 60 || len(head) != 2 {
		short = 0
	}
	for n, row := range rest {
		if short > 0 {
			p.lines(indent, fmt.Sprintf("%-*s", short, inline(row[0])), inline(row[1]))
			continue
		}
		if n > 0 {
			p.b.WriteString("\n")
		}
		p.lines(indent, "", inline(row[0]))
		for i, cell := range row[1:] {
			lead := ""
			if len(head) > 2 {
				lead = inline(head[i+1]) + ": "
			}
			if text := inline(cell); text != "" {
				p.lines(indent+2, "", lead+text)
			}
		}
	}
}

// inline is the text of a block; commands keep the marks by which they are told.
func inline(n ast.Node) string { return textOf(n, "`") }

// textOf is the text of a node, what is code between marks.
func textOf(n ast.Node, mark string) string {
	switch n := n.(type) {
	case *ast.Code:
		return mark + string(n.Literal) + mark
	case *ast.Text:
		return strings.ReplaceAll(string(n.Literal), "\n", " ")
	}
	var b strings.Builder
	for _, c := range n.GetChildren() {
		b.WriteString(textOf(c, mark))
	}
	return b.String()
}

func (p *page) lines(indent int, lead, s string) { p.b.WriteString(Hang(indent, lead, s, p.width)) }

// Hang is a text behind a lead, wrapped to a width, its further lines below the text.
func Hang(indent int, lead, text string, width int) string {
	var b strings.Builder
	for line := range strings.SplitSeq(wordwrap.WrapString(text, uint(max(width-indent-len(lead), 20))), "\n") {
		b.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+lead+line, " ") + "\n")
		lead = strings.Repeat(" ", len(lead))
	}
	return b.String()
}

// parse reads CommonMark with tables.
func parse(name string) ast.Node {
	return parser.NewCommonMarkWithExtensions(parser.Tables).Parse([]byte(Source(name)))
}

// HTML is a guide as a piece of a page.
func HTML(name string) string { return render(name, func(ast.Node) {}) }

// Chapter is a guide as a chapter of the manual: one level down, each heading with an
// anchor, the first that of the guide's name. Where link knows an anchor for what stands
// between backquotes, it leads there.
func Chapter(name string, link func(code string) (anchor string, ok bool)) string {
	return render(name, func(n ast.Node) {
		for i, c := range n.GetChildren() {
			switch c := c.(type) {
			case *ast.Heading:
				c.HeadingID = name
				if c.Level > 1 {
					c.HeadingID += "-" + slug(textOf(c, ""))
				}
				c.Level++
			case *ast.Code:
				if anchor, known := link(string(c.Literal)); known && anchor != name {
					n.GetChildren()[i] = &ast.Link{Destination: []byte("#" + anchor), Container: ast.Container{Children: []ast.Node{c}}}
				}
			}
		}
	})
}

// render is a guide as HTML. The cells of a table know their heading, which stands
// before them where the page is narrow.
func render(name string, change func(parent ast.Node)) string {
	doc := parse(name)
	ast.WalkFunc(doc, func(n ast.Node, entering bool) ast.WalkStatus {
		if !entering {
			return ast.GoToNext
		}
		if t, ok := n.(*ast.Table); ok {
			label(t)
		}
		if _, made := n.(*ast.Link); !made {
			change(n)
		}
		return ast.GoToNext
	})
	return string(markdown.Render(doc, html.NewRenderer(html.RendererOptions{RenderNodeHook: cell})))
}

// cell writes a cell that knows its heading: the library writes no attributes of cells.
func cell(w io.Writer, n ast.Node, entering bool) (ast.WalkStatus, bool) {
	c, ok := n.(*ast.TableCell)
	if !ok || c.Attribute == nil || !entering {
		return ast.GoToNext, false
	}
	fmt.Fprintf(w, "<td data-label=\"%s\">", stdhtml.EscapeString(string(c.Attrs["data-label"])))
	return ast.GoToNext, true
}

func label(t *ast.Table) {
	t.Attribute = &ast.Attribute{Classes: [][]byte{[]byte("cards")}}
	all := rows(t)
	for _, row := range all[1:] {
		for i, cell := range row {
			cell.AsContainer().Attribute = &ast.Attribute{Attrs: map[string][]byte{"data-label": []byte(textOf(all[0][i], ""))}}
		}
	}
}

// slug is a heading as an anchor: its words in small letters.
func slug(heading string) string {
	words := strings.FieldsFunc(strings.ToLower(heading), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "-")
}
