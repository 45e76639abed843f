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
	blank []bool   // lines without a text that something follows: whether they separate cells
	above int      // lines above the table that were left out
	begun bool     // a row was read
	plain bool     // a list of addresses alone, in which empty lines are nothing
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
	if bytes.HasPrefix(bytes.TrimSpace(head.text), []byte("|")) { // a table of Markdown
		choices = []rune{'|'}
	}
	switch {
	case head.fault != nil:
		head.fault.Text = "the header cannot be read: " + head.fault.Text
		return nil, head.fault
	case head.blank:
		if next, err := f.in.read(); err == nil {
			if rule, err := f.in.read(); err == nil {
				if next.fault == nil && bytes.HasPrefix(rule.text, []byte("--")) && isRule(rule) {
					return nil, fault(next.line, "delimiter.printed")
				}
				f.in.giveBack(rule)
			}
			f.in.giveBack(next)
		}
	case bytes.Contains(head.text, []byte("ClassId2e4f51ef21dd47e99d3c952918aff9cd")):
		return nil, fault(head.line, "columns.formatted")
	case bytes.IndexByte(head.text, 0) >= 0:
		return nil, fault(head.line, "encoding.header")
	}
	return f, f.heading(head, choices, wanted)
}

// maxAbove is how many lines may stand above the headings.
const maxAbove = 20

// heading finds the line that names the columns. In what people keep, a title, remarks or the
// particulars of a report stand above it.
func (f *csvFile) heading(head record, choices []rune, wanted []string) error {
	known := map[string]bool{}
	for _, w := range wanted {
		known[fold(w)] = w != ""
	}
	isKnown := func(name string) bool { return known[fold(name)] || namesAddresses(name) }
	above, most := []record{head}, 0 // the most cells with a text in one of them
	for limit := maxAbove; ; {
		rec := above[len(above)-1]
		score, err := f.split(rec, choices, known)
		switch first := len(above) == 1; {
		case err != nil:
		case isRule(rec) && len(bytes.Trim(rec.text, "- \r\n")) == 0 && bytes.Contains(bytes.TrimSpace(rec.text), []byte(" ")):
			return fault(rec.line, "delimiter.printed")
		case score < maxRecord && slices.ContainsFunc(f.names, isAddress) && limit == maxAbove && !isRemark(rec):
			return f.withoutHeading(above, choices)
		case first && score >= maxRecord, (first || filled(f.names) > most) && (score >= 2*maxRecord || slices.ContainsFunc(f.names, isKnown)):
			if !first || filled(f.names) == len(f.names) {
				return f.named(above)
			}
			limit = 2 // merged cells may have the headings of groups
		}
		// What is behind a record of several lines could not be read twice.
		next, end := record{}, error(io.EOF)
		if most = max(most, filled(f.names)); len(above) < limit && rec.lines < 2 && rec.fault == nil {
			next, end = f.in.read()
		}
		if end != nil {
			break
		}
		above = append(above, next)
	}
	f.giveBack(above[1:])
	if head.blank {
		return fault(head.line, "columns.header")
	}
	if score, err := f.split(head, choices, known); err != nil {
		return err
	} else if len(choices) > 1 && len(f.names) == 1 && score < maxRecord && strings.ContainsAny(f.names[0], "|^~") {
		return fault(head.line, "delimiter.header")
	}
	return f.named(above[:1])
}

// split finds what separates the cells of a line. Columns that are known count more than any
// number of others: a header can have commas inside its names.
func (f *csvFile) split(rec record, choices []rune, known map[string]bool) (best int, trouble error) {
	best, f.names = -1, nil
	for _, comma := range choices {
		names, err := f.cells(rec, comma)
		if err != nil {
			trouble = err
			continue
		}
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
		return best, trouble
	}
	if bars, err := f.cells(rec, '|'); err == nil && len(f.names) == 1 && slices.ContainsFunc(bars, func(c string) bool {
		return isAddress(c) || namesAddresses(c)
	}) {
		f.comma, f.names = '|', bars
	}
	return best, nil
}

