package address

import (
	"fmt"
	"strings"
	"unicode"
)

// Odd names the characters of a name, an address or a URL that look like nothing, or
// like another one, and where they stand; "" if there are none.
func Odd(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return oddKind(r, true) != "" }) {
		return "" // as nearly all are
	}
	var list []string
	latin := strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Latin, r) })
	at := 0
	for _, r := range text {
		at++
		if kind := oddKind(r, latin); kind != "" && len(list) < 3 {
			list = append(list, fmt.Sprintf("U+%04X (%s) as character %d", r, kind, at))
		}
	}
	return strings.Join(list, ", ")
}

func oddKind(r rune, latin bool) string {
	switch {
	case r >= ' ' && r <= '~':
		return ""
	case r == '\u00a0', r == '\u202f', r == '\u2007', unicode.Is(unicode.Zs, r) && r != ' ':
		return "a blank of its own kind"
	case r == '\u00ad', unicode.Is(unicode.Cf, r):
		return "cannot be seen"
	case unicode.Is(unicode.Cc, r):
		return "a control character"
	case r >= '\uff01' && r <= '\uff5e':
		return "a full-width letter"
	case r >= '\u2010' && r <= '\u2015' || r == '\u2212':
		return "a dash that is no hyphen"
	case !latin || !unicode.IsLetter(r):
		return ""
	}
	for _, script := range []string{"Cyrillic", "Greek", "Armenian", "Cherokee"} {
		if unicode.Is(unicode.Scripts[script], r) {
			return "a " + script + " letter"
		}
	}
	return ""
}

// unseen says whether a text holds a character that cannot be seen, or a blank of its
// own kind: it stuck to what was copied, and no name has it.
func unseen(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zs, r) && r != ' ' || r == '\u2028' || r == '\u2029'
	})
}

// Strange says which characters of s cannot be seen, or that it is an address of another
// kind, as the end of a sentence; "" for neither.
func Strange(s string) string {
	if unseen(s) {
		return "it has " + Odd(s) + "; type it again"
	}
	if kind := otherKind(s); kind != "" {
		return "it is " + kind + ", not an SMTP address"
	}
	return ""
}

// otherKind is what an address of proxyAddresses is that is not of SMTP: by its prefix,
// or as a legacyExchangeDN; "" for others.
func otherKind(s string) string {
	low := strings.ToLower(s)
	if strings.HasPrefix(low, "/o=") {
		return "an X.500 address"
	}
	prefix, _, found := strings.Cut(low, ":")
	if !found {
		return ""
	}
	return map[string]string{
		"x500": "an X.500 address", "ex": "an X.500 address", "x400": "an X.400 address", "sip": "a SIP address",
		"eum": "an address of Unified Messaging", "spo": "a SharePoint address", "im": "an address of instant messaging",
		"fax": "a fax address", "notes": "a Notes address", "ms": "an address of Microsoft Mail",
	}[prefix]
}

// NotMailbox says why s is no email address, as the end of a sentence.
func NotMailbox(s string) string {
	if why := Strange(s); why != "" {
		return why
	}
	if strings.Count(s, "@") > 1 && strings.ContainsAny(s, ",;") {
		return "give one; `ewsprobe batch` checks several"
	}
	return "give one like anna@contoso.com"
}
