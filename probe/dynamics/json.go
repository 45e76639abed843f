package dynamics

import (
	"bytes"
	"cmp"
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

// jsonFile is what tools save: an answer of the Web API (one object, or
// {"value": [...]}), the list alone, the answer inside the body that a flow or a
// script keeps it in, or one object a line. Objects inside a row are columns of it.
type jsonFile struct {
	in      *lineReader
	decoder *json.Decoder
	names   []string
	at      map[string]int
	ahead   []object // read to learn the columns
	list    bool     // inside the list of rows
	depth   int      // objects that the list is in
	lines   bool     // objects follow one another without a list
	entity  string
	done    bool
	pair    *object           // of the next row, where rows are given as pairs
	inner   []json.RawMessage // of the members of a group, or of an answer in a batch of answers
	line    int               // the line of the object that they stand in
	more    atomic.Bool       // the answer has further pages
}

// object is a row before the columns are known.
type object struct {
	members []member
	line    int
}

// member is a name and its scalar value, in text.
type member struct{ name, text string }

// What is read at most before the columns are fixed: an object may lack a member
// that the next one has (FetchXML leaves out what is empty).
const (
	aheadObjects = 1000
	aheadBytes   = 4 << 20
)

const deepest = 16 // objects inside one another

func openJSON(r io.Reader) (*jsonFile, error) {
	f := &jsonFile{in: &lineReader{in: r}, at: map[string]int{}}
	f.decoder = json.NewDecoder(f.in)
	f.decoder.UseNumber()
	f.in.decoder = f.decoder
	start, err := f.decoder.Token()
	if err != nil {
		return nil, f.damaged(err)
	}
	if start == json.Delim('[') {
		f.list = true
	} else {
		alone, err := f.outer("", 1)
		if err != nil {
			return nil, err
		}
		if !f.list { // the object is a row
			if err := refused(alone); err != nil {
				return nil, err
			}
			f.lines = true
			f.add(object{alone, 1})
			return f, nil
		}
	}
	for size := int64(0); len(f.ahead) < aheadObjects && size < aheadBytes; {
		o, bad, err := f.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if bad && len(f.ahead) > 0 {
				f.ahead = append(f.ahead, object{nil, o.line}) // told in its turn
				continue
			}
			return nil, err
		}
		f.add(o)
		size = f.decoder.InputOffset()
		if f.addressed() {
			break
		}
	}
	if len(f.ahead) == 0 {
		return nil, fault(0, "empty.list")
	}
	return f, nil
}

// add keeps an object for later and learns its columns.
func (f *jsonFile) add(o object) {
	f.ahead = append(f.ahead, o)
	for _, m := range o.members {
		if _, known := f.at[m.name]; !known && !strings.Contains(m.name, "@") && len(f.names) < maxMembers {
			f.at[m.name] = len(f.names)
			f.names = append(f.names, m.name)
		}
	}
}

// addressed says whether a column of addresses is known.
func (f *jsonFile) addressed() bool {
	return slices.ContainsFunc(f.names, namesAddresses)
}

func (f *jsonFile) header() []string { return f.names }

func (f *jsonFile) next() (Row, error) {
	if len(f.ahead) > 0 {
		o := f.ahead[0]
		f.ahead = f.ahead[1:]
		if o.members == nil {
			return Row{Line: o.line}, fault(o.line, "json.element")
		}
		return f.row(o), nil
	}
	o, _, err := f.read()
	if err != nil {
		return Row{Line: o.line}, err
	}
	if schema, _ := o.text("schema"); strings.HasPrefix(schema, "ewsprobe/summary/") {
		return f.next() // the results of a batch end with one
	}
	return f.row(o), nil
}

// read returns the next row: an object, or the pairs of Key and Value that some tools
// write one after another, up to a key that is there already. bad says that only this
// row cannot be read.
func (f *jsonFile) read() (row object, bad bool, err error) {
	for !f.done || f.pair != nil {
		o := object{}
		if f.pair != nil {
			o, f.pair = *f.pair, nil
		} else if o, bad, err = f.object(); err != nil {
			if errors.Is(err, io.EOF) && row.members != nil {
				return row, false, nil
			}
			return o, bad, err
		}
		key, is := o.text("Key")
		value, both := o.text("Value")
		is = is && !slices.ContainsFunc(o.members, func(m member) bool { return namesAddresses(m.name) })
		_, there := row.text(key)
		switch {
		case row.members != nil && (!is || !both || there):
			f.pair = &o
			return row, false, nil
		case !is || !both:
			return o, false, nil
		}
		row.members, row.line = append(row.members, member{key, value}), cmp.Or(row.line, o.line)
	}
	return row, false, io.EOF
}

