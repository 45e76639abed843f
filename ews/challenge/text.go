package challenge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// readable makes a field value fit for reading and for a record: valid UTF-8
// without control characters. Bytes that are not UTF-8 are Latin-1, as in
// HTTP of old and as a realm with an umlaut is still sent.
func readable(value string) string {
	value = cut(value, MaxLine)
	if !utf8.ValidString(value) {
		runes := make([]rune, len(value))
		for i := range len(value) {
			runes[i] = rune(value[i])
		}
		value = string(runes)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, value)
}

// cut shortens s to at most limit bytes, between characters.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
