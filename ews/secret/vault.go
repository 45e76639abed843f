// Package secret keeps what must not be seen: it is told every secret of a run
// before that secret is sent, and cleans every text a server says before it is
// written down.
//
// A server can repeat what it was sent, in any header, in a realm, in a fault
// text, as it was or in another encoding. So a text is not searched for the
// secret alone: it is compared with every usual spelling of it (UTF-8, UTF-16,
// UTF-7, base64 and base32 at each of their alignments, hexadecimal, percent and
// HTML and JSON escapes, reversed), after white space, which folds long values,
// is taken out. A text that holds one is withheld as a whole; cutting out the
// match would leave what the next encoding gives back.
package secret

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"hash/maphash"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"
)

// Withheld replaces a text in which a secret was found.
const Withheld = "[withheld: the server repeated a secret]"

const (
	// window is how much of a long secret must appear to count: pieces of a
	// base64 value cut in the middle are still recognised.
	window = 16
	// Of bytes that are no text, so long a piece: what is no UTF-8 folds to one
	// character, and a window is left with so few others that ordinary texts,
	// read as base64, hold them by chance.
	wide = 2 * window
	// About as many windows as the secrets of an NTLM sign-in have: a map that grows is
	// copied.
	usualWindows = 2500
	// A password shorter than this would match everywhere; it counts only
	// where it stands alone.
	shortest = 4
	// Below this, ordinary texts hold a password by chance.
	ordinary = 8
)

// seed makes the hashes of this process unlike those of any other.
var seed = maphash.MakeSeed()

// Vault holds the secrets of one run. The zero value and nil are empty; the
// zero value can be filled. Safe for concurrent use.
type Vault struct {
	mu      sync.RWMutex
	needles map[string]bool // folded spellings, matched as a whole
	windows map[uint64]bool // pieces of long spellings, window bytes each, by their hash: a token has a quarter of a million
	words   map[string]bool // secrets too short to search for
	exact   map[string]bool // spellings that folding would spoil, matched byte by byte
	bare    map[string]bool // letters and digits of a password, whatever stands between them
	common  bool
	added   map[uint64]bool // texts that are known already, by their hash: a token comes with each call
	known   *Known
}

// Known are texts that were found to hold no secret. Vaults may share it that
// know the same password: what differs between them, the random parts of their
// messages, cannot stand in a text that was said before they were made. A
// server that says the same a hundred thousand times is looked at once.
type Known struct {
	mu    sync.RWMutex
	texts map[string]struct{}
}

// Limits of what is known.
const (
	maxKnown     = 1000
	longestKnown = 200
)