// withoutHeading is for lines of which the last is a row with an address, and none has a known
// heading: the first of those above that has the most texts names the columns.
func (f *csvFile) withoutHeading(lines []record, choices []rune) error {
	row, comma, most, at := f.names, f.comma, 0, -1
	var names []string
	rows := slices.IndexFunc(lines, func(rec record) bool { return !isRemark(rec) && bytes.IndexByte(rec.text, '@') >= 0 })
	for i, rec := range lines[:rows] {
		if _, err := f.split(rec, choices, nil); err != nil || isRemark(rec) || filled(f.names) <= most {
			continue
		}
		cells, err := f.cells(lines[len(lines)-1], f.comma) // what separates the headings separates the rows
		if err == nil && len(cells) <= len(f.names) && filled(f.names) >= min(2, len(cells)) && slices.ContainsFunc(cells, isAddress) {
			most, at, names, comma = filled(f.names), i, f.names, f.comma
		}
	}
	f.comma, f.names = comma, row
	if at >= 0 {
		f.names = names
		f.giveBack(lines[at+1:])
		return f.named(lines[:at+1])
	}
	other := func(c string) bool { return !isAddress(c) && strings.TrimSpace(c) != "" }
	if len(row) > 1 && rows == len(lines)-1 && !slices.ContainsFunc(row, other) {
		if rest, err := f.in.read(); errors.Is(err, io.EOF) { // recipients, as Outlook writes them
			f.line = slices.DeleteFunc(slices.Clone(row), func(c string) bool { return strings.TrimSpace(c) == "" })
			f.names = []string{"column 1"}
			return nil
		} else if err == nil {
			f.in.giveBack(rest)
		}
	}
	for i := range f.names {
		f.names[i] = "column " + strconv.Itoa(i+1)
	}
	f.plain = len(f.names) == 1
	f.giveBack(lines[rows:])
	f.leaveOut(lines[:rows])
	return nil
}

// named takes the headings as they are, from the last of these lines.
func (f *csvFile) named(lines []record) error {
	f.leaveOut(lines[:len(lines)-1])
	for i := range f.names {
		f.names[i] = strings.TrimSpace(f.names[i])
	}
	return nil
}

// leaveOut remembers lines that are no part of the table.
func (f *csvFile) leaveOut(lines []record) {
	if slices.ContainsFunc(lines, func(rec record) bool { return !rec.blank && !isRemark(rec) }) {
		f.above = len(lines)
	}
}

func (f *csvFile) giveBack(list []record) {
	for _, rec := range slices.Backward(list) {
		f.in.giveBack(rec)
	}
}

// filled is how many cells have a text.
func filled(cells []string) (n int) {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			n++
		}
	}
	return n
}

// isRule says whether a line only underlines headings, as in tables of Markdown and of the
// clients of databases.
func isRule(rec record) bool {
	line := bytes.Contains(rec.text, []byte("--")) || bytes.Contains(rec.text, []byte("=="))
	return line && len(bytes.Trim(rec.text, "-|+:=,; \t\r\n")) == 0
}

// isRemark says whether a line is one as scripts have it. "#" alone is a heading of numbers.
func isRemark(rec record) bool {
	return len(rec.text) > 1 && rec.text[0] == '#' && bytes.IndexByte([]byte(",;\t|\""), rec.text[1]) < 0
}

func (f *csvFile) header() []string { return f.names }

func (f *csvFile) next() (Row, error) {
	if len(f.line) > 0 {
		cell := f.line[0]
		f.line = f.line[1:]
		return Row{Line: f.in.line - 1, Cells: []string{cell}}, nil
	}
	// Lines without a text are nothing at the end of the file, where Excel writes its separators for
	// many; between records they are rows.
	rec, err := f.in.read()
	for ; err == nil && (isEmpty(rec) || len(f.blank) == 0 && f.passes(rec)); rec, err = f.in.read() {
		if isEmpty(rec) && !f.plain {
			f.blank = append(f.blank, !rec.blank)
		}
	}
	if err != nil {
		return Row{}, err
	}
	f.begun = true
	row := Row{Line: rec.line}
	switch {
	case len(f.blank) > 0:
		row.Line, row.Cells = rec.line-len(f.blank), []string{""}
		if f.blank[0] {
			row.Cells = make([]string, len(f.names))
		}
		f.blank = f.blank[1:]
		f.in.giveBack(rec)
	case rec.fault != nil:
		return row, rec.fault
	default:
		if row.Cells, err = f.cells(rec, f.comma); err != nil {
			if rec.lines > 1 { // others have nothing left, and may have been read ahead
				f.in.retry(rec)
			}
			return row, err
		}
	}
	return row, f.width(&row)
}

// isEmpty says whether a line has nothing but what separates cells.
func isEmpty(rec record) bool {
	return rec.fault == nil && rec.lines < 2 && len(bytes.Trim(rec.text, ",;\t\" \r\n\x1a")) == 0
}

// passes says whether a line is no row: the rule under the headings, or a remark in a list.
func (f *csvFile) passes(rec record) bool {
	return !f.begun && isRule(rec) || len(f.names) == 1 && isRemark(rec)
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