// text is the value of a member, if there is one of the name.
func (o object) text(name string) (text string, ok bool) {
	i := slices.IndexFunc(o.members, func(m member) bool { return strings.EqualFold(m.name, name) })
	if i < 0 {
		return "", false
	}
	return o.members[i].text, true
}

// object returns the next one. bad says that only this one cannot be read.
func (f *jsonFile) object() (o object, bad bool, err error) {
	var raw json.RawMessage
	if len(f.inner) > 0 {
		o.line, raw, f.inner = f.line, f.inner[0], f.inner[1:]
		return f.parse(raw, o)
	}
	if !f.lines && !f.decoder.More() {
		f.done = true
		if _, err := f.decoder.Token(); err != nil {
			return o, false, f.damaged(err)
		}
		for ; f.depth > 0; f.depth-- {
			if _, err := f.outer("", f.depth); err != nil {
				return o, false, err
			}
		}
		if _, err := f.decoder.Token(); !errors.Is(err, io.EOF) {
			return o, false, fault(f.in.lineAt(f.decoder.InputOffset()), "json.follows")
		}
		return o, false, io.EOF
	}
	if err := f.decoder.Decode(&raw); err != nil {
		f.done = true
		if f.lines && errors.Is(err, io.EOF) {
			return o, false, io.EOF
		}
		return o, false, f.damaged(err)
	}
	f.line = f.in.lineAt(f.decoder.InputOffset() - int64(len(raw)))
	o.line = f.line
	return f.parse(raw, o)
}

