package dynamics

import (
	"bytes"
	"cmp"
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// column is one of a table of Dynamics: its display names, and the options of an
// option column by their numbers, each with its label first.
type column struct {
	Names   []string
	Options [][]string
}

//go:embed text/columns.yaml
var columnsFile []byte

// tables are the known columns and words, and the logical names of their folded names.
type tables struct {
	Profile, Mailbox                                  map[string]column
	Addresses                                         map[string]int
	Passwords, Kinds, Gone, Sets, Containers, Yes, No []string
	profileIndex, mailboxIndex                        map[string]string
}

var knownColumns = sync.OnceValue(func() *tables {
	k := &tables{}
	d := yaml.NewDecoder(bytes.NewReader(columnsFile))
	d.KnownFields(true)
	if err := d.Decode(k); err != nil { // a test reads it
		panic(err)
	}
	k.profileIndex, k.mailboxIndex = index(k.Profile), index(k.Mailbox)
	return k
})

// index maps folded names to logical ones.
func index(columns map[string]column) map[string]string {
	m := map[string]string{}
	for logical, c := range columns {
		m[logical] = logical
		for _, n := range c.Names {
			m[fold(n)] = logical
		}
	}
	return m
}

// knownColumn says whether a header is one of Dynamics' own.
func knownColumn(header string) bool {
	name := fold(header)
	_, ofProfile := knownColumns().profileIndex[name]
	_, ofMailbox := knownColumns().mailboxIndex[name]
	return ofProfile || ofMailbox || hidden(header)
}

// layout is where the known columns of a table are.
type layout struct {
	header []string
	at     map[string]int
}

// arrange finds the known columns. One that is there twice is an error: which
// of the two counts cannot be known. The Web API brings a lookup's identifier
// and, from views, its name: the first is meant.
func arrange(header []string, names map[string]string) (layout, error) {
	l := layout{header: header, at: map[string]int{}}
	for i, h := range header {
		logical, ok := names[fold(h)]
		if !ok { // of an object in the row
			logical, ok = names[fold(h[strings.LastIndex(h, ".")+1:])]
		}
		if !ok || hidden(h) {
			continue
		}
		if first, twice := l.at[logical]; twice {
			if logical == "emailserverprofile" {
				continue
			}
			e := fault(1, "columns.twice", quote(header[first]))
			e.Column = h
			return l, e
		}
		l.at[logical] = i
	}
	return l, nil
}

// cell is the value of a known column without spaces around it, "" where the
// file does not have the column.
func (l layout) cell(row Row, logical string) string {
	i, ok := l.at[logical]
	if !ok || i >= len(row.Cells) {
		return ""
	}
	return strings.TrimSpace(row.Cells[i])
}

func (l layout) label(row Row, logical string) string {
	if i, ok := l.at[logical]; ok {
		return strings.TrimSpace(row.label(i))
	}
	return ""
}

// option reads a value of an option column: a number, or an English label. A
// number that is not in the list is one that Dynamics added later: it keeps the
// label that the file gives it.
func option(value, label string, options [][]string) (*evidence.Option, bool) {
	if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < 1<<31-1 {
		if n < len(options) {
			return &evidence.Option{Number: n, Label: options[n][0]}, true
		}
		return &evidence.Option{Number: n, Label: bounded(cmp.Or(label, "option "+value), maxName)}, true
	}
	for n, names := range options {
		if slices.ContainsFunc(names, func(name string) bool { return fold(name) == fold(value) }) {
			return &evidence.Option{Number: n, Label: names[0]}, true
		}
	}
	return nil, false
}
