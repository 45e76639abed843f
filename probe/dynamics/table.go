package dynamics

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Table is a file with rows, read one at a time.
type Table struct {
	Header []string // the columns as the file names them
	source source
	number int
}

// Row is one row of data.
type Row struct {
	Number int      // counts rows of data from 1, those that cannot be read too
	Line   int      // on which it starts, the header being line 1
	Cells  []string // as in the file, one for each column of the header

	labels []string // of option values, where JSON brings them
}

// label is the label of a cell's option value, "" where the file has none.
func (r Row) label(column int) string {
	if column < len(r.labels) {
		return r.labels[column]
	}
	return ""
}

// source is a format.
type source interface {
	header() []string
	// next returns io.EOF at the end, and an *Error for a row that cannot be
	// read. Another error, and one with last, ends the file.
	next() (row Row, last bool, err error)
}

// Open reads the header of a CSV file, or the first object of a JSON file.
// Names in wanted help to tell which character separates the columns, beside
// the ones of Dynamics' own tables. An error is an *Error, or one of reading.
func Open(r io.Reader, wanted ...string) (*Table, error) {
	// A byte order mark decides; without one it has to be UTF-8.
	in := bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(encoding.Nop.NewDecoder())), 64<<10)
	start, err := in.Peek(1 << 10)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	text := bytes.TrimLeft(start, " \t\r\n")
	var s source
	switch {
	case len(text) == 0 && len(start) < 1<<10:
		return nil, fault(0, Empty, "the file is empty")
	case bytes.IndexByte(text, 0) >= 0:
		return nil, fault(1, BadEncoding, "this is neither UTF-8 nor UTF-16 with a byte order mark; save it as \"CSV UTF-8\"")
	case len(text) > 0 && (text[0] == '{' || text[0] == '['):
		s, err = openJSON(in)
	default:
		s, err = openCSV(in, wanted)
	}
	if err != nil {
		return nil, err
	}
	return &Table{Header: s.header(), source: s}, nil
}

// Rows yields the rows, each with what is wrong with it: an *Error with its
// line where it cannot be read, after which the next row comes; another error
// where the file cannot be read on. It can be ranged over once.
func (t *Table) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for {
			row, last, err := t.source.next()
			if errors.Is(err, io.EOF) {
				return
			}
			t.number++
			row.Number = t.number
			if err == nil {
				err = checkText(row, t.Header)
			}
			if !yield(row, err) || last {
				return
			}
			var own *Error
			if err != nil && !errors.As(err, &own) {
				return
			}
		}
	}
}

// checkText refuses bytes that are no text: Excel's plain "CSV" is in the code
// page of the machine that wrote it, and reading it as another makes other
// names of it.
func checkText(row Row, header []string) error {
	for i, cell := range row.Cells {
		if !utf8.ValidString(cell) {
			e := fault(row.Line, BadEncoding, "this is neither UTF-8 nor UTF-16 with a byte order mark; save it as \"CSV UTF-8\"")
			if i < len(header) {
				e.Column = header[i]
			}
			return e
		}
	}
	return nil
}

// Column finds a column by its name, without regard to case and spaces. The
// hidden columns of Excel exports are not found.
func (t *Table) Column(name string) (int, bool) {
	for i, h := range t.Header {
		if fold(h) == fold(name) && !hidden(h) {
			return i, true
		}
	}
	return 0, false
}

// fold makes names comparable: no case, no spaces of any kind.
func fold(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), "") }

// hidden columns are what an Excel export needs to be imported again.
func hidden(header string) bool { return strings.HasPrefix(fold(header), "(donotmodify)") }
