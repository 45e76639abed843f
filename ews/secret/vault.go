// Package secret keeps what must not be seen: it is told every secret of a run
// before that secret is sent, and cleans every text a server says before it is
// written down.
//
// A server can repeat what it was sent, in any header, in a realm, in a fault
// text, as it was or in another encoding. So a text is not searched for the
// secret alone: it is compared with every usual spelling of it (UTF-8, UTF-16,
// base64 at each of the three alignments, hexadecimal, percent and HTML and
// JSON escapes, reversed), after white space, which folds long values, is taken
// out. A text that holds one is withheld as a whole; cutting out the match
// would leave what the next encoding gives back.
package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Withheld replaces a text in which a secret was found.
const Withheld = "[withheld: the server repeated a secret]"

const (
	// window is how much of a long secret must appear to count: pieces of a
	// base64 value cut in the middle are still recognised.
	window = 16
	// A password shorter than this would match everywhere; it counts only
	// where it stands alone.
	shortest = 4
	// Below this, ordinary texts hold a password by chance.
	ordinary = 8
)

// Vault holds the secrets of one run. The zero value and nil are empty; the
// zero value can be filled. Safe for concurrent use.
type Vault struct {
	mu      sync.RWMutex
	needles map[string]bool // folded spellings, matched as a whole
	windows map[string]bool // pieces of long spellings, window bytes each
	words   map[string]bool // secrets too short to search for
	exact   map[string]bool // spellings that folding would spoil, matched byte by byte
	common  bool
}

