package secret

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
)

// Limits of peeling: encodings within encodings, and the bytes worked through
// for one text, so that a hostile text costs no time. Whoever hides a secret
// deeper than that has to be undone by more than a glance.
const (
	peelDepth   = 3
	peelBytes   = 256 << 10
	peelPerByte = 32
	peelAtLeast = 16 << 10
)

// peel returns text and what is under its encodings: escapes resolved, runs of
// hexadecimal and base64 decoded, UTF-8 that was taken for Latin-1 put right,
// and all that again of what came out.
func peel(text string) []string {
	seen := map[string]bool{text: true}
	all := []string{text}
	work, most := 0, min(peelAtLeast+peelPerByte*len(text), peelBytes)
	for depth, from := 0, 0; depth < peelDepth; depth++ {
		layer := all[from:]
		from = len(all)
		for _, s := range layer {
			if work += len(s); work > most {
				return all
			}
			for _, under := range append(readings(s)[1:], append(decodings(s), latin1(s))...) {
				if under != "" && !seen[under] {
					seen[under] = true
					all = append(all, under)
				}
			}
		}
	}
	return all
}

// expression is compiled when it is first used.
func expression(form string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(form) })
}

var (
	// Code points written out (%u0057, U+0057), and octal escapes.
	codePoints = expression(`(?i)(?:%u|u\+)([0-9a-f]{4})[\s,]?`)
	octal      = expression(`\\[0-3][0-7]{2}`)
)

// decodings are the bytes that runs of hexadecimal digits, decimal numbers and base64
// in s stand for. Base64 is read from each of four beginnings: the run may have been
// cut, or may stand behind letters that do not belong to it.
func decodings(s string) []string {
	var out []string
	for _, digits := range runs(s, hexRun) {
		for start := range 2 {
			d := digits[start:]
			if b, err := hex.DecodeString(d[:len(d)/2*2]); err == nil {
				out = append(out, string(b))
			}
		}
	}
	if strings.ContainsAny(s, "%+") {
		if r := codePoints().ReplaceAllStringFunc(s, func(m string) string {
			u, _ := strconv.ParseUint(codePoints().FindStringSubmatch(m)[1], 16, 16)
			return string(utf16.Decode([]uint16{uint16(u)}))
		}); r != s {
			out = append(out, r)
		}
	}
	if strings.Contains(s, `\`) {
		if r := octal().ReplaceAllStringFunc(s, func(m string) string {
			c, _ := strconv.ParseUint(m[1:], 8, 8)
			return string([]byte{byte(c)})
		}); r != s {
			out = append(out, r)
		}
	}
	out = append(out, runs(s, numberRun)...)
	for _, run := range runs(s, base64Run) {
		for start := range min(4, len(run)) {
			r := run[start:]
			if len(r)%4 == 1 {
				r = r[:len(r)-1]
			}
			if b, err := base64.RawStdEncoding.DecodeString(r); err == nil {
				out = append(out, string(b))
			}
		}
	}
	return out
}

// readings returns text as it is and with its escapes resolved: a spelling need
// not be complete, any character can be escaped or not.
func readings(text string) []string {
	all, inner := []string{text}, text
	for _, resolve := range []func(string) string{unescape, unpercent, unreference} {
		if r := resolve(text); r != text {
			all = append(all, r)
		}
		inner = resolve(inner)
	}
	if len(all) > 1 && inner != all[len(all)-1] {
		all = append(all, inner)
	}
	return all
}

var (
	unicodeEscape = expression(`(?:\\u[0-9a-fA-F]{4})+`)
	byteEscape    = expression(`\\x[0-9a-fA-F]{2}`)
	lineEscape    = expression(`\\[nrt]`)
	percentEscape = expression(`%[0-9a-fA-F]{2}`)
)

// unescape resolves the escapes of JSON and its like.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	s = unicodeEscape().ReplaceAllStringFunc(s, func(e string) string {
		var units []uint16
		for ; e != ""; e = e[6:] {
			u, _ := strconv.ParseUint(e[2:6], 16, 16)
			units = append(units, uint16(u))
		}
		return string(utf16.Decode(units))
	})
	s = byteEscape().ReplaceAllStringFunc(s, oneByte)
	return lineEscape().ReplaceAllLiteralString(s, "\n")
}

func unpercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	return percentEscape().ReplaceAllStringFunc(s, oneByte)
}

// unreference resolves the references of HTML. It looks first: the table of their names
// takes as long to make as a handshake.
func unreference(s string) string {
	for rest, found := s, true; ; {
		if _, rest, found = strings.Cut(rest, "&"); !found {
			return s
		}
		if many(rest, 0, 2, func(c byte) bool { return c == '#' || isBase64(c) }) > 1 {
			return html.UnescapeString(s)
		}
	}
}

// oneByte is the byte that the last two characters, hexadecimal digits, stand for.
func oneByte(escape string) string {
	c, _ := strconv.ParseUint(escape[len(escape)-2:], 16, 8)
	return string([]byte{byte(c)})
}

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
