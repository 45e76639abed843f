package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/probe"
)

// fill gives every text, number and list in a struct a value.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case !f.CanSet():
		case f.Kind() == reflect.Struct:
			fill(f)
		case f.Kind() == reflect.String:
			f.SetString("x")
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.String:
			f.Set(reflect.ValueOf([]string{"x"}))
		}
	}
}

// A rule names only what there is: with nothing given every alternative of a condition is
// asked for, with everything given every part of it. Keys that a sentence names exist.
func TestRules(t *testing.T) {
	for _, command := range []string{"check", "batch", "dynamics"} {
		for _, full := range []bool{false, true} {
			s := New(command, "1.0")
			f := facts{s, &probe.Config{}}
			p := proof{keys: s.Keys}
			if full {
				fill(reflect.ValueOf(s).Elem())
				fill(reflect.ValueOf(f.Cfg).Elem())
				fill(reflect.ValueOf(&p).Elem())
			}
			n := 0
			for part, of := range map[string]any{"account": f, "together": f, "batch": f, "cloud": f, "hma": f, "environment": f, "proof": p} {
				for _, sentence := range sentences(part, of) {
					if n++; command == "check" && part != "batch" && part != "proof" && strings.ContainsAny(s.Keys.named(sentence), "{}") {
						t.Errorf("%s: %s", part, s.Keys.named(sentence))
					}
				}
			}
			if n == 0 {
				t.Errorf("%s, full %v: no sentence", command, full)
			}
		}
	}
}
