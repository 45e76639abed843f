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
