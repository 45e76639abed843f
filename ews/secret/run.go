package secret

import (
	"strconv"
	"strings"
)

// runs are what read finds in a text. It reads a run of encoded bytes that begins at a
// place: what it says, "" if none begins there, and where to read on. As regular
// expressions these took most of the time of cleaning.
func runs(s string, read func(s string, from int) (string, int)) (list []string) {
	for at := 0; at < len(s); {
		var run string
		if run, at = read(s, at); run != "" {
			list = append(list, run)
		}
	}
	return list
}

// hexRun reads at least six pairs of hexadecimal digits, written together or as a list
// (0x73, 0x76; 73:76; 73-76): the digits.
func hexRun(s string, from int) (string, int) {
	digits, at := make([]byte, 0, 64), from
	for {
		start := at
		if start+1 < len(s) && (s[start] == '0' || s[start] == '\\') && s[start+1]|' ' == 'x' {
			start += 2
		}
		if many(s, start, 2, isHex) < 2 {
			break
		}
		digits = append(digits, s[start:start+2]...)
		at = start + 2 + many(s, start+2, 2, isSeparator)
	}
	if len(digits) < 2*6 {
		return "", from + 1
	}
	return string(digits), at
}

// numberRun reads at least four decimal numbers ([90, 113, 52, 119]): the bytes that
// they are.
func numberRun(s string, from int) (string, int) {
	values, count, end := make([]byte, 0, 64), 0, from
	for at := from; ; count++ {
		digits := many(s, at, 3, isDigit)
		if digits == 0 {
			break
		}
		if c, err := strconv.ParseUint(s[at:at+digits], 10, 8); err == nil {
			values = append(values, byte(c))
		}
		end = at + digits
		if at = end + many(s, end, 2, isComma); at == end {
			count++
			break
		}
	}
	if count < 4 {
		return "", from + 1
	}
	return string(values), end
}

// base64Run reads at least eight characters of base64, plain or for URLs, possibly
// folded into lines: as plain base64 in one line.
func base64Run(s string, from int) (string, int) {
	parts, at := 0, from
	for ; at < len(s) && (isBase64(s[at]) || parts > 0 && isLineEnd(s[at])); parts++ {
		if at++; isLineEnd(s[at-1]) {
			at += many(s, at, len(s), func(c byte) bool { return c == ' ' || c == '\t' })
		}
	}
	if parts < 8 {
		return "", max(at, from+1)
	}
	return base64Alike.Replace(s[from:at]), at
}

var base64Alike = strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "", "\t", "", " ", "")

// many counts the bytes from a place on that are so, at most so many.
func many(s string, from, most int, is func(byte) bool) (n int) {
	for n < most && from+n < len(s) && is(s[from+n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c|' ' && c|' ' <= 'f' }
func isBase64(c byte) bool {
	return isDigit(c) || 'a' <= c|' ' && c|' ' <= 'z' || strings.IndexByte("+/-_", c) >= 0
}
func isLineEnd(c byte) bool   { return c == '\r' || c == '\n' }
func isComma(c byte) bool     { return strings.IndexByte(" \t\n\f\r,;", c) >= 0 }
func isSeparator(c byte) bool { return isComma(c) || c == ':' || c == '.' || c == '-' }
