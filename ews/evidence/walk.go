package evidence

import (
	"reflect"
	"strings"
	"sync"
)

// Every text of a record is tagged with what it is: keep:"host" a name of a
// host, keep:"text,said" free text that somebody outside chose. Walk goes by
// these tags; cleaning, redaction and the reading of old records are visitors of
// it, so that a new fact needs its tag and its writer and nothing else.

// Field is a text as Walk meets it.
type Field struct {
	Kind string // of its tag
	Said bool   // a server, a directory or a service chose it
	Name string // of the header field, for the kind header
}

// Kinds that Walk itself knows. Of header fields the value is visited as
// KindHeader, then the name as KindHeaderName. A text of KindSentence is visited
// only where it has no Detail: else what the detail names is, and the sentence
// is made again. What a detail names has one of the kinds in detail.txt.
const (
	KindHeaders    = "headers"
	KindHeader     = "header"
	KindHeaderName = "header-name"
	KindSentence   = "sentence"
	KindArgument   = "argument"
	KindWord       = "word"
)

// Visitor is what Walk does with what it meets. Text gives what is to stand in
// the place of a text. Either may be nil.
type Visitor struct {
	Text     func(f Field, s string) string
	Sentence func(text *string, d **Detail) // before what the detail names is visited
}

// Walk visits each tagged text of what v points to, a struct of this package or
// one that holds such structs, and changes it in place.
func Walk(v any, visit Visitor) {
	if visit.Text == nil {
		visit.Text = func(_ Field, s string) string { return s }
	}
	visit.value(reflect.ValueOf(v).Elem())
}

// Rewritten is a copy of v, in depth, in which each text is what change gives
// for it.
func Rewritten[T any](v T, change func(f Field, s string) string) T {
	c := Copied(v, func(s string) string { return s })
	Walk(&c, Visitor{Text: change})
	return c
}

var detailType = reflect.TypeFor[Detail]()

func (w Visitor) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			w.value(v.Elem())
		}
	case reflect.Slice:
		if holdsTexts(v.Type().Elem()) {
			for i := range v.Len() {
				w.value(v.Index(i))
			}
		}
	case reflect.Struct:
		if v.Type() == detailType {
			w.detail(v.Addr().Interface().(*Detail))
			return
		}
		for _, s := range stepsOf(v.Type()) {
			w.field(v, s)
		}
	}
}

func (w Visitor) field(v reflect.Value, s step) {
	f := v.Field(s.index)
	switch {
	case s.detail >= 0:
		text, d := f.Addr().Interface().(*string), v.Field(s.detail).Addr().Interface().(**Detail)
		if w.Sentence != nil {
			w.Sentence(text, d)
		}
		if *d == nil {
			*text = w.text(s.Field, *text)
			return
		}
		w.detail(*d)
		*text = (*d).String()
	case s.Kind == "":
		w.value(f)
	case s.Kind == KindHeaders:
		list := *f.Addr().Interface().(*[][2]string)
		for i := range list {
			h := &list[i]
			h[1] = w.text(Field{Kind: KindHeader, Said: s.Said, Name: h[0]}, h[1])
			h[0] = w.text(Field{Kind: KindHeaderName, Said: s.Said}, h[0])
		}
	case f.Kind() == reflect.Slice:
		for i := range f.Len() {
			w.set(s.Field, f.Index(i))
		}
	default:
		w.set(s.Field, f)
	}
}

func (w Visitor) text(f Field, s string) string {
	if s == "" {
		return ""
	}
	return w.Text(f, s)
}

func (w Visitor) set(f Field, v reflect.Value) {
	was := v.String()
	if is := w.text(f, was); is != was {
		v.SetString(is)
	}
}

func (w Visitor) detail(d *Detail) {
	kinds := d.Code.ArgKinds()
	for i, a := range d.Args {
		kind := KindArgument // of a code that is not known here
		if i < len(kinds) {
			kind = kinds[i]
		}
		d.Args[i] = w.text(Field{Kind: kind, Said: true}, a)
	}
	for i := range d.Inner {
		w.detail(&d.Inner[i])
	}
	d.Code = DetailCode(w.text(Field{Kind: KindWord}, string(d.Code)))
}

// step is a field of a struct that Walk goes to: a tagged text, or what holds
// texts (then it has no kind).
type step struct {
	Field
	index  int
	detail int // the field with the detail of a sentence, -1 for none
}

// steps are those of each type, looked up once.
var steps sync.Map

func stepsOf(t reflect.Type) []step {
	if known, ok := steps.Load(t); ok {
		return known.([]step)
	}
	var list []step
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "Detail" && f.Type.Kind() == reflect.Pointer && f.Type.Elem() == detailType {
			continue // a detail is visited with its sentence
		}
		kind, said, _ := strings.Cut(f.Tag.Get("keep"), ",")
		s := step{Field: Field{Kind: kind, Said: said == "said"}, index: i, detail: -1}
		if kind == KindSentence {
			d, _ := t.FieldByName("Detail")
			s.detail = d.Index[0]
		}
		if kind != "" || holdsTexts(f.Type) {
			list = append(list, s)
		}
	}
	steps.Store(t, list)
	return list
}

// holdsTexts: structs, lists of them and pointers to them do; what stands for
// itself (a number, a time, an untagged text) does not.
func holdsTexts(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return holdsTexts(t.Elem())
	case reflect.Struct:
		return t != timeType
	}
	return false
}

// Copied is a deep copy of v in which every text, tagged or not, is what f makes of it.
// A copy, because a report shares its parts with the record that it was made of. What is
// not exported, as in a time, stays.
func Copied[T any](v T, f func(string) string) T {
	old := reflect.ValueOf(&v).Elem()
	copied := reflect.New(old.Type()).Elem()
	copyInto(copied, old, f)
	return copied.Interface().(T)
}

func copyInto(to, from reflect.Value, f func(string) string) {
	switch from.Kind() {
	case reflect.String:
		to.SetString(f(from.String()))
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			copyInto(to.Elem(), from.Elem(), f)
		}
	case reflect.Struct:
		to.Set(from) // with what is not exported, as in a time
		for i := range from.NumField() {
			if from.Type().Field(i).IsExported() {
				copyInto(to.Field(i), from.Field(i), f)
			}
		}
	case reflect.Slice, reflect.Array:
		if from.Kind() == reflect.Slice && !from.IsNil() {
			to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		}
		for i := range from.Len() {
			copyInto(to.Index(i), from.Index(i), f)
		}
	case reflect.Map:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
		for _, k := range from.MapKeys() {
			key, value := reflect.New(k.Type()).Elem(), reflect.New(from.Type().Elem()).Elem()
			copyInto(key, k, f)
			copyInto(value, from.MapIndex(k), f)
			to.SetMapIndex(key, value)
		}
	default:
		to.Set(from)
	}
}
