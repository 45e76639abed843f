package guide

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// markdown reads CommonMark with tables.
func markdown() goldmark.Markdown { return goldmark.New(goldmark.WithExtensions(extension.Table)) }

// HTML is a guide as a piece of a page.
func HTML(name string) string { return render(name, func(ast.Node, []byte) {}) }

// Chapter is a guide as a chapter of the manual: one level down, each heading with an
// anchor, the first that of the guide's name. Where link knows an anchor for what stands
// between backquotes, it leads there.
func Chapter(name string, link func(code string) (anchor string, ok bool)) string {
	return render(name, func(n ast.Node, raw []byte) {
		switch n := n.(type) {
		case *ast.Heading:
			id := name
			if n.Level > 1 {
				id += "-" + slug(plain(n, raw))
			}
			n.Level++
			n.SetAttributeString("id", []byte(id))
		case *ast.CodeSpan:
			if anchor, known := link(plain(n, raw)); known && anchor != name {
				l := ast.NewLink()
				l.Destination = []byte("#" + anchor)
				n.Parent().ReplaceChild(n.Parent(), n, l)
				l.AppendChild(l, n)
			}
		}
	})
}

// render is a guide as HTML. The cells of a table know their heading, which stands
// before them where the page is narrow.
func render(name string, change func(n ast.Node, raw []byte)) string {
	raw := []byte(Source(name))
	doc := markdown().Parser().Parse(text.NewReader(raw))
	var nodes []ast.Node // before any of them is moved
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			nodes = append(nodes, n)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range nodes {
		if t, ok := n.(*extast.Table); ok {
			label(t, raw)
		}
		change(n, raw)
	}
	var b bytes.Buffer
	_ = markdown().Renderer().Render(&b, raw, doc) // a buffer takes all
	return b.String()
}

func label(t *extast.Table, raw []byte) {
	t.SetAttributeString("class", []byte("cards"))
	var head []string
	for c := t.FirstChild().FirstChild(); c != nil; c = c.NextSibling() {
		head = append(head, plain(c, raw))
	}
	for row := t.FirstChild().NextSibling(); row != nil; row = row.NextSibling() {
		i := 0
		for c := row.FirstChild(); c != nil && i < len(head); c = c.NextSibling() {
			c.SetAttributeString("data-label", []byte(head[i]))
			i++
		}
	}
}

// plain is the text of a node without marks.
func plain(n ast.Node, raw []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Value(raw))
		} else {
			b.WriteString(plain(c, raw))
		}
	}
	return b.String()
}

// slug is a heading as an anchor: its words in small letters.
func slug(heading string) string {
	words := strings.FieldsFunc(strings.ToLower(heading), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "-")
}