func (k *Known) has(text string) bool {
	if k == nil || len(text) > longestKnown {
		return false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.texts[text]
	return ok
}

func (k *Known) add(text string) {
	if k == nil || len(text) > longestKnown {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.texts == nil {
		k.texts = map[string]struct{}{}
	}
	if len(k.texts) < maxKnown {
		k.texts[text] = struct{}{}
	}
}

// Share makes the vault use what is known. It is called after the password was
// added, and before any text is looked at.
func (v *Vault) Share(k *Known) { v.known = k }

// AddText makes a password or a token known, in all its spellings.
func (v *Vault) AddText(s string) {
	if s == "" {
		return
	}
	sum := maphash.String(seed, s)
	v.mu.RLock()
	known := v.added[sum]
	v.mu.RUnlock()
	if known {
		return
	}
	v.change(func() { v.addText(s, sum) })
}

func (v *Vault) addText(s string, sum uint64) {
	v.added[sum] = true
	v.common = v.common || utf8.RuneCountInString(s) < ordinary
	if tooShort(fold(s)) {
		v.words[s] = true
	}
	if b := bareOf(s); utf8.RuneCountInString(b) >= ordinary {
		v.bare[b] = true
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
	// Escapes are resolved in the text that is looked at (peel).
	for _, form := range []string{s, reversed(s), url.QueryEscape(s), latin1(s), utf7(s, utf7Direct), utf7(s, utf7Direct+utf7Optional)} {
		v.add(form, 0, 0, false)
	}
}

// AddCredential makes known what Basic sends, name:password. The name alone is
// no secret: a server that says it, or the domain in it, is not withheld.
func (v *Vault) AddCredential(user, password string) {
	if password != "" {
		v.change(func() { v.addBytes([]byte(user+":"+password), len(user)+1, false) })
	}
}

// AddBytes makes a binary secret known (an NTLM type 3 message, the part of it
// that depends on the password), in base64 and hexadecimal.
func (v *Vault) AddBytes(b []byte) {
	if len(b) >= shortest {
		v.change(func() { v.addBytes(b, 0, false) })
	}
}

// AddMark makes known by which bytes a secret begins. They count only as a
// whole: a part of them begins what is no secret too, as the signature of NTLM
// does in all three messages.
func (v *Vault) AddMark(b []byte) {
	v.change(func() { v.addBytes(b, 0, true) })
}

// change calls work under the lock.
func (v *Vault) change(work func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.needles == nil {
		v.needles, v.windows, v.words, v.exact = map[string]bool{}, make(map[uint64]bool, usualWindows), map[string]bool{}, map[string]bool{}
		v.added, v.bare = map[uint64]bool{}, map[string]bool{}
	}
	work()
}

// addBytes keeps the spellings of b, of which the first public bytes are no
// secret.
func (v *Vault) addBytes(b []byte, public int, whole bool) {
	spell := func(encode func([]byte) string, again ...func(string) string) {
		form, known := encode(b), encode(b[:public])
		for _, respell := range append(again, strings.Clone) {
			form, head := respell(form), len(fold(respell(known)))
			v.add(form, head, 0, whole)
			v.add(reversed(form), 0, head, whole)
		}
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
		dump := func(s string) string { return hex.EncodeToString([]byte(s)) } // of a header's bytes
		spell(in64, urlSafe.Replace, url.QueryEscape, dump)
	}
	for shift := range 5 {
		// The same in base32, where five bytes make eight characters.
		spell(func(b []byte) string {
			e := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(make([]byte, shift), b...))
			if (shift+len(b))%5 != 0 {
				e = e[:len(e)-1]
			}
			return e[min((shift*8+4)/5, len(e)):]
		})
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
	if whole || len(folded) <= window || len(folded) < wide && !telling(folded[:window]) {
		v.needles[folded] = true
		return
	}
	for i := max(head-window+1, 0); i+window <= len(folded) && i < len(folded)-tail; i++ {
		size := window
		if !telling(folded[i : i+window]) {
			size = wide
		}
		if i+size <= len(folded) {
			v.windows[maphash.String(seed, folded[i:i+size])] = true
		}
	}
}

// telling says that ordinary texts do not hold the folded piece by chance: enough
// of it is not U+FFFD.
func telling(piece string) bool {
	n := 0
	for _, r := range piece {
		if r != utf8.RuneError {
			n += utf8.RuneLen(r)
		}
	}
	return n >= ordinary
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
	if v.needles == nil || v.known.has(text) {
		return false // there is nothing to hold, or it was looked at before
	}
	for _, reading := range peel(text) {
		if v.holds(reading) {
			return true
		}
	}
	v.known.add(text)
	return false
}

func (v *Vault) holds(text string) bool {
	for w := range v.words {
		if standsAlone(text, w) {
			return true
		}
	}
	has := func(text string, list map[string]bool) bool {
		for form := range list {
			if strings.Contains(text, form) {
				return true
			}
		}
		return false
	}
	folded := fold(text)
	if len(v.bare) > 0 && has(bareOf(text), v.bare) || has(text, v.exact) || has(folded, v.needles) {
		return true
	}
	sizes := []int{window, wide}
	if !strings.Contains(folded, "\uFFFD") {
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		for i := 0; i+size <= len(folded) && len(v.windows) > 0; i++ {
			if v.windows[maphash.String(seed, folded[i:i+size])] {
				return true
			}
		}
	}
	return false
}
