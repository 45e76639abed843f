package report

import (
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mitchellh/go-wordwrap"
)

// Table lays rows out in columns, each line behind so many blanks. The last column is
// wrapped to the width of a terminal; 0: it is not.
func Table(indent, width int, rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	const between = 2
	last, room := len(rows[0])-1, width-indent
	for i := range last {
		widest := 0
		for _, r := range rows {
			widest = max(widest, utf8.RuneCountInString(r[i]))
		}
		room -= widest + between
	}
	t := table.NewWriter()
	t.SetStyle(table.Style{Options: table.OptionsNoBordersAndSeparators, Box: table.BoxStyle{PaddingRight: strings.Repeat(" ", between)}})
	for _, r := range rows {
		cells := make(table.Row, len(r))
		for i, c := range r {
			if cells[i] = c; i == last && width > 0 {
				cells[i] = wordwrap.WrapString(c, uint(max(room, 20)))
			}
		}
		t.AppendRow(cells)
	}
	var b strings.Builder
	for line := range strings.Lines(t.Render()) {
		b.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+line, " \n") + "\n")
	}
	return b.String()
}

// table is two columns of names and texts, wrapped to the width, the first at least
// so wide. Where there is no room beside the names, a text stands below its name.
func (p *page) table(indent, least int, rows [][2]string) string {
	if p.Width < 72 {
		var b strings.Builder
		for _, r := range rows {
			b.WriteString(p.hang(indent, pad(r[0], least)+" ", r[1]))
		}
		return b.String()
	}
	width := least
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r[0])+1)
	}
	cells := make([][]string, 0, len(rows))
	for _, r := range rows {
		cells = append(cells, []string{pad(Clean(r[0], 100), width-1), Clean(r[1], textLimit)})
	}
	return Table(indent, p.Width, cells)
}

// pad makes a name so many characters wide.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
