package secret

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// spelling is a way in which a server might repeat a secret. after is in the
// same encoding, before it, too.
type spelling struct {
	name  string
	spell func(before, secret, after string) string
}

// each spells the secret alone; what stands around it stays as it is.
func each(spell func(string) string) func(before, secret, after string) string {
	return func(before, secret, after string) string { return before + spell(secret) + after }
}

func encoded(encode func([]byte) string, bytes func(string) []byte) func(before, secret, after string) string {
	return func(before, secret, after string) string {
		return encode([]byte(before + string(bytes(secret)) + after))
	}
}

func plainBytes(s string) []byte { return []byte(s) }

func lines(s string) string {
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	return b.String() + s
}

func joined(separator string, b []byte) string {
	var parts []string
	for _, c := range b {
		parts = append(parts, hex.EncodeToString([]byte{c}))
	}
	return strings.Join(parts, separator)
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func folded76(b []byte) string { return lines(base64.StdEncoding.EncodeToString(b)) }

func named(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s)
}

func jsonString(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

var spellings = []spelling{
	{"raw", each(strings.Clone)},
	{"base64", encoded(base64.StdEncoding.EncodeToString, plainBytes)},
	{"base64 folded at 76 columns", encoded(folded76, plainBytes)},
	{"base64 without padding", encoded(base64.RawStdEncoding.EncodeToString, plainBytes)},
	{"base64 for URLs", encoded(base64.URLEncoding.EncodeToString, plainBytes)},
	{"base32", encoded(base32.StdEncoding.EncodeToString, plainBytes)},
	{"base32 in small letters", encoded(func(b []byte) string { return strings.ToLower(base32.StdEncoding.EncodeToString(b)) }, plainBytes)},
	{"UTF-7", each(func(s string) string { return utf7(s, utf7Direct) })},
	{"UTF-7 with its optional characters", each(func(s string) string { return utf7(s, utf7Direct+utf7Optional) })},
	{"hex", encoded(hex.EncodeToString, plainBytes)},
	{"hex in capitals", encoded(upperHex, plainBytes)},
	{"hex with colons", encoded(func(b []byte) string { return joined(":", b) }, plainBytes)},
	{"hex with spaces", encoded(func(b []byte) string { return joined(" ", b) }, plainBytes)},
	{"hex with dashes", encoded(func(b []byte) string { return joined("-", b) }, plainBytes)},
	{"UTF-16", each(func(s string) string { return string(utf16LE(s)) })},
	{"UTF-16 in hex", encoded(hex.EncodeToString, utf16LE)},
	{"UTF-16 in base64", encoded(base64.StdEncoding.EncodeToString, utf16LE)},
	{"percent", each(percentAll)},
	{"percent in capitals", each(func(s string) string { return strings.ToUpper(percentAll(s)) })},
	{"query", each(url.QueryEscape)},
	{"path", each(url.PathEscape)},
	{"HTML", each(html.EscapeString)},
	{"HTML, named", each(named)},
	{"HTML, decimal", each(func(s string) string { return spelt([]rune(s), "&#%d;") })},
	{"HTML, hex", each(func(s string) string { return spelt([]rune(s), "&#x%x;") })},
	{"HTML, padded hex", each(func(s string) string { return spelt([]rune(s), "&#X%06X;") })},
	{"JSON", each(jsonString)},
	{"JSON, escaped", each(unicodeEscapes)},
	{"reversed", each(reversed)},
	{"capitals", each(func(s string) string { return strings.ToUpper(s) })},
}

// TestSpellings: every password in every spelling is found, at every distance
// from the beginning of what is encoded, alone and after a user's name.
func TestSpellings(t *testing.T) {
	passwords := []string{
		"Passw0rd!good", "abcd", "12345678", `q"w<e>r&t'y\`, "with several words", "Grüße-aus-Köln", "пароль-длинный", "漢字かな交じり文", "p😀ss😀word",
		"50%25 off+more", "tab\there", strings.Repeat("Long enough to be cut ", 4), "aB3$" + strings.Repeat("x", 60),
	}
	for _, password := range passwords {
		var v Vault
		v.AddText(password)
		for _, s := range spellings {
			for _, before := range []string{"", "u", "user:", strings.Repeat("-", 70)} {
				text := s.spell(before, password, "z")
				if before == "" && !v.Holds(text) {
					t.Errorf("%s of %q alone is not found: %q", s.name, password, text)
				}
				if around := `realm="` + text + `", x`; v.Clean(around) != Withheld {
					t.Errorf("%s of %q after %q, in quotes, is not withheld: %q", s.name, password, before, around)
				}
			}
		}
	}
}

// TestCredential adds what Basic sends, as the program does, and looks for the
// whole and for pieces of it.
func TestCredential(t *testing.T) {
	const user, password = "svc-crm@contoso.com", "xyz" // the password alone is too short to search for
	var v Vault
	v.AddText(password)
	v.AddCredential(user, password)
	value := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	cases := []struct{ name, text string }{
		{"header", "Authorization: Basic " + value},
		{"in the middle of more", base64.StdEncoding.EncodeToString([]byte("x" + user + ":" + password + "\n"))},
		{"cut at the end", value[:len(value)-2]},
		{"cut at the beginning", value[len(value)-20:]},
		{"folded", value[:10] + "\r\n\t" + value[10:]},
		{"with HTML line breaks as entities", value[:10] + "&#13;&#10;" + value[10:]},
		{"with JSON line breaks", value[:10] + `\r\n` + value[10:]},
		{"in percent", url.QueryEscape(value)},
		{"the value in hex", hex.EncodeToString([]byte("Basic " + value))},
		{"the header in a hex dump", joined(" ", []byte("Authorization: Basic "+value))},
		{"decoded", user + ":" + password},
	}
	for _, c := range cases {
		if !v.Holds(c.text) {
			t.Errorf("%s: not found in %q", c.name, c.text)
		}
	}
}

// TestMixed: half of it encoded, or encoded twice.
func TestMixed(t *testing.T) {
	var v Vault
	v.AddText("Grüße&Passw0rd")
	cases := []struct{ name, text string }{
		{"latin-1", "Gr\xfc\xdfe&Passw0rd"},
		{"latin-1 in percent", "Gr%FC%DFe%26Passw0rd"},
		{"latin-1 made readable", strings.ToValidUTF8("Gr\xfc\xdfe&Passw0rd", "\uFFFD")},
		{"latin-1 made readable one by one", "Gr\uFFFD\uFFFDe&Passw0rd"},
		{"UTF-16 made readable", strings.ToValidUTF8(string(utf16LE("Grüße&Passw0rd")), "\uFFFD")},
		{"named letters", "Gr&uuml;&szlig;e&amp;Passw0rd"},
		{"some letters as entities", "Gr&#252;&#xdf;e&amp;Pass&#119;0rd"},
		{"some in percent", "Gr%c3%bc%C3%9fe&Pass%770rd"},
		{"some in JSON", `Gr\u00fc\u00DFe\u0026Passw0rd`},
		{"bytes of C", `Gr\xc3\xbc\xc3\x9fe&Pass\x770rd`},
		{"entities in JSON", `Gr\u0026uuml;\u0026szlig;e\u0026amp;Passw0rd`},
		{"entities in percent", `Gr%26uuml%3B%26szlig%3Be%26amp%3BPassw0rd`},
		{"other case", "GRÜßE&pASSW0RD"},
	}
	for _, c := range cases {
		if !v.Holds(c.text) {
			t.Errorf("%s: not found in %q", c.name, c.text)
		}
	}
	v = Vault{}
	v.AddText("ÄÖÜß")
	if !v.Holds("realm=\"\xc4\xd6\xdc\xdf\"") {
		t.Error("latin-1 without an ASCII letter: not found")
	}
	if v.Holds("realm=\"\xc4\xd6\xdc\"") || v.Holds("\uFFFD") {
		t.Error("other bytes are taken for the password")
	}
}

// TestHarmless: what only looks a little like a secret stays.
func TestHarmless(t *testing.T) {
	var v Vault
	v.AddText("Passw0rd!good")
	v.AddCredential("svc-crm@corp.contoso-group.com", "Passw0rd!good")
	for _, text := range []string{
		"", " ", "password", "Passw0rd!wrong", "Passw0rd", "good", "svc-crm@corp.contoso-group.com", `Basic realm="mail.corp.contoso-group.com"`, `CONTOSO\svc-crm`, "Negotiate", "NTLM", `Basic realm="mail.contoso.com"`,
		"Microsoft-IIS/10.0", "15.2.1544.11", "FrontEnd;401;VW5hdXRob3JpemVk;;;;", "e379a219-4853-478b-ab37-842e5e5915b9", "\xff\xfe\x00", strings.Repeat("\xff", 100),
		strings.Repeat("A", 5000), strings.Repeat("%41", 500), strings.Repeat("&#65;", 500), `\u0041\u`, `\`, "%", "&", "%4", `\x4`, "&#",
		base64.StdEncoding.EncodeToString([]byte("svc-crm@corp.contoso-group.com:")),
	} {
		if v.Holds(text) || v.Clean(text) != text {
			t.Errorf("%q is withheld", text)
		}
	}
	var empty Vault
	empty.AddText("")
	empty.AddBytes(nil)
	empty.AddCredential("somebody@contoso.com", "")
	for _, v := range []*Vault{nil, &empty} {
		if v.Clean("anything at all") != "anything at all" {
			t.Error("a vault without a secret withholds")
		}
	}
}

// TestChance: random bytes, of which four in a row of those that are text are in a
// harmless text that is read as base64, are found as a whole and nowhere else.
func TestChance(t *testing.T) {
	proof := []byte("\x8c\x07qA\xb3nz\xf9l\xfa\x19\x9aP\xe0)\xcb\x02T\xb8\x91k7\xdfJ\x85\xee\x1c\xa0g\xd9Q\x83")
	var v Vault
	v.AddBytes(proof)
	if text := "aes256-cts-hmac-sha1-96"; v.Holds(text) {
		t.Errorf("%q is withheld", text)
	}
	if !v.Holds("realm=" + string(proof[:24])) {
		t.Error("the bytes are not found")
	}
}

// TestShort: what would match everywhere counts only where it stands alone.
func TestShort(t *testing.T) {
	cases := []struct {
		password, text string
		want           bool
	}{
		{"abc", "abc", true},
		{"abc", `realm="abc"`, true},
		{"abc", "user:abc", true},
		{"abc", "user=abc&more", true},
		{"abc", "<p>abc</p>", true},
		{"abc", "(abc)", true},
		{"abc", "&#97;bc", true},
		{"abc", "%61bc", true},
		{"abc", "abcd", false},
		{"abc", "xabc", false},
		{"abc", "ABC", false},
		{"IIS", "Microsoft-IIS/10.0", false},
		{"a:b", "user:a:b", true},
		{"a:b", `"a:b"`, true},
		{"a:b", "aa:bb", false},
		{"=", "a = b", true},
		{"=", "a=b", false},
		{"----", "a ---- b", true},
		{"----", "a-------b", false},
		{"a b", "x a b y", true},
		{"a b", "xa by", false},
		{"ü", "über", false},
		{"ü", "an ü.", false},
		{"ü", "an ü", true},
	}
	for _, c := range cases {
		var v Vault
		v.AddText(c.password)
		if got := v.Holds(c.text); got != c.want {
			t.Errorf("%q in %q: %v, want %v", c.password, c.text, got, c.want)
		}
	}
	// Mostly what is taken out before comparing, but not short.
	var v Vault
	v.AddText("::--==xyz--==")
	for _, s := range spellings {
		if text := s.spell("user:", "::--==xyz--==", "z"); s.name != "capitals" && !v.Holds(text) {
			t.Errorf("%s: not found in %q", s.name, text)
		}
	}
	if v.Holds("xyz") || v.Holds("a:xyz=b") {
		t.Error("its letters alone are taken for it")
	}
}

// TestType3: after a type 3 message was made, a type 2 can still be read.
func TestType3(t *testing.T) {
	type3 := append([]byte("NTLMSSP\x00\x03\x00\x00\x00"), strings.Repeat("\x18\x00\x18\x00\x58\x00\x00\x00", 20)...)
	proof := []byte("\x04\x9c\x5a\xf0\x31\x88\xe2\x17\x6b\xd4\x0c\x3f\x92\x7e\xa1\xb6")
	type3 = append(type3, proof...)
	type2 := append([]byte("NTLMSSP\x00\x02\x00\x00\x00"), strings.Repeat("\x18\x00\x18\x00\x58\x00\x00\x00", 20)...)
	type1 := append([]byte("NTLMSSP\x00\x01\x00\x00\x00"), type2[12:]...)
	var v Vault
	v.AddMark(type3[:12])
	v.AddBytes(proof)
	encodings := []struct {
		name   string
		encode func([]byte) string
	}{
		{"base64", base64.StdEncoding.EncodeToString},
		{"base64 one on", func(b []byte) string { return base64.StdEncoding.EncodeToString(append([]byte{1}, b...)) }},
		{"base64 two on", func(b []byte) string { return base64.StdEncoding.EncodeToString(append([]byte{1, 2}, b...)) }},
		{"hex", hex.EncodeToString},
		{"hex in capitals", upperHex},
		{"percent", func(b []byte) string { return percentAll(string(b)) }},
		{"raw", func(b []byte) string { return string(b) }},
	}
	for _, e := range encodings {
		if text := "NTLM " + e.encode(type3); !v.Holds(text) {
			t.Errorf("%s: the type 3 is not found in %q", e.name, text)
		}
		if text := e.encode(append([]byte("some bytes"), proof...)); !v.Holds(text) {
			t.Errorf("%s: the proof is not found in %q", e.name, text)
		}
		for i, message := range [][]byte{type1, type2} {
			if text := "NTLM " + e.encode(message); v.Clean(text) != text {
				t.Errorf("%s: the type %d is withheld", e.name, i+1)
			}
		}
	}
}

// TestHostileTexts: texts that look like encodings all the way take no longer
// than others. It is a test of ending, with room for a slow machine.
func TestHostileTexts(t *testing.T) {
	var v Vault
	v.AddText("Passw0rd!good")
	v.AddCredential("svc-crm@corp.contoso-group.com", "Passw0rd!good")
	for _, piece := range []string{"4", "A", "%25", "&amp;", "&#38;", `\u005c`, "0x41, ", "\u00c3\u00a9", "=\r\n", "\xff", "TlRMTVNTUAAD", "Passw0rd!goo", " "} {
		text := strings.Repeat(piece, (16<<10)/len(piece))
		start := time.Now()
		v.Holds(text)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%q took %v", piece, took)
		} else {
			t.Logf("%q took %v", piece, took)
		}
	}
}

// TestConcurrent is for the race detector: steps write while others read.
func TestConcurrent(t *testing.T) {
	var v Vault
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			secret := fmt.Sprintf("Passw0rd-number-%d", i)
			v.AddText(secret)
			v.AddBytes([]byte(secret))
			if !v.Holds("x" + secret) {
				t.Errorf("%s is not found", secret)
			}
		})
	}
	all.Wait()
}

// FuzzHolds: a text that contains a secret in one of the spellings is withheld,
// whatever stands around it.
func FuzzHolds(f *testing.F) {
	for i := range spellings {
		f.Add("Passw0rd!good", uint8(i), "user:", "\r\n")
		f.Add(`Grüße <&"'>`, uint8(i), "\xc3", "\xbc%4")
		f.Add("漢字😀字", uint8(i), "&#", ";")
	}
	f.Fuzz(func(t *testing.T, secret string, which uint8, before, after string) {
		if !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl) || len(secret) > 200 || len(before)+len(after) > 2000 {
			return // passwords are UTF-8 without control characters, else they are not sent
		}
		s := spellings[int(which)%len(spellings)]
		if fold(secret) == "" || utf8.RuneCountInString(fold(secret)) < 2*shortest {
			return // too short to be searched for in every spelling
		}
		var v Vault
		v.AddText(secret)
		if text := s.spell(before, secret, after); !v.Holds(text) {
			t.Fatalf("%s of %q is not found in %q", s.name, secret, text)
		}
		if text := before + after; v.Clean(text) != text && v.Clean(text) != Withheld {
			t.Fatalf("%q became %q", text, v.Clean(text))
		}
	})
}

// The examples of RFC 2152.
func TestUTF7(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Hi Mom -\u263a-!", "Hi Mom -+Jjo--!"},
		{"\u65e5\u672c\u8a9e", "+ZeVnLIqe-"},
		{"a+b", "a+-b"},
	} {
		if got := utf7(c.text, utf7Direct+utf7Optional); got != c.want {
			t.Errorf("%q is %q, not %q", c.text, got, c.want)
		}
	}
	if got, want := utf7("Hi!", utf7Direct), "Hi+ACE-"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func unicodeEscapes(s string) string { return spelt(utf16.Encode([]rune(s)), `\u%04x`) }

// spelt writes the parts of a text one by one.
func spelt[T byte | uint16 | rune](parts []T, format string) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, format, p)
	}
	return b.String()
}
