package report

import (
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mitchellh/go-wordwrap"
)

// Table lays rows out in columns, each line behind so many blanks. A cell of
// several lines makes a row of several lines.
func Table(indent int, rows [][]string) string {
	t := table.NewWriter()
	t.SetStyle(table.Style{Options: table.OptionsNoBordersAndSeparators, Box: table.BoxStyle{PaddingRight: "  "}})
	for _, r := range rows {
		cells := make(table.Row, len(r))
		for i, c := range r {
			cells[i] = c
		}
		t.AppendRow(cells)
	}
	if len(rows) == 0 {
		return ""
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
		text := wordwrap.WrapString(Clean(r[1], textLimit), uint(max(p.Width-indent-width-1, 10)))
		cells = append(cells, []string{pad(Clean(r[0], 100), width-1), text})
	}
	return Table(indent, cells)
}

// pad makes a name so many characters wide.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
