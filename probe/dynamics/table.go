package dynamics

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Table is a file with rows, read one at a time.
type Table struct {
	Header []string // the columns as the file names them
	// Needed is how many cells a row has at least; 0: as many as the header. Excel leaves out
	// separators behind the last filled cell of a row (KB 77295).
	Needed int
	source source
	first  *step // the first row, where somebody looked at it
	other  int   // cells that were read as Windows-1252

	mailbox *layout // where the columns of mailboxes are
	kinds   []int   // the columns with the kind of a recipient
	gone    []int   // those that say that it was deleted
}

// step is one result of a source.
type step struct {
	row Row
	err error
}

// peek looks at the first row. It waits for it.
func (t *Table) peek() (Row, error) {
	if t.first == nil {
		row, err := t.source.next()
		t.first = &step{row, err}
	}
	return t.first.row, t.first.err
}

func (t *Table) next() (Row, error) {
	if s := t.first; s != nil {
		t.first = nil
		return s.row, s.err
	}
	return t.source.next()
}

// Note is what the reader of the results should know of how the file was read,
// as far as it was; "" nothing.
func (t *Table) Note() string {
	var list []string
	if f, ok := t.source.(*csvFile); ok && f.above > 0 {
		list = append(list, "the table begins in line "+strconv.Itoa(f.above+1)+"; what stands above was left out")
	}
	if t.other > 0 {
		list = append(list, "the file is not UTF-8 throughout, so some cells were read as Windows-1252 (Western European); "+
			"if names look wrong, save it as \"CSV UTF-8\"")
	}
	return strings.Join(list, "; ")
}

// Row is one row of data.
type Row struct {
	Line  int      // on which it starts, the header being line 1
	Cells []string // as in the file, one for each column of the header

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
	// read. Another error ends the file.
	next() (Row, error)
}

// Open reads the header of a CSV file, or the first object of a JSON file.
// Names in wanted help to tell which character separates the columns, beside
// the ones of Dynamics' own tables. An error is an *Error, or one of reading.
func Open(r io.Reader, wanted ...string) (*Table, error) {
	// A byte order mark decides; without one it is UTF-8, or UTF-16 by its zero bytes.
	in := bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(encoding.Nop.NewDecoder())), 64<<10)
	text, err := beginning(in)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(text) > 1 && (text[0] == 0) != (text[1] == 0) {
		order := unicode.LittleEndian
		if text[0] == 0 {
			order = unicode.BigEndian
		}
		in = bufio.NewReaderSize(transform.NewReader(in, unicode.UTF16(order, unicode.IgnoreBOM).NewDecoder()), 64<<10)
		if text, err = beginning(in); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	var s source
	for _, kind := range signatures {
		if bytes.HasPrefix(text, []byte(kind[0])) && bytes.Contains(text, []byte(kind[1])) {
			return nil, fault(0, kind[2])
		}
	}
	switch {
	case isMarkup(text):
		return nil, fault(0, "encoding.markup")
	case isRecords(text):
		return nil, fault(0, "delimiter.properties")
	case bytes.HasPrefix(text, []byte("**********")):
		return nil, fault(0, "delimiter.transcript")
	case len(text) == 0 && err != nil:
		return nil, fault(0, "empty.file")
	case len(text) > 0 && (text[0] == '{' || text[0] == '['):
		s, err = openJSON(in)
	default:
		s, err = openCSV(in, wanted)
	}
	if err != nil {
		return nil, err
	}
	t := &Table{Header: s.header(), source: s}
	t.decode(t.Header)
	return t, nil
}

// signatures are how files begin that are no tables, what else is near their beginning, and
// the name of the fault.
var signatures = [][3]string{
	{"PK\x03\x04", ".csv", "encoding.archive"},
	{"PK\x03\x04", ".json", "encoding.archive"},
	{"PK\x03\x04", "", "encoding.workbook"},
	{"\x1f\x8b", "", "encoding.archive"}, // RFC 1952 2.3.1
	{"\xd0\xcf\x11\xe0", "", "encoding.workbook"},
	{`{\rtf`, "", "encoding.document"},
	{"%PDF-", "", "encoding.document"},
	{"HTTP/", "\n", "encoding.answer"}, // as curl -i prints it
}

