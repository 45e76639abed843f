package evidence

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

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
