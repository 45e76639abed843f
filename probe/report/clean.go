package report

import (
	"strings"
	"unicode"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
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

// Harmless is a deep copy of v with every text made harmless; a format still has
// to escape what means something in it.
func Harmless[T any](v T) T {
	return evidence.Copied(v, func(s string) string { return Clean(s, textLimit) })
}