// parse takes an element of the list apart. Where it holds rows itself, as a group its
// members and Graph's answer to a batch the answers, these come in its place.
func (f *jsonFile) parse(raw json.RawMessage, o object) (_ object, bad bool, err error) {
	if only := ""; raw[0] == '"' && json.Unmarshal(raw, &only) == nil && isAddress(only) { // a list of addresses alone
		o.members = []member{{"column 1", only}}
		return o, false, nil
	}
	if raw[0] != '{' {
		return o, true, fault(o.line, "json.element")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_, _ = d.Token()
	err = members(d, "", 1, func(name, text string) error {
		if len(o.members) == maxMembers {
			return fault(o.line, "too-long.members", maxMembers)
		}
		o.members = append(o.members, member{name, text})
		return nil
	}, func(key string, depth int) bool {
		return (strings.EqualFold(key, "members") || depth > 1 && strings.EqualFold(key, "value")) &&
			bytes.HasPrefix(bytes.TrimLeft(raw[d.InputOffset():], " \t\r\n"), []byte("{"))
	})
	if errors.Is(err, errInside) {
		for err = nil; err == nil && d.More(); {
			var one json.RawMessage
			err = d.Decode(&one)
			f.inner = append(f.inner, one)
		}
		return f.object()
	}
	if own := (*Error)(nil); err != nil && !errors.As(err, &own) {
		err = fault(o.line, "json.object")
	}
	return o, err != nil, err
}

// outer reads the members of an object around the rows, up to its end or into
// the list of rows.
func (f *jsonFile) outer(above string, depth int) ([]member, error) {
	var list []member
	err := members(f.decoder, above, depth, func(name, text string) error {
		switch strings.ToLower(name[strings.LastIndex(name, ".@")+1:]) {
		case "@odata.context":
			f.entity = entityOf(text)
		case "@odata.nextlink", "@nextlink", "odata.nextlink":
			f.more.Store(f.more.Load() || text != "")
		case "@microsoft.dynamics.crm.morerecords":
			f.more.Store(f.more.Load() || text == "true")
		}
		if len(list) < maxMembers {
			list = append(list, member{name, text})
		}
		return nil
	}, func(name string, depth int) bool {
		if f.list || !slices.ContainsFunc(knownColumns().Containers, func(c string) bool { return strings.HasSuffix(strings.ToLower(name), c) }) {
			return false
		}
		f.list, f.depth = true, depth
		return true
	})
	if errors.Is(err, errInside) {
		return nil, nil
	}
	if err != nil {
		return nil, f.damaged(err)
	}
	return list, nil
}

// errInside says that reading stands in the list of rows.
var errInside = errors.New("inside the list")

// members reads the members of an object whose beginning was read, and of the
// objects in it: its values are given to take, under names joined by dots. rows says
// which list is the one looked for.
func members(d *json.Decoder, above string, depth int, take func(name, text string) error, rows func(name string, depth int) bool) error {
	if depth > deepest {
		return &json.SyntaxError{}
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		name := joined(above, key)
		value, err := d.Token()
		if err != nil {
			return err
		}
		switch value := value.(type) {
		case json.Delim:
			switch {
			case value == '{':
				err = members(d, name, depth+1, take, rows)
			case rows != nil && rows(key, depth):
				err = errInside
			default:
				err = listed(d, name, take)
			}
		case nil:
			err = take(name, "")
		default:
			err = take(name, fmt.Sprint(value))
		}
		if err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// joined is the name of a member of an object. Of an object that stands for one
// value (PowerShell writes an address so), the value has its name.
func joined(above, name string) string {
	switch {
	case above == "":
		return name
	case strings.EqualFold(name, "Address"), strings.EqualFold(name, "Value"):
		return above
	}
	return above + "." + name
}

// listed reads a list whose beginning was read: several values are one cell, and
// pairs of Key and Value (the attributes of an Entity of Dynamics' SDK) are columns,
// those of its FormattedValues their labels.
func listed(d *json.Decoder, name string, take func(name, text string) error) error {
	var texts []string
	for d.More() {
		var element any
		if err := d.Decode(&element); err != nil {
			return err
		}
		switch e := element.(type) {
		case string, json.Number:
			if len(texts) < maxMembers {
				texts = append(texts, fmt.Sprint(e))
			}
		case map[string]any:
			key, _ := e["Key"].(string)
			value := e["Value"]
			if inner, ok := value.(map[string]any); ok { // a lookup or an option
				value = cmp.Or(inner["Value"], inner["Name"], inner["Id"])
			}
			if key == "" || value == nil {
				continue
			}
			if strings.HasSuffix(name, "FormattedValues") {
				key += formatted
			}
			if err := take(key, fmt.Sprint(value)); err != nil {
				return err
			}
		}
	}
	if _, err := d.Token(); err != nil || len(texts) == 0 {
		return err
	}
	return take(name, strings.Join(texts, ";"))
}

// refused is the error that the Web API answered in the place of rows.
func refused(alone []member) error {
	code, message := "", ""
	for _, m := range alone {
		switch {
		case m.name == "schema" && strings.HasPrefix(m.text, "ewsprobe/report/"):
			return fault(0, "json.report")
		case strings.HasSuffix(m.name, "error.code"):
			code = m.text
		case strings.HasSuffix(m.name, "error.message"):
			message = m.text
		}
	}
	if message == "" {
		return nil
	}
	said := []rune(message)
	if len(said) > maxSaid {
		said = append(said[:maxSaid], '…')
	}
	text := strconv.Quote(string(said))
	if code != "" {
		text += " (code " + quote(code) + ")"
	}
	return fault(0, "json.refused", text)
}

// maxSaid is how much of a message is repeated, in characters.
const maxSaid = 300

// maxMembers is far above the columns of any table of Dynamics, each with its
// annotations.
const maxMembers = 5000

// damaged says why reading ended.
func (f *jsonFile) damaged(err error) error {
	// The decoder stands behind the last thing that was in order.
	ahead, _ := io.ReadAll(f.decoder.Buffered())
	line := f.in.lineAt(f.decoder.InputOffset() + int64(len(ahead)-len(bytes.TrimLeft(ahead, " \t\r\n,:"))))
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errRecordTooLong):
		return fault(line, "too-long.value")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault(line, "json.early")
	case errors.As(err, &syntax):
		return fault(line, "json.syntax")
	}
	return err
}

// row makes a row of an object: its values in the order of the columns.
func (f *jsonFile) row(o object) Row {
	row := Row{Line: o.line, Cells: make([]string, len(f.names)), labels: make([]string, len(f.names))}
	for _, m := range o.members {
		name, annotation, annotated := strings.Cut(m.name, "@")
		if m.name == "@odata.type" || m.name == "@odata.context" {
			f.entity = entityOf(m.text)
		}
		i, ok := f.at[name]
		switch {
		case !ok:
		case !annotated:
			row.Cells[i] = m.text
		case strings.EqualFold("@"+annotation, formatted):
			row.labels[i] = m.text
		}
	}
	return row
}

// entityOf is the set of tables that a context names: "mailboxes" in
// https://org.crm.dynamics.com/api/data/v9.2/$metadata#mailboxes(name)/$entity,
// or the type in #Microsoft.Dynamics.CRM.mailbox. Exchange Online's admin API names
// a type alone, Collection(Exchange.GenericHashTable), which is no set.
func entityOf(context string) string {
	_, name, _ := strings.Cut(context, "#")
	if strings.HasPrefix(name, "Collection(") {
		return ""
	}
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
