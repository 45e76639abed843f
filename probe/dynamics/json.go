package dynamics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// formatted is the annotation that brings the label of an option value
// (https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/select-columns).
const formatted = "@OData.Community.Display.V1.FormattedValue"

// jsonFile is an answer of the Web API: one object, {"value": [...]}, or the
// list alone, as some tools save it. The columns are those of the first object.
type jsonFile struct {
	in      *lineReader
	decoder *json.Decoder
	names   []string
	first   *Row
	list    bool // inside a list
	nested  bool // the list is the value of an object
	entity  string
	done    bool
	more    atomic.Bool // the answer has further pages
}

func openJSON(r io.Reader) (*jsonFile, error) {
	f := &jsonFile{in: &lineReader{in: r}}
	f.decoder = json.NewDecoder(f.in)
	f.in.decoder = f.decoder
	start, err := f.decoder.Token()
	if err != nil {
		return nil, f.damaged(err)
	}
	var alone []member
	if start == json.Delim('{') {
		if alone, err = f.members(); err != nil {
			return nil, err
		}
		f.nested = f.list
	} else {
		f.list = true
	}
	if !f.list { // the object is the row
		if err := f.end(); err != nil {
			return nil, err
		}
		if err := refused(alone); err != nil {
			return nil, err
		}
		f.done = true
		row := f.row(alone, 1)
		f.first = &row
		return f, nil
	}
	row, _, err := f.read()
	if errors.Is(err, io.EOF) {
		return nil, fault(0, Empty, "the file holds an empty list")
	}
	if err != nil {
		return nil, err
	}
	f.first = &row
	return f, nil
}

func (f *jsonFile) header() []string { return f.names }

func (f *jsonFile) next() (Row, bool, error) {
	if f.first != nil {
		row := *f.first
		f.first = nil
		return row, false, nil
	}
	if f.done {
		return Row{}, true, io.EOF
	}
	return f.read()
}

// read returns the next row of the list.
func (f *jsonFile) read() (Row, bool, error) {
	if !f.decoder.More() {
		f.done = true
		if _, err := f.decoder.Token(); err != nil {
			return Row{}, true, f.damaged(err)
		}
		if f.nested {
			if _, err := f.members(); err != nil {
				return Row{}, true, err
			}
		}
		if err := f.end(); err != nil {
			return Row{}, true, err
		}
		return Row{}, true, io.EOF
	}
	var raw json.RawMessage
	if err := f.decoder.Decode(&raw); err != nil {
		f.done = true
		return Row{}, true, f.damaged(err)
	}
	line := f.in.lineAt(f.decoder.InputOffset() - int64(len(raw)))
	if raw[0] != '{' {
		return Row{Line: line}, false, fault(line, BadJSON, "the list holds something that is no object; save the answer of the Web API as it is")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token()
	list, err := pairs(d, line)
	if err != nil {
		return Row{Line: line}, false, err
	}
	return f.row(list, line), false, nil
}

// member is a name and its value.
type member struct {
	name  string
	value json.RawMessage
}

// members reads the members of the outermost object, up to its end or into the
// list of rows.
func (f *jsonFile) members() ([]member, error) {
	var list []member
	for f.decoder.More() {
		name, err := f.decoder.Token()
		if err != nil {
			return nil, f.damaged(err)
		}
		if name == "value" && !f.list {
			value, err := f.decoder.Token()
			switch {
			case err != nil:
				return nil, f.damaged(err)
			case value == json.Delim('['):
				f.list = true
				return nil, nil
			case value == json.Delim('{'):
				return nil, fault(f.in.lineAt(f.decoder.InputOffset()), BadJSON, "its \"value\" is no list; save the answer of the Web API as it is")
			}
			continue // a column of another table
		}
		m := member{name: fmt.Sprint(name)}
		if err := f.decoder.Decode(&m.value); err != nil {
			return nil, f.damaged(err)
		}
		switch strings.ToLower(m.name) {
		case "@odata.context":
			f.entity = entityOf(m.value)
		case "@odata.nextlink", "odata.nextlink", "@nextlink":
			f.more.Store(f.more.Load() || textOf(m.value) != "")
		case "@microsoft.dynamics.crm.morerecords":
			f.more.Store(f.more.Load() || string(m.value) == "true")
		}
		if len(list) < maxMembers {
			list = append(list, m)
		}
	}
	if _, err := f.decoder.Token(); err != nil {
		return nil, f.damaged(err)
	}
	return list, nil
}

// refused is the error that the Web API answered in the place of rows.
func refused(alone []member) error {
	for _, m := range alone {
		var answer struct{ Code, Message string }
		if m.name != "error" || scalar(m.value) || json.Unmarshal(m.value, &answer) != nil || answer.Message == "" {
			continue
		}
		said := []rune(answer.Message)
		if len(said) > mostSaid {
			said = append(said[:mostSaid], '…')
		}
		text := "the file holds no rows but an error of the Web API: " + strconv.Quote(string(said))
		if answer.Code != "" {
			text += " (code " + quote(answer.Code) + ")"
		}
		return fault(0, BadJSON, "%s; mend the query, and save its answer", text)
	}
	return nil
}

// mostSaid is how much of a message is repeated, in characters.
const mostSaid = 300

// maxMembers is far above the columns of any table of Dynamics, each with its
// annotations.
const maxMembers = 5000

func pairs(d *json.Decoder, line int) ([]member, error) {
	var list []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fault(line, BadJSON, "the object is no JSON")
		}
		m := member{name: fmt.Sprint(name)}
		if err := d.Decode(&m.value); err != nil {
			return nil, fault(line, BadJSON, "the object is no JSON")
		}
		if len(list) == maxMembers {
			return nil, fault(line, TooLong, "the object has more than %d members; is it the right file?", maxMembers)
		}
		list = append(list, m)
	}
	return list, nil
}

