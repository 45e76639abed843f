package secret

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// fold takes out case, white space and the characters that fold or separate
// encoded text, on both sides of a comparison. What is no UTF-8 becomes U+FFFD,
// as in a text that was made readable already, however many bytes it was.
func fold(s string) string {
	last := rune(-1)
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n', ':', '=', '-', '\\', '\x00':
			return -1
		}
		if r == utf8.RuneError && last == r {
			return -1
		}
		last = r
		// Both ways: some small letters share a capital.
		return unicode.ToLower(unicode.ToUpper(r))
	}, s)
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// tooShort says that a folded spelling would match everywhere.
func tooShort(folded string) bool {
	return utf8.RuneCountInString(strings.ReplaceAll(folded, "\uFFFD", "")) < shortest
}

// standsAlone says whether word is in text with nothing but separators beside it.
func standsAlone(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start := from + i
		before, after := text[:start], text[start+len(word):]
		if (before == "" || strings.ContainsRune(separators, rune(before[len(before)-1]))) &&
			(after == "" || strings.ContainsRune(separators, rune(after[0]))) {
			return true
		}
		from = start + 1
	}
}

const separators = " \t\r\n\"'<>=,;:&()[]{}"

var urlSafe = strings.NewReplacer("+", "-", "/", "_")

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

func utf16LE(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// latin1 are the characters of s as bytes, "" where it has others than those of
// Latin-1. It also undoes what a server does that takes the bytes of UTF-8 for
// such characters.
func latin1(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return s
	}
	var b []byte
	for _, r := range s {
		if r > 0xff {
			return ""
		}
		b = append(b, byte(r))
	}
	return string(b)
}

func percentAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

// bareOf is what is left of a text when it is spelt with anything between its
// letters and digits, or stripped of everything else.
func bareOf(s string) string {
	return strings.Map(func(r rune) rune {
		if isLetterOrDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// The characters beside letters and digits that UTF-7 writes as they are: those
// that must be, and those that may be.
const (
	utf7Direct   = "'(),-./:? \t\r\n"
	utf7Optional = "!\"#$%&*;<=>@[]^_`{|}"
)

// utf7 spells s by RFC 2152; direct are the characters that stand for themselves.
func utf7(s, direct string) string {
	var b strings.Builder
	var run []rune
	flush := func() {
		if len(run) == 0 {
			return
		}
		var raw []byte
		for _, u := range utf16.Encode(run) {
			raw = append(raw, byte(u>>8), byte(u))
		}
		b.WriteString("+" + base64.RawStdEncoding.EncodeToString(raw) + "-")
		run = nil
	}
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf && (isLetterOrDigit(r) || strings.ContainsRune(direct, r)):
			flush()
			b.WriteRune(r)
		case r == '+' && len(run) == 0:
			b.WriteString("+-")
		default:
			run = append(run, r)
		}
	}
	flush()
	return b.String()
}
