package dataverse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/front"
)

// Annotations of a value: its label, and the table that a lookup leads to.
const (
	formatted  = "OData.Community.Display.V1.FormattedValue"
	entityName = "Microsoft.Dynamics.CRM.lookuplogicalname"
)

// How much of a text is kept, in bytes: Dataverse bounds the long ones to 2084
// characters.
const (
	longestText   = 4096
	longestReason = 200
)

// row is an object of a list.
type row struct {
	values map[string]any
	clean  func(s string, most int) string
}

// text is a value as text, "" for null, for an object, and for a column that is not
// there.
func (o row) text(column string) string {
	switch v := o.values[column].(type) {
	case string:
		return o.clean(v, longestText)
	case json.Number:
		return o.clean(v.String(), longestReason)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// guid is an identifier in small letters, "" for what is none: it may come to stand
// in a filter.
func (o row) guid(column string) string {
	if id := strings.ToLower(o.text(column)); front.IsGUID(id) {
		return id
	}
	return ""
}

// label is the label of a value, in the language of who asks.
func (o row) label(column string) string { return o.text(column + "@" + formatted) }

// number is a whole number; false where there is none.
func (o row) number(column string) (int, bool) {
	n, err := strconv.Atoi(o.text(column))
	return n, err == nil
}

func (o row) time(column string) *time.Time {
	t, err := time.Parse(time.RFC3339, o.text(column))
	if err != nil {
		return nil
	}
	t = t.UTC()
	return &t
}

// inJSON is an object of these columns, in their order, as texts with their labels.
func (o row) inJSON(columns []string) []byte {
	b := []byte{'{'}
	add := func(name, value string) {
		key, _ := json.Marshal(name)
		text := []byte("null")
		if value != "" {
			text, _ = json.Marshal(value)
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, key...), ':'), text...)
	}
	for _, name := range columns {
		add(name, o.text(name))
		if l := o.label(name); l != "" {
			add(name+"@"+formatted, l)
		}
	}
	return append(b, '}')
}

// list is what an answer says beside its rows.
type list struct {
	rows int
	next string
}

var errNoList = errors.New("no list of rows")

// readList hands each row on, and ends where each returns false. An answer that is
// no object with a list of objects is an error, and its rows have not been seen.
func (r *Reader) readList(body []byte, each func(row) bool) (list, error) {
	var l list
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	// Damage in the middle of a page must not give half of it.
	if !json.Valid(body) {
		return l, errNoList
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return l, errNoList
	}
	found, going := false, true
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return l, err
		}
		if name != "value" {
			var v any
			if err := d.Decode(&v); err != nil {
				return l, err
			}
			if link, ok := v.(string); ok && strings.EqualFold(fmt.Sprint(name), "@odata.nextLink") {
				l.next = link
			}
			continue
		}
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return l, errNoList
		}
		found = true
		for d.More() {
			o := row{clean: r.Recorder.Short}
			if err := d.Decode(&o.values); err != nil || o.values == nil {
				return l, errNoList
			}
			l.rows++
			going = going && each(o)
		}
		if _, err := d.Token(); err != nil {
			return l, err
		}
	}
	if !found {
		return l, errNoList
	}
	if !going {
		l.next = ""
	}
	return l, nil
}

// errorIn is the error of an answer: {"error":{"code":…,"message":…}}. Some write the
// code as the number that .NET shows, -2147220960 for 0x80040220.
func errorIn(body []byte) (code, message string) {
	var said struct {
		Error struct {
			Code    any
			Message string
		}
	}
	if json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &said) != nil {
		return "", ""
	}
	switch v := said.Error.Code.(type) {
	case string:
		code = strings.TrimSpace(v)
	case float64:
		code = strconv.FormatInt(int64(v), 10)
	}
	if n, err := strconv.ParseInt(code, 10, 64); err == nil && n < 0 {
		code = fmt.Sprintf("0x%08x", uint32(n))
	}
	return code, said.Error.Message
}
