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
	"strings"
	"sync"
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
)

// Vault holds the secrets of one run. The zero value is empty and usable. Safe
// for concurrent use.
type Vault struct {
	mu      sync.RWMutex
	needles map[string]bool // folded spellings, matched as a whole
	windows map[string]bool // pieces of long spellings, window bytes each
	words   map[string]bool // secrets too short to search for
}

// AddText makes a password or a token known, in all its spellings.
func (v *Vault) AddText(s string) {
	if s == "" {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.init()
	if utf8.RuneCountInString(s) < shortest || len(fold(s)) < shortest {
		v.words[s] = true
		return
	}
	v.addBytes([]byte(s))
	v.addBytes(utf16LE(s))
	escaped, _ := json.Marshal(s)
	for _, form := range []string{
		s, reversed(s), html.EscapeString(s), numericEntities(s, "&#%d;"), numericEntities(s, "&#x%x;"),
		url.QueryEscape(s), url.PathEscape(s), percentAll(s), strings.Trim(string(escaped), `"`), unicodeEscapes(s),
		latin1(s),
	} {
		v.add(form)
	}
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
	v.addBytes(b)
}

func (v *Vault) init() {
	if v.needles == nil {
		v.needles, v.windows, v.words = map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
}

func (v *Vault) addBytes(b []byte) {
	v.add(string(b))
	v.add(hex.EncodeToString(b))
	v.add(reversed(hex.EncodeToString(b)))
	v.add(percentAll(string(b)))
	for shift := range 3 {
		// The same bytes look different in base64 at each distance from a
		// multiple of three. The characters at the ends depend on what stands
		// beside them: they are left out.
		e := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), b...))
		e = e[(shift*8+5)/6:]
		if (shift+len(b))%3 != 0 {
			e = e[:len(e)-1]
		}
		v.add(e)
		v.add(reversed(e))
		v.add(strings.NewReplacer("+", "-", "/", "_").Replace(e))
		v.add(url.QueryEscape(e))
	}
}

func (v *Vault) add(form string) {
	form = fold(form)
	if len(form) < shortest {
		return
	}
	if len(form) <= window {
		v.needles[form] = true
		return
	}
	for i := 0; i+window <= len(form); i++ {
		v.windows[form[i:i+window]] = true
	}
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
	for w := range v.words {
		if standsAlone(text, w) {
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

// fold takes out case, white space and the characters that fold or separate
// encoded text, on both sides of a comparison.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n', ':', '=', '-', '\\', '\x00':
			return -1
		}
		return r
	}, strings.ToLower(strings.ToValidUTF8(s, "?")))
}

func standsAlone(text, word string) bool {
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'<>=,;:&", r) }) {
		if f == word {
			return true
		}
	}
	return false
}

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
