package report

import (
	"strings"
	"unicode"
)

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
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar:
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
		n++
	}
	return b.String()
}
