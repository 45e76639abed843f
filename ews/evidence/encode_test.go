package evidence

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestEncode has one value per line and the JSON of it.
func TestEncode(t *testing.T) {
	type inner struct {
		Name string `json:"name"`
	}
	type word string
	seven, no := 7, false
	east := time.FixedZone("east", 2*3600)
	cases := []struct {
		name  string
		value any
		want  string
	}{
		{"nothing", nil, `null`},
		{"text", "x", `"x"`},
		{"no text", "", `null`},
		{"word", word("x"), `"x"`},
		{"no word", word(""), `null`},
		{"number", 7, `7`},
		{"zero", 0, `0`},
		{"truth", true, `true`},
		{"falsehood", false, `false`},
		{"pointer", &seven, `7`},
		{"pointer to false", &no, `false`},
		{"no pointer", (*int)(nil), `null`},
		{"list", []int{1, 2}, `[1,2]`},
		{"empty list", []int{}, `[]`},
		{"no list", []int(nil), `[]`},
		{"texts", []string{"a", ""}, `["a",""]`},
		{"words", []word{"a", ""}, `["a",""]`},
		{"pairs", [][2]string{{"Server", ""}, {"A", "b"}}, `[["Server",""],["A","b"]]`},
		{"no pairs", [][2]string(nil), `[]`},
		{"objects", []inner{{"a"}, {}}, `[{"name":"a"},{"name":null}]`},
		{"pointers", []*inner{nil, {"a"}}, `[null,{"name":"a"}]`},
		{"map", map[string]int{"b": 1, "a": 2}, `{"a":2,"b":1}`},
		{"no map", map[string]int(nil), `{}`},
		{"time", time.Date(2026, 11, 23, 9, 0, 0, 0, east), `"2026-11-23T07:00:00Z"`},
		{"part of a second", time.Date(2026, 11, 23, 9, 0, 0, 120_000_000, time.UTC), `"2026-11-23T09:00:00.12Z"`},
		{"no time", time.Time{}, `null`},
		{"no time in a zone", time.Time{}.In(east), `null`},
		{"HTML", `<a href="x">&`, `"<a href=\"x\">&"`},
		{"control characters", "a\r\n\t\x00b", `"a\r\n\t\u0000b"`},
		{"bidirectional override", "a\u202eb", `"a\u202eb"`},
		{"tag beyond 16 bits", "a\U000e0041b", `"a\udb40\udc41b"`},
		{"delete and C1", "a\x7f\u0085b", `"a\u007f\u0085b"`},
		{"line separator", "a\u2028b", `"a\u2028b"`},
		{"other scripts", "Grüße, 漢字 😀", `"Grüße, 漢字 😀"`},
		{"bytes that are no text", "a\xffb", `"a\ufffdb"`},
		{"null at zero", struct {
			A int `json:"a" null:"zero"`
			B int `json:"b" null:"zero"`
			C int `json:"c"`
		}{A: 1}, `{"a":1,"b":null,"c":0}`},
		{"fields that stay inside", struct {
			A string `json:"-"`
			B string
			c string
			D string `json:"d,omitempty"`
		}{"a", "b", "c", ""}, `{"d":null}`},
		{"interface", struct {
			A any `json:"a"`
			B any `json:"b"`
			C any `json:"c"`
		}{A: []string(nil), B: inner{}}, `{"a":[],"b":{"name":null},"c":null}`},
	}
	for _, c := range cases {
		got, err := Encode(c.value)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if string(got) != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if !json.Valid(got) {
			t.Errorf("%s: %s is no JSON", c.name, got)
		}
	}
	for name, value := range map[string]any{"function": func() {}, "channel": make(chan int), "no number": math.NaN(), "inside": struct {
		A []func() `json:"a"`
	}{A: []func(){nil}}} {
		if got, err := Encode(value); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// fill gives every field of v a value that is not its zero value.
func fill(v reflect.Value) {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Date(2026, 11, 23, 9, 1, 2, 345_678_900, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("Grüße <&> \"\\\r\n\u202e" + v.Type().Name())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(42)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Detail]() { // it can hold others of its kind
			v.Set(reflect.ValueOf(Detail{Code: "code", Args: []string{"a", "b"}, Inner: []Detail{{Code: "inner", Args: []string{"c"}, Inner: []Detail{}}}}))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic("a kind without a rule: " + v.Kind().String())
	}
}

// TestRoundTrip: encoding/json reads back what Encode wrote of target and items,
// full and empty.
func TestRoundTrip(t *testing.T) {
	var full, empty Record
	fill(reflect.ValueOf(&full).Elem())
	empty.Items = []Item{{}, {Request: &Request{}, Response: &Response{Page: &Page{}}, TLS: &TLS{Certificate: &Certificate{}}, NTLM: &NTLM{}, EWS: &EWS{}, Discovery: &Discovery{}, Logon: &Logon{}, Resolution: &Resolution{}, Error: &Failure{}}}
	for name, r := range map[string]Record{"full": full, "empty": empty} {
		// What is written of a record: the report's own form takes the rest.
		type written struct {
			Target Target `json:"target"`
			Items  []Item `json:"evidence"`
		}
		before := written{r.Target, r.Items}
		encoded, err := Encode(before)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(encoded) || !json.Valid(encoded) {
			t.Errorf("%s: no JSON: %s", name, encoded)
		}
		var after written
		if err := json.Unmarshal(encoded, &after); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after, cmp.FilterValues(bothEmpty, cmp.Ignore())); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
		if again, err := Encode(after); err != nil || string(again) != string(encoded) {
			t.Errorf("%s: %v, then\n%s, before\n%s", name, err, again, encoded)
		}
	}
}

// bothEmpty: no list and an empty one are the same.
func bothEmpty(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	return x.IsValid() && y.IsValid() && x.Kind() == reflect.Slice && y.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0
}

// TestEveryFieldIsNamed: a field without a json tag would silently be missing in
// a saved record.
func TestEveryFieldIsNamed(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(reflect.Type)
	look = func(ty reflect.Type) {
		for ty.Kind() == reflect.Pointer || ty.Kind() == reflect.Slice || ty.Kind() == reflect.Array {
			ty = ty.Elem()
		}
		if ty.Kind() != reflect.Struct || ty == timeType || seen[ty] {
			return
		}
		seen[ty] = true
		names := map[string]bool{}
		for i := range ty.NumField() {
			f := ty.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || names[name] || name != strings.ToLower(name) {
				t.Errorf("%s.%s is named %q", ty, f.Name, name)
			}
			names[name] = true
			look(f.Type)
		}
	}
	look(reflect.TypeFor[Target]())
	look(reflect.TypeFor[Item]())
}

// TestNulls: what was not looked at is null, lists are there, and numbers that
// mean something at zero stay.
func TestNulls(t *testing.T) {
	encoded, err := Encode(Item{Step: StepAnonymous, Response: &Response{}, EWS: &EWS{}, Logon: &Logon{}, TLS: &TLS{}, Resolution: &Resolution{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"id":null`, `"connection":null`, `"at":null`, `"request":null`, `"error":null`, `"closed_by":null`, `"first_byte":null`,
		`"status":null`, `"headers":[]`, `"body_bytes":0`, `"oversized":false`, `"page":null`, `"back_off_ms":0`, `"channel_binding":null`, `"counted":false`,
		`"problems":[]`, `"public_root":null`, `"addresses":[]`,
	} {
		if !strings.Contains(string(encoded), want) {
			t.Errorf("%s is not in %s", want, encoded)
		}
	}
}

// TestHelpers: the small questions that are asked of a record, of none too.
func TestHelpers(t *testing.T) {
	r := &Response{Headers: [][2]string{{"Server", "a"}, {"server", "b"}, {"X", ""}}}
	var none *Response
	if got := r.Header("SERVER"); !cmp.Equal(got, []string{"a", "b"}) || r.First("server") != "a" || r.First("Y") != "" || len(r.Header("X")) != 1 {
		t.Errorf("%q", got)
	}
	if none.Header("Server") != nil || none.First("Server") != "" {
		t.Error("no response has headers")
	}
	var noEWS *EWS
	if noEWS.Answered() || (&EWS{Problem: "x"}).Answered() || !(&EWS{Kind: "fault"}).Answered() {
		t.Error("Answered")
	}
	var noTLS *TLS
	if noTLS.Trusted() || !(&TLS{}).Trusted() || (&TLS{Problems: []CertificateProblem{{Code: "expired"}}}).Trusted() {
		t.Error("Trusted")
	}
	var noFailure *Failure
	if noFailure.Error() != "" || (&Failure{Code: TimedOut, Text: "x"}).Error() != "timeout: x" {
		t.Error("Error")
	}
}
