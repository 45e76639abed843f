package dataverse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

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

// inJSON is an object of these columns, in their order, as texts with their labels.
func (o row) inJSON(columns []string) []byte {
	b := []byte{'{'}
	add := func(name, text string) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		key, _ := json.Marshal(name) // texts always marshal
		value, _ := json.Marshal(text)
		if text == "" {
			value = []byte("null")
		}
		b = append(append(append(b, key...), ':'), value...)
	}
	for _, name := range columns {
		add(name, o.text(name))
		if label := o.label(name); label != "" {
			add(name+"@"+formatted, label)
		}
	}
	return append(b, '}')
}

var errNoList = errors.New("no list of rows")

// readList hands each row on, and ends where each returns false: then there is no link
// to the next page. One row is decoded at a time: a page of small rows takes many times
// its length in memory. An answer that is no object with a list of objects is
// errNoList, and its rows have not been seen; any other error is that of ctx.
func (r *Reader) readList(ctx context.Context, body []byte, each func(row) bool) (rows int, next string, err error) {
	var said struct {
		Value json.RawMessage
		Next  json.RawMessage `json:"@odata.nextLink"`
	}
	if json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &said) != nil || !bytes.HasPrefix(said.Value, []byte{'['}) {
		return 0, "", errNoList
	}
	list := func() *json.Decoder {
		d := json.NewDecoder(bytes.NewReader(said.Value))
		d.UseNumber()
		_, _ = d.Token() // the bracket
		return d
	}
	var object json.RawMessage
	for d := list(); d.More(); rows++ {
		if d.Decode(&object) != nil || object[0] != '{' {
			return 0, "", errNoList
		}
	}
	for d := list(); d.More(); {
		if err := ctx.Err(); err != nil {
			return rows, "", err
		}
		o := row{clean: r.Recorder.Short}
		if d.Decode(&o.values) != nil {
			return rows, "", errNoList
		}
		if !each(o) {
			return rows, "", nil
		}
	}
	_ = json.Unmarshal(said.Next, &next) // null, or no text: no link
	return rows, next, nil
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
