package dynamics

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// csvFile is a CSV file. encoding/csv takes a record apart; where it begins and
// ends is decided before (records), so that a damaged one does not take others
// with it.
type csvFile struct {
	in    *records
	text  bufio.Reader // of a record, for encoding/csv, which else makes one for each
	comma rune
	names []string
	blank int      // empty lines that something follows
	line  []string // what is left of addresses that all stand in one line
}

// The characters that separate columns: Excel takes the one of the country.
var delimiters = []rune{',', ';', '\t'}

// named is the character that Excel's first line names, as in sep=; without
// being a row.
func named(first record) (comma rune, ok bool) {
	text := strings.Trim(strings.TrimRight(string(first.text), "\r\n"), `"`)
	if len(text) < 5 || !strings.EqualFold(text[:4], "sep=") {
		return 0, false
	}
	comma, size := utf8.DecodeRuneInString(text[4:])
	// Excel itself fills the line up with more of them when it saves the file.
	if strings.Trim(text[4+size:], ",;\t") != "" || strings.ContainsRune("\"\r\n\x00\ufffd", comma) {
		return 0, false
	}
	return comma, true
}

// onlyReturns says whether lines end with a carriage return alone, as those of
// Excel for the Mac do: in the header, outside of quotes, there is one that
// nothing but a further one follows.
func onlyReturns(in *bufio.Reader) bool {
	quoted, returned := false, false
	for i := 1; ; i++ {
		text, err := in.Peek(i)
		if err != nil {
			return false
		}
		switch c := text[i-1]; {
		case !quoted && c == '\r':
			returned = true
		case returned || !quoted && c == '\n':
			return c != '\n'
		case c == '"':
			quoted = !quoted
		}
	}
}

// returns makes line ends of carriage returns.
type returns struct{ io.Reader }

