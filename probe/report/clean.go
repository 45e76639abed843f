package report

import (
	"reflect"
	"strings"
	"unicode"
)

// textLimit is how many characters of one text from a server are shown.
const textLimit = 2000

// Clean makes text from a server harmless on a terminal: control characters
// (escape sequences, line ends, the C1 range), bidirectional overrides and
// other invisible format characters become visible or go, and the length is
// bounded.
func Clean(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == limit {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		case invisible(r):
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
		n++
	}
	return b.String()
}

// invisible are characters that act on a terminal or hide what is read.
func invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
}

// harmless is a deep copy of v with every text made harmless; a format still has
// to escape what means something in it.
func harmless[T any](v T) T {
	return rewrite(v, func(s string) string { return Clean(s, textLimit) })
}

// rewrite is a deep copy of v in which every text is what f makes of it. A copy,
// because a report shares its parts with the record that it was made of. The
// texts of values that take part in no report (times) stay.
func rewrite[T any](v T, f func(string) string) T {
	old := reflect.ValueOf(&v).Elem()
	copied := reflect.New(old.Type()).Elem()
	rewriteInto(copied, old, f)
	return copied.Interface().(T)
}

func rewriteInto(to, from reflect.Value, f func(string) string) {
	switch from.Kind() {
	case reflect.String:
		to.SetString(f(from.String()))
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			rewriteInto(to.Elem(), from.Elem(), f)
		}
	case reflect.Struct:
		to.Set(from) // with what is not exported, as in a time
		for i := range from.NumField() {
			if from.Type().Field(i).IsExported() {
				rewriteInto(to.Field(i), from.Field(i), f)
			}
		}
	case reflect.Slice:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			rewriteInto(to.Index(i), from.Index(i), f)
		}
	case reflect.Array:
		for i := range from.Len() {
			rewriteInto(to.Index(i), from.Index(i), f)
		}
	case reflect.Map:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
		for _, k := range from.MapKeys() {
			key, value := reflect.New(k.Type()).Elem(), reflect.New(from.Type().Elem()).Elem()
			rewriteInto(key, k, f)
			rewriteInto(value, from.MapIndex(k), f)
			to.SetMapIndex(key, value)
		}
	default:
		to.Set(from)
	}
}
