package guide

import (
	"fmt"
	"html"
	"strings"
	"unicode"
)

// HTML is a guide as a piece of a page.
func HTML(name string) string {
	return render(name, func(b *block) string { return fmt.Sprintf("h%d", b.level) }, func(string) (string, bool) { return "", false })
}

// Chapter is a guide as a chapter of the manual: one level down, each heading with an
// anchor, the first that of the guide's name. Where link knows an anchor for what stands
// between backquotes, it leads there.
func Chapter(name string, link func(code string) (anchor string, ok bool)) string {
	return render(name, func(b *block) string {
		id := name
		if b.level > 1 {
			id += "-" + slug(plain(b.text))
		}
		return fmt.Sprintf(`h%d id="%s"`, b.level+1, html.EscapeString(id))
	}, func(code string) (string, bool) {
		anchor, known := link(code)
		return anchor, known && anchor != name
	})
}

// render is a guide as HTML, with the tag of each heading. The cells of a table know
// their heading, which stands before them where the page is narrow.
func render(name string, tag func(*block) string, link func(code string) (anchor string, ok bool)) string {
	var out strings.Builder
	element := func(tag, content string) {
		bare, _, _ := strings.Cut(tag, " ")
		fmt.Fprintf(&out, "<%s>%s</%s>\n", tag, content, bare)
	}
	for _, b := range parse(Source(name)) {
		switch b.kind {
		case heading:
			element(tag(b), marked(b.text, link))
		case paragraph:
			element("p", marked(b.text, link))
		case list:
			tag, bare := "ul", "ul"
			if b.start > 0 {
				tag, bare = fmt.Sprintf(`ol start="%d"`, b.start), "ol"
			}
			out.WriteString("<" + tag + ">\n")
			for _, item := range b.items {
				element("li", marked(item, link))
			}
			out.WriteString("</" + bare + ">\n")
		case code:
			element("pre", "<code>"+html.EscapeString(strings.TrimRight(b.text, "\n"))+"\n</code>")
		case table:
			out.WriteString("<table class=\"cards\">\n<thead>\n<tr>\n")
			for _, cell := range b.rows[0] {
				element("th", marked(cell, link))
			}
			out.WriteString("</tr>\n</thead>\n<tbody>\n")
			for _, row := range b.rows[1:] {
				out.WriteString("<tr>\n")
				for i, cell := range row {
					element(fmt.Sprintf(`td data-label="%s"`, html.EscapeString(plain(b.rows[0][i]))), marked(cell, link))
				}
				out.WriteString("</tr>\n")
			}
			out.WriteString("</tbody>\n</table>\n")
		}
	}
	return out.String()
}

// marked is a text with its marks as tags.
func marked(text string, link func(code string) (anchor string, ok bool)) string {
	var b strings.Builder
	for _, s := range spans(text) {
		said := html.EscapeString(s.text)
		switch s.mark {
		case "`":
			said = "<code>" + said + "</code>"
			if anchor, ok := link(s.text); ok {
				said = fmt.Sprintf(`<a href="#%s">%s</a>`, html.EscapeString(anchor), said)
			}
		case "*":
			said = "<em>" + said + "</em>"
		case "<":
			said = fmt.Sprintf(`<a href="%s">%s</a>`, said, said)
		}
		b.WriteString(said)
	}
	return b.String()
}

// plain is a text without marks.
func plain(text string) string {
	var b strings.Builder
	for _, s := range spans(text) {
		b.WriteString(s.text)
	}
	return b.String()
}

// slug is a heading as an anchor: its words in small letters.
func slug(heading string) string {
	words := strings.FieldsFunc(strings.ToLower(heading), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "-")
}
