package dataverse

import (
	"bytes"
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

// inJSON is an object of these columns, as texts with their labels.
func (o row) inJSON(columns []string) []byte {
	texts := map[string]*string{}
	for _, name := range columns {
		texts[name] = nil
		for at, text := range map[string]string{name: o.text(name), name + "@" + formatted: o.label(name)} {
			if text != "" {
				texts[at] = &text
			}
		}
	}
	raw, _ := json.Marshal(texts) // texts always marshal
	return raw
}

var errNoList = errors.New("no list of rows")

// readList hands each row on, and ends where each returns false: then there is no link
// to the next page. An answer that is no object with a list of objects is an error, and
// its rows have not been seen.
func (r *Reader) readList(body []byte, each func(row) bool) (rows int, next string, err error) {
	var said struct {
		Value []map[string]any
		Next  any `json:"@odata.nextLink"`
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if !json.Valid(body) || d.Decode(&said) != nil || said.Value == nil {
		return 0, "", errNoList
	}
	for _, values := range said.Value {
		if values == nil {
			return 0, "", errNoList
		}
	}
	next, _ = said.Next.(string)
	for _, values := range said.Value {
		if !each(row{values, r.Recorder.Short}) {
			return len(said.Value), "", nil
		}
	}
	return len(said.Value), next, nil
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