func (r returns) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	for i, c := range p[:n] {
		if c == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

func openCSV(in *bufio.Reader, wanted []string) (*csvFile, error) {
	if onlyReturns(in) {
		in = bufio.NewReader(returns{in})
	}
	f := &csvFile{in: newRecords(in)}
	head, err := f.in.read()
	if err != nil {
		return nil, err
	}
	choices := delimiters
	below := func(name string) (err error) {
		if head, err = f.in.read(); errors.Is(err, io.EOF) {
			return fault(0, name)
		}
		return err
	}
	// Export-Csv of Windows PowerShell names the type first (-NoTypeInformation
	// leaves it out).
	if bytes.HasPrefix(head.text, []byte("#TYPE ")) {
		if err := below("empty.below-type"); err != nil {
			return nil, err
		}
	}
	if comma, ok := named(head); ok {
		choices = []rune{comma}
		if err := below("empty.below-sep"); err != nil {
			return nil, err
		}
	}
	if bytes.HasPrefix(bytes.TrimSpace(head.text), []byte("|")) {
		// A table of Markdown, with a rule under its heading.
		choices = []rune{'|'}
		if rule, err := f.in.read(); err == nil && len(bytes.Trim(rule.text, "|:- \r\n")) > 0 {
			f.in.giveBack(rule)
		}
	}
	switch {
	case head.fault != nil:
		head.fault.Text = "the header cannot be read: " + head.fault.Text
		return nil, head.fault
	case head.blank:
		if next, err := f.in.read(); err == nil && next.fault == nil && printedTable(f.in) {
			return nil, fault(next.line, "delimiter.printed")
		}
		return nil, fault(head.line, "columns.header")
	case bytes.Contains(head.text, []byte("ClassId2e4f51ef21dd47e99d3c952918aff9cd")):
		return nil, fault(head.line, "columns.formatted")
	case bytes.IndexByte(head.text, 0) >= 0:
		return nil, fault(head.line, "encoding.header")
	}
	known := map[string]bool{}
	for _, w := range wanted {
		known[fold(w)] = true
	}
	best := -1
	var trouble error
	for _, comma := range choices {
		names, err := f.cells(head, comma)
		if err != nil {
			trouble = err
			continue
		}
		// Columns that are known count more than any number of others: a
		// header can have commas inside its names.
		score := len(names)
		for _, n := range names {
			if known[fold(n)] || knownColumn(n) {
				score += maxRecord
			}
		}
		if score > best {
			best, f.comma, f.names = score, comma, names
		}
	}
	if best < 0 {
		return nil, trouble
	}
	if bars, err := f.cells(head, '|'); err == nil && len(f.names) == 1 && slices.ContainsFunc(bars, func(c string) bool {
		return isAddress(c) || namesAddresses(c)
	}) {
		f.comma, f.names = '|', bars
	}
	if len(choices) > 1 && len(f.names) == 1 && best < maxRecord && strings.ContainsAny(f.names[0], "|^~") {
		return nil, fault(head.line, "delimiter.header")
	}
	if best < maxRecord && slices.ContainsFunc(f.names, isAddress) {
		if all := f.names; len(all) > 1 && !slices.ContainsFunc(all, func(c string) bool { return !isAddress(c) && strings.TrimSpace(c) != "" }) {
			if rest, err := f.in.read(); errors.Is(err, io.EOF) { // recipients, as Outlook writes them
				f.line = slices.DeleteFunc(slices.Clone(all), func(c string) bool { return strings.TrimSpace(c) == "" })
				f.names = []string{"column 1"}
				return f, nil
			} else if err == nil {
				f.in.giveBack(rest)
			}
		}
		// The file has no header: its first line is a row.
		for i := range f.names {
			f.names[i] = "column " + strconv.Itoa(i+1)
		}
		f.in.giveBack(head)
		return f, nil
	}
	for i := range f.names {
		f.names[i] = strings.TrimSpace(f.names[i])
	}
	return f, nil
}

// printedTable says whether the next line is the rule under the headings of a
// table that PowerShell prints.
func printedTable(in *records) bool {
	rule, err := in.read()
	return err == nil && bytes.HasPrefix(rule.text, []byte("--")) && len(bytes.Trim(rule.text, "- \r\n")) == 0
}

func (f *csvFile) header() []string { return f.names }

func (f *csvFile) next() (Row, error) {
	if len(f.line) > 0 {
		cell := f.line[0]
		f.line = f.line[1:]
		return Row{Line: f.in.line - 1, Cells: []string{cell}}, nil
	}
	// Empty lines at the end of the file are nothing; between records they are rows.
	rec, err := f.in.read()
	for ; err == nil && rec.blank; rec, err = f.in.read() {
		f.blank++
	}
	if err != nil {
		return Row{}, err
	}
	row := Row{Line: rec.line}
	switch {
	case f.blank > 0: // a row with one empty cell
		row.Line, row.Cells = rec.line-f.blank, []string{""}
		f.blank--
		f.in.giveBack(rec)
	case rec.fault != nil:
		return row, rec.fault
	default:
		if row.Cells, err = f.cells(rec, f.comma); err != nil {
			f.in.retry(rec)
			return row, err
		}
	}
	return row, f.width(&row)
}

// width says whether a row is as wide as the header. Columns without a name may lack their
// cells: they come of a separator at the end of the header.
func (f *csvFile) width(row *Row) error {
	for len(row.Cells) < len(f.names) && strings.Join(f.names[len(row.Cells):], "") == "" {
		row.Cells = append(row.Cells, "")
	}
	have, want := len(row.Cells), len(f.names)
	switch {
	case have > want:
		return fault(row.Line, "too-wide.row", have, want, f.delimiterName())
	case have < want:
		e := fault(row.Line, "too-narrow.row", have, want)
		e.Column = f.names[have]
		return e
	}
	return nil
}

func (f *csvFile) delimiterName() string {
	if name := map[rune]string{',': "a comma", ';': "a semicolon", '\t': "a tab"}[f.comma]; name != "" {
		return name
	}
	return quote(string(f.comma))
}

// cells takes a record apart.
func (f *csvFile) cells(rec record, comma rune) ([]string, error) {
	f.text.Reset(bytes.NewReader(rec.text))
	r := csv.NewReader(&f.text)
	r.Comma, r.FieldsPerRecord = comma, -1
	list, err := r.Read()
	var bad *csv.ParseError
	if errors.As(err, &bad) && rec.lines < 2 && comma != '\t' {
		f.text.Reset(bytes.NewReader(unpadded(rec.text, comma)))
		r = csv.NewReader(&f.text)
		r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace = comma, -1, true
		list, err = r.Read()
	}
	switch {
	case errors.As(err, &bad):
		return nil, fault(rec.line, "quote.inside")
	case errors.Is(err, io.EOF):
		return []string{""}, nil
	case err != nil:
		return nil, err
	}
	return slices.Clip(list), nil
}

// unpadded is a record without the blanks between the closing quote of a cell and what
// separates it from the next. RFC 4180 has none, and who fills up columns writes them.
func unpadded(text []byte, comma rune) (tight []byte) {
	quoted := false
	for i := 0; i < len(text); i++ {
		tight = append(tight, text[i])
		if text[i] != '"' {
			continue
		}
		rest := bytes.TrimLeft(text[i+1:], " ")
		if quoted = !quoted; !quoted && (len(rest) == 0 || bytes.HasPrefix(rest, []byte(string(comma))) || rest[0] == '\r' || rest[0] == '\n') {
			i = len(text) - len(rest) - 1
		}
	}
	return tight
}
