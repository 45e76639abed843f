package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"
)

// Encode writes v as JSON in the report's convention, which encoding/json has
// no option for: a scalar that is not known is null, a list without members is
// [], times are RFC 3339 in UTC. A number is null at zero only where its field
// is tagged null:"zero". Field order and names come from the json tags, so that
// encoding/json reads it back.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := encode(&b, reflect.ValueOf(v), false); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var timeType = reflect.TypeFor[time.Time]()

func encode(b *bytes.Buffer, v reflect.Value, zeroIsNull bool) error {
	if !v.IsValid() {
		b.WriteString("null")
		return nil
	}
	if v.Type() == timeType {
		t := v.Interface().(time.Time)
		if t.IsZero() {
			b.WriteString("null")
			return nil
		}
		return encodePlain(b, t.UTC().Format(time.RFC3339Nano))
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("null")
			return nil
		}
		return encode(b, v.Elem(), zeroIsNull)
	case reflect.Struct:
		return encodeStruct(b, v)
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if e := v.Index(i); e.Kind() == reflect.String {
				if err := encodeText(b, e.String()); err != nil {
					return err
				}
			} else if err := encode(b, e, false); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case reflect.String:
		if v.Len() == 0 {
			b.WriteString("null")
			return nil
		}
		return encodeText(b, v.String())
	case reflect.Map:
		if v.IsNil() {
			b.WriteString("{}")
			return nil
		}
		return encodePlain(b, v.Interface())
	case reflect.Func, reflect.Chan:
		return fmt.Errorf("evidence: cannot encode a %s", v.Kind())
	}
	if zeroIsNull && v.IsZero() {
		b.WriteString("null")
		return nil
	}
	if v.CanInt() && v.Type().NumMethod() == 0 {
		b.Write(strconv.AppendInt(b.AvailableBuffer(), v.Int(), 10))
		return nil
	}
	return encodePlain(b, v.Interface())
}

// member is a field of a struct as JSON names it.
type member struct {
	index      int
	name       string // quoted, with its colon
	zeroIsNull bool
}

// members are the fields of each type of struct, looked up once.
var members sync.Map

func membersOf(t reflect.Type) []member {
	if known, ok := members.Load(t); ok {
		return known.([]member)
	}
	var list []member
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "-" && name != "" {
			list = append(list, member{i, strconv.Quote(name) + ":", f.Tag.Get("null") == "zero"})
		}
	}
	members.Store(t, list)
	return list
}

func encodeStruct(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('{')
	for i, m := range membersOf(v.Type()) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(m.name)
		if err := encode(b, v.Field(m.index), m.zeroIsNull); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func encodeText(b *bytes.Buffer, s string) error {
	if !needsNoEscape(s) {
		return encodePlain(b, s)
	}
	b.WriteByte('"')
	b.WriteString(s)
	b.WriteByte('"')
	return nil
}

// encodePlain leaves <, > and & readable: reports are JSON files, not HTML.
// Invisible format characters (bidirectional overrides and the like) are
// escaped: a server chose some of these texts, and people read JSON too.
func encodePlain(b *bytes.Buffer, v any) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	for _, r := range string(bytes.TrimRight(out.Bytes(), "\n")) {
		switch {
		case unicode.Is(unicode.Cf, r) && r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		case unicode.Is(unicode.Cf, r) || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return nil
}

// needsNoEscape: printable ASCII without quotes and backslashes, as most
// addresses and codes are.
func needsNoEscape(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
