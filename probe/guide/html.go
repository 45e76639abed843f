package guide

import (
	"fmt"
	stdhtml "html"
	"io"
	"strings"
	"unicode"

	"github.com/gomarkdown/markdown"
	"github.com/gomarkdown/markdown/ast"
	"github.com/gomarkdown/markdown/html"
	"github.com/gomarkdown/markdown/parser"
)

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
