package address

import "testing"

func TestOdd(t *testing.T) {
	for text, want := range map[string]string{
		"anna@contoso.com":         "",
		"m\u00fcller@contoso.com":  "",
		"\u0430\u043d\u043d\u0430": "",
		"\u200bfred@contoso.com":   "U+200B (cannot be seen) as character 1",
		"anna@c\u043entoso.com":    "U+043E (a Cyrillic letter) as character 7",
		"anna\u00a0@contoso.com":   "U+00A0 (a blank of its own kind) as character 5",
		"mail\u2011x.contoso.com":  "U+2011 (a dash that is no hyphen) as character 5",
	} {
		if got := Odd(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
