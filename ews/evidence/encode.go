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
	b.Grow(usualRow)
	if err := encode(&b, reflect.ValueOf(v), false); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// usualRow is more than most rows of a batch are long.
const usualRow = 2 << 10

var timeType = reflect.TypeFor[time.Time]()

// isNull says whether a value is not known.
func isNull(v reflect.Value, zeroIsNull bool) bool {
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Slice, reflect.Array, reflect.Map:
		return false
	case reflect.Pointer, reflect.Interface, reflect.String:
		return v.IsZero()
	case reflect.Struct:
		return v.Type() == timeType && v.Interface().(time.Time).IsZero()
	}
	return zeroIsNull && v.IsZero()
}

func encode(b *bytes.Buffer, v reflect.Value, zeroIsNull bool) error {
	if isNull(v, zeroIsNull) {
		b.WriteString("null")
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return encode(b, v.Elem(), zeroIsNull)
	case reflect.Struct:
		if v.Type() == timeType {
			return encodePlain(b, v.Interface().(time.Time).UTC().Format(time.RFC3339Nano))
		}
		b.WriteByte('{')
		for i, m := range membersOf(v.Type()) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(m.name)
			if err := encode(b, v.FieldByIndex(m.index), m.zeroIsNull); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			e := v.Index(i)
			write := encode
			if e.Kind() == reflect.String { // an empty one is known
				write = encodeText
			}
			if err := write(b, e, false); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case reflect.String:
		return encodeText(b, v, false)
	case reflect.Map:
		if v.IsNil() {
			b.WriteString("{}")
			return nil
		}
	}
	if v.CanInt() && v.Type().NumMethod() == 0 {
		b.Write(strconv.AppendInt(b.AvailableBuffer(), v.Int(), 10))
		return nil
	}
	return encodePlain(b, v.Interface())
}

// member is a field of a struct, or of one embedded in it, as JSON names it.
type member struct {
	index      []int
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
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "-" && name != "" {
			list = append(list, member{f.Index, strconv.Quote(name) + ":", f.Tag.Get("null") == "zero"})
		}
	}
	members.Store(t, list)
	return list
}

// encodeText writes most texts as they are: printable ASCII without quotes and
// backslashes.
func encodeText(b *bytes.Buffer, v reflect.Value, _ bool) error {
	s := v.String()
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return encodePlain(b, s)
		}
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

// Facts are what v holds, each with its name: "result refused". Fields
// tagged differs:"no" are left out: they differ between any two checks, or say
// what was asked rather than what came of it. A difference of clocks counts in
// minutes (differs:"minutes"), a time as its day.
func Facts(v any) []string {
	var list []string
	facts(reflect.ValueOf(v), "", "", func(name, value string) { list = append(list, strings.TrimSpace(name+" "+value)) })
	return list
}

func facts(v reflect.Value, name, differs string, add func(name, value string)) {
	if !v.IsValid() || v.IsZero() || differs == "no" || v.Type() == reflect.PointerTo(detailType) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if o, ok := v.Interface().(*Option); ok {
			add(name, o.Name())
			return
		}
		switch {
		case v.Elem().Kind() == reflect.Struct: // what it is about shows in the names of its fields
			facts(v.Elem(), "", differs, add)
		case v.Elem().IsZero() && differs == "": // known, and none
			add(name, fmt.Sprint(v.Elem().Interface()))
		default:
			facts(v.Elem(), name, differs, add)
		}
	case reflect.Bool:
		add(name, "")
	case reflect.Slice:
		var texts []string
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() == reflect.String {
				texts = append(texts, e.String())
			} else {
				facts(e, name, "", add)
			}
		}
		if texts != nil {
			add(name, strings.Join(texts, ", "))
		}
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			add(name, t.UTC().Format(time.DateOnly))
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			about := strings.TrimSpace(name + " " + strings.ReplaceAll(f.Tag.Get("json"), "_", " "))
			facts(v.Field(i), about, f.Tag.Get("differs"), add)
		}
	case reflect.Int64:
		if differs == "minutes" {
			if off := (time.Duration(v.Int()) * time.Millisecond).Round(time.Minute); off != 0 {
				add(strings.TrimSuffix(name, " ms"), off.String())
			}
			return
		}
		fallthrough
	default:
		add(name, fmt.Sprint(v.Interface()))
	}
}