// isMarkup says whether a file begins as XML does (a sheet saved as XML, the output
// of Export-Clixml, the result of a query) or a page.
func isMarkup(text []byte) bool {
	return len(text) > 1 && text[0] == '<' && (strings.IndexByte("?!", text[1]) >= 0 || text[1]|0x20 >= 'a' && text[1]|0x20 <= 'z')
}

// isRecords says whether a file has a line for each property, as Format-List of
// PowerShell ("Name : Anna") and LDIF (RFC 2849, "dn: cn=Anna") write it.
func isRecords(text []byte) bool {
	first, _, _ := strings.Cut(string(text), "\n")
	if low := strings.ToLower(first); strings.HasPrefix(low, "dn:") || strings.HasPrefix(low, "version: 1") {
		return true
	}
	property := func(line string) bool {
		name, _, found := strings.Cut(line, " : ")
		return found && !strings.ContainsAny(name, ",;\t\"")
	}
	if strings.ContainsAny(first, ",;\t") && !property(first) {
		return false
	}
	count := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		if property(line) {
			count++
		}
	}
	return property(first) && count > 1 || count > 2
}

// beginning is what comes first, without the blanks before it. It waits for no
// more: the rest of a pipe may be long in coming.
func beginning(in *bufio.Reader) ([]byte, error) {
	for n := 1; ; n++ {
		_, err := in.Peek(n)
		n = max(n, min(in.Buffered(), 1<<10))
		start, _ := in.Peek(n)
		if text := bytes.TrimLeft(start, " \t\r\n"); len(text) > 0 || n >= 1<<10 || err != nil {
			return text, err
		}
	}
}

// Empty says whether there is no row. It waits for the first.
func (t *Table) Empty() bool {
	_, err := t.peek()
	return errors.Is(err, io.EOF)
}

// More says whether the file, as far as it was read, is one page of an answer
// that has others.
func (t *Table) More() bool {
	f, ok := t.source.(*jsonFile)
	return ok && f.more.Load()
}

// Rows yields the rows, each with what is wrong with it: an *Error with its
// line where it cannot be read, after which the next row comes; another error
// where the file cannot be read on. It can be ranged over once.
func (t *Table) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for {
			row, err := t.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = t.checkText(row)
			}
			var own *Error
			if errors.As(err, &own) && row.Line == 0 {
				row.Line = own.Line
			}
			if own != nil && own.Problem == "too-narrow" && t.Needed > 0 && len(row.Cells) >= t.Needed {
				row.Cells, err = append(row.Cells, make([]string, len(t.Header)-len(row.Cells))...), nil
			}
			t.decode(row.Cells)
			if !yield(row, err) || err != nil && !errors.As(err, &own) {
				return
			}
		}
	}
}

// checkText refuses a NUL, which is in no table: the row is damaged, wherever it
// stands.
func (t *Table) checkText(row Row) error {
	for i, cell := range row.Cells {
		if strings.IndexByte(cell, 0) < 0 {
			continue
		}
		e := fault(row.Line, "encoding.nul")
		if i < len(t.Header) {
			e.Column = t.Header[i]
		}
		return e
	}
	return nil
}

// decode reads cells that are no UTF-8 as Windows-1252: Excel's plain "CSV" is in
// the code page of the machine that wrote it, and that is the usual one.
func (t *Table) decode(cells []string) {
	for i, cell := range cells {
		if !utf8.ValidString(cell) {
			t.other++
			cells[i], _ = charmap.Windows1252.NewDecoder().String(cell) // every byte is a character
		}
	}
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

// fold makes names comparable: no case, no spaces of any kind, and no note behind, as
// in "Email Address [Required]" of Google's admin console and "Initial password
// [passwordProfile] Required" of Entra's.
func fold(s string) string {
	if i := strings.LastIndex(s, " ["); i > 0 && strings.Contains(s[i:], "]") {
		s = s[:i]
	}
	return strings.Join(strings.Fields(strings.ToLower(s)), "")
}

// hidden columns are what an Excel export needs to be imported again.
func hidden(header string) bool { return strings.HasPrefix(fold(header), "(donotmodify)") }