// end makes sure that nothing follows.
func (f *jsonFile) end() error {
	if _, err := f.decoder.Token(); !errors.Is(err, io.EOF) {
		return fault(f.in.lineAt(f.decoder.InputOffset()), BadJSON, "something follows the JSON; save one answer of the Web API in a file")
	}
	return nil
}

// damaged says why reading ended.
func (f *jsonFile) damaged(err error) error {
	// The decoder stands behind the last thing that was in order.
	ahead, _ := io.ReadAll(f.decoder.Buffered())
	line := f.in.lineAt(f.decoder.InputOffset() + int64(len(ahead)-len(bytes.TrimLeft(ahead, " \t\r\n,:"))))
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errRecordTooLong):
		return fault(line, TooLong, "a value is longer than 1 MiB; is it the right file?")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault(line, BadJSON, "the JSON ends too early; save it again")
	case errors.As(err, &syntax):
		return fault(line, BadJSON, "this is no JSON; save the answer of the Web API as it is")
	}
	return err
}

// row makes a row of an object: its scalar members in the order of the first.
func (f *jsonFile) row(list []member, line int) Row {
	if f.names == nil {
		f.names = []string{}
		for _, m := range list {
			if !strings.Contains(m.name, "@") && scalar(m.value) && !slices.Contains(f.names, m.name) {
				f.names = append(f.names, m.name)
			}
		}
	}
	at := make(map[string]int, len(f.names))
	for i, n := range f.names {
		at[n] = i
	}
	row := Row{Line: line, Cells: make([]string, len(f.names)), labels: make([]string, len(f.names))}
	for _, m := range list {
		name, annotation, annotated := strings.Cut(m.name, "@")
		if m.name == "@odata.type" || m.name == "@odata.context" {
			f.entity = entityOf(m.value)
		}
		i, ok := at[name]
		switch {
		case !ok:
		case !annotated:
			row.Cells[i] = textOf(m.value)
		case strings.EqualFold("@"+annotation, formatted):
			row.labels[i] = textOf(m.value)
		}
	}
	return row
}

func scalar(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] != '{' && raw[0] != '[' }

// textOf is a scalar as a cell of a CSV file would have it.
func textOf(raw json.RawMessage) string {
	switch {
	case !scalar(raw) || string(raw) == "null":
		return ""
	case raw[0] == '"':
		var s string
		_ = json.Unmarshal(raw, &s)
		return s
	}
	return string(raw)
}

// entityOf is the set of tables that a context names: "mailboxes" in
// https://org.crm.dynamics.com/api/data/v9.2/$metadata#mailboxes(name)/$entity,
// or the type in #Microsoft.Dynamics.CRM.mailbox.
func entityOf(raw json.RawMessage) string {
	_, name, _ := strings.Cut(textOf(raw), "#")
	name = strings.TrimPrefix(name, "Microsoft.Dynamics.CRM.")
	if i := strings.IndexAny(name, "(/"); i >= 0 {
		name = name[:i]
	}
	return strings.ToLower(name)
}

// lineReader tells on which line an offset is, and keeps the decoder from
// reading further ahead than one record.
type lineReader struct {
	in      io.Reader
	decoder *json.Decoder
	read    int64
	line    int     // line ends before those in ends
	ends    []int64 // offsets of line ends that were read and not yet asked for
}

var errRecordTooLong = errors.New("record too long")

func (r *lineReader) Read(p []byte) (int, error) {
	if r.decoder != nil && r.read-r.decoder.InputOffset() > maxRecord {
		return 0, errRecordTooLong
	}
	n, err := r.in.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			r.ends = append(r.ends, r.read+int64(i))
		}
	}
	r.read += int64(n)
	return n, err
}

// lineAt is the number of the line at an offset; offsets come in order.
func (r *lineReader) lineAt(offset int64) int {
	done := 0
	for done < len(r.ends) && r.ends[done] < offset {
		done++
	}
	r.line += done
	r.ends = r.ends[done:]
	return r.line + 1
}
