package guide

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// block is what a guide is made of.
type block struct {
	kind  kind
	level int        // of a heading
	start int        // the first number of a list, 0 if it has none
	text  string     // of a heading, of a paragraph, of code
	items []string   // of a list
	rows  [][]string // of a table, the first its head
}

type kind int

const (
	heading kind = iota
	paragraph
	list
	code
	table
)

// span is a part of a text: plain, in backquotes, emphasised, or a link.
type span struct {
	mark string // what it stands in: "`", "*", "<" or nothing
	text string
}

// expressions are of the lines and marks that have a meaning.
var expressions = sync.OnceValue(func() (e struct{ heading, item, mark *regexp.Regexp }) {
	e.heading = regexp.MustCompile(`^(#+) (.*)$`)
	e.item = regexp.MustCompile(`^(?:-|(\d+)\.) (.*)$`)
	e.mark = regexp.MustCompile("`([^`]+)`|\\*([^*\\s](?:[^*]*[^*\\s])?)\\*|<(https:[^>]+)>")
	return e
})

// parse reads a guide, line by line: a heading, a paragraph and an item of a list have
// one each. Indented by four is code; a table has its cells between bars.
func parse(source string) (all []*block) {
	var last *block // what a line can go on with
	next := func(b block) *block {
		last = &b
		all = append(all, last)
		return last
	}
	is := func(k kind) bool { return last != nil && last.kind == k }
	of := expressions()
	for line := range strings.Lines(source) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case is(code) && line == "":
			last.text += "\n"
		case line == "":
			if !is(list) {
				last = nil
			}
		case strings.HasPrefix(line, "    "):
			if !is(code) {
				next(block{kind: code})
			}
			last.text += line[4:] + "\n"
		case strings.HasPrefix(line, "| "):
			if !is(table) {
				next(block{kind: table})
			}
			var cells []string
			for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
				cells = append(cells, strings.TrimSpace(cell))
			}
			if strings.Trim(cells[0], "-:") != "" || len(last.rows) != 1 { // the line below the head
				last.rows = append(last.rows, cells)
			}
		default:
			if m := of.heading.FindStringSubmatch(line); m != nil {
				next(block{kind: heading, level: len(m[1]), text: m[2]})
			} else if m := of.item.FindStringSubmatch(line); m != nil {
				if !is(list) {
					start, _ := strconv.Atoi(m[1])
					next(block{kind: list, start: start})
				}
				last.items = append(last.items, m[2])
			} else {
				next(block{kind: paragraph, text: line})
			}
		}
	}
	return all
}

// spans are the parts of a text.
func spans(text string) (list []span) {
	end := 0
	for _, at := range expressions().mark.FindAllStringSubmatchIndex(text, -1) {
		if at[0] > end {
			list = append(list, span{"", text[end:at[0]]})
		}
		end = at[1]
		for i := 2; i < len(at); i += 2 {
			if at[i] >= 0 {
				list = append(list, span{text[at[0] : at[0]+1], text[at[i]:at[i+1]]})
			}
		}
	}
	if end < len(text) {
		list = append(list, span{"", text[end:]})
	}
	return list
}