// AddText makes a password or a token known, in all its spellings.
func (v *Vault) AddText(s string) {
	if s == "" {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.init()
	v.common = v.common || utf8.RuneCountInString(s) < ordinary
	if tooShort(fold(s)) {
		v.words[s] = true
	}
	if utf8.RuneCountInString(s) < shortest {
		return
	}
	v.addBytes([]byte(s), 0, false)
	v.addBytes(utf16LE(s), 0, false)
	for _, form := range []string{latin1(s), string(utf16LE(s))} {
		if !utf8.ValidString(form) {
			v.exact[form] = true
		}
	}
	escaped, _ := json.Marshal(s)
	for _, form := range []string{
		s, reversed(s), html.EscapeString(s), namedEntities.Replace(s), numericEntities(s, "&#%d;"), numericEntities(s, "&#x%x;"),
		url.QueryEscape(s), url.PathEscape(s), percentAll(s), strings.Trim(string(escaped), `"`), unicodeEscapes(s),
		latin1(s),
	} {
		v.add(form, 0, 0, false)
	}
}

// AddCredential makes known what Basic sends, name:password. The name alone is
// no secret: a server that says it, or the domain in it, is not withheld.
func (v *Vault) AddCredential(user, password string) {
	if password == "" {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.init()
	v.addBytes([]byte(user+":"+password), len(user)+1, false)
}

// AddBytes makes a binary secret known (an NTLM type 3 message, the part of it
// that depends on the password), in base64 and hexadecimal.
func (v *Vault) AddBytes(b []byte) {
	if len(b) < shortest {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.init()
	v.addBytes(b, 0, false)
}

// AddMark makes known by which bytes a secret begins. They count only as a
// whole: a part of them begins what is no secret too, as the signature of NTLM
// does in all three messages.
func (v *Vault) AddMark(b []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.init()
	v.addBytes(b, 0, true)
}

func (v *Vault) init() {
	if v.needles == nil {
		v.needles, v.windows, v.words, v.exact = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
}

// addBytes keeps the spellings of b, of which the first public bytes are no
// secret.
func (v *Vault) addBytes(b []byte, public int, whole bool) {
	spell := func(encode func([]byte) string) {
		form, known := encode(b), encode(b[:public])
		v.add(form, len(fold(known)), 0, whole)
		v.add(reversed(form), 0, len(fold(known)), whole)
	}
	spell(func(b []byte) string { return string(b) })
	spell(hex.EncodeToString)
	spell(func(b []byte) string { return percentAll(string(b)) })
	for shift := range 3 {
		// The same bytes look different in base64 at each distance from a
		// multiple of three. The characters at the ends depend on what stands
		// beside them: they are left out.
		in64 := func(b []byte) string {
			e := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), b...))
			if (shift+len(b))%3 != 0 {
				e = e[:len(e)-1]
			}
			return e[min((shift*8+5)/6, len(e)):]
		}
		spell(in64)
		spell(func(b []byte) string { return strings.NewReplacer("+", "-", "/", "_").Replace(in64(b)) })
		spell(func(b []byte) string { return url.QueryEscape(in64(b)) })
		spell(func(b []byte) string { return hex.EncodeToString([]byte(in64(b))) }) // a dump of a header's bytes
	}
}

// add keeps a spelling: a long one in pieces, unless it counts only as a whole.
// Of the folded spelling, head bytes at the beginning and tail bytes at the end
// are no secret: a piece needs more than these.
func (v *Vault) add(form string, head, tail int, whole bool) {
	folded := fold(form)
	if tooShort(folded) {
		if utf8.RuneCountInString(form) >= shortest && strings.IndexFunc(form, isLetterOrDigit) >= 0 {
			v.exact[form] = true // mostly what fold takes out
		}
		return
	}
	if whole || len(folded) <= window {
		v.needles[folded] = true
		return
	}
	for i := max(head-window+1, 0); i+window <= len(folded) && i < len(folded)-tail; i++ {
		v.windows[folded[i:i+window]] = true
	}
}

// Common says that the password is so short that texts hold it by chance.
func (v *Vault) Common() bool {
	if v == nil {
		return false
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.common
}

// Clean returns text, or Withheld if a secret is in it.
func (v *Vault) Clean(text string) string {
	if v.Holds(text) {
		return Withheld
	}
	return text
}

// Holds says whether a known secret is in text, in any spelling.
func (v *Vault) Holds(text string) bool {
	if v == nil || text == "" {
		return false
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, reading := range peel(text) {
		if v.holds(reading) {
			return true
		}
	}
	return false
}

func (v *Vault) holds(text string) bool {
	for w := range v.words {
		if standsAlone(text, w) {
			return true
		}
	}
	for e := range v.exact {
		if strings.Contains(text, e) {
			return true
		}
	}
	folded := fold(text)
	for n := range v.needles {
		if strings.Contains(folded, n) {
			return true
		}
	}
	if len(v.windows) > 0 {
		for i := 0; i+window <= len(folded); i++ {
			if v.windows[folded[i:i+window]] {
				return true
			}
		}
	}
	return false
}

// readings returns text as it is and with its escapes resolved: a spelling need
// not be complete, any character can be escaped or not.
func readings(text string) []string {
	all, inner := []string{text}, text
	for _, resolve := range []func(string) string{unescape, unpercent, html.UnescapeString} {
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
	unicodeEscape = regexp.MustCompile(`(?:\\u[0-9a-fA-F]{4})+`)
	byteEscape    = regexp.MustCompile(`\\x[0-9a-fA-F]{2}`)
	lineEscape    = regexp.MustCompile(`\\[nrt]`)
	percentEscape = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
)

// unescape resolves the escapes of JSON and its like.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	s = unicodeEscape.ReplaceAllStringFunc(s, func(e string) string {
		var units []uint16
		for ; e != ""; e = e[6:] {
			u, _ := strconv.ParseUint(e[2:6], 16, 16)
			units = append(units, uint16(u))
		}
		return string(utf16.Decode(units))
	})
	s = byteEscape.ReplaceAllStringFunc(s, oneByte)
	return lineEscape.ReplaceAllLiteralString(s, "\n")
}

func unpercent(s string) string { return percentEscape.ReplaceAllStringFunc(s, oneByte) }

// oneByte is the byte that the last two characters, hexadecimal digits, stand for.
func oneByte(escape string) string {
	c, _ := strconv.ParseUint(escape[len(escape)-2:], 16, 8)
	return string([]byte{byte(c)})
}

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

var namedEntities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

func reversed(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}

func utf16LE(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

func latin1(s string) string {
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
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

func numericEntities(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

func unicodeEscapes(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, u)
	}
	return b.String()
}
