package challenge

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse: no panic, output within the limits and readable, and every
// challenge comes back unchanged from its String, alone and joined.
func FuzzParse(f *testing.F) {
	for _, c := range readCaptures(f) {
		if values := c.values(); len(values) > 0 {
			f.Add(strings.Join(values, "\n"))
		}
	}
	for _, s := range []string{
		`Basic realm="a \"b\", c\\", NTLM`, `Bearer a=https://x b="c" d= e=f g`, `Basic realm = x y, Negotiate abc==, z=`,
		`"a, b", <c>, d=e, f`, "Basic realm=\"B\xfcro", "Digest nonce=,qop=\"auth\"\nNTLM TlRM=", `X a=b==, Y =`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cs := Parse(strings.Split(text, "\n"))
		if len(cs) > MaxChallenges {
			t.Fatalf("%d challenges", len(cs))
		}
		for _, c := range cs {
			check(t, c)
			if back := Parse([]string{written(c)}); len(written(c)) <= MaxLine && !cmp.Equal([]Challenge{c}, back) {
				t.Fatalf("%q\n     gave %q\nthen back %q", text, c, back)
			}
		}
		if line := joined(cs); len(line) <= MaxLine && !cmp.Equal(cs, Parse([]string{line})) {
			t.Fatalf("%q\n     gave %q\nthen back %q", text, cs, Parse([]string{line}))
		}
	})
}

// check says whether a challenge keeps to the grammar and the limits.
func check(t *testing.T, c Challenge) {
	t.Helper()
	isName := func(s string) bool {
		return s != "" && len(s) <= MaxName && strings.IndexFunc(s, func(r rune) bool { return r > 127 || strings.IndexByte(tokenChars, byte(r)) < 0 }) < 0
	}
	if !isName(c.Scheme) || len(c.Params) > MaxParams || len(c.Token) > MaxToken {
		t.Fatalf("out of bounds: %q", c)
	}
	if strings.IndexFunc(strings.TrimRight(c.Token, "="), func(r rune) bool { return r > 127 || strings.IndexByte(token68Chars, byte(r)) < 0 }) >= 0 {
		t.Fatalf("not a token68: %q", c.Token)
	}
	for _, p := range c.Params {
		if !isName(p.Name) || len(p.Value) > MaxValue || !utf8.ValidString(p.Value) || strings.IndexFunc(p.Value, unicode.IsControl) >= 0 {
			t.Fatalf("out of bounds: %q", p)
		}
	}
}
