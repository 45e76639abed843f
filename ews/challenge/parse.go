// Package challenge reads the WWW-Authenticate fields of a 401: which schemes
// a server offers, with which parameters.
//
// The answer decides a verdict ("Basic is off"), so the reader must not miss a
// scheme because of how the field was written. Servers send a line per scheme;
// proxies and client libraries join the lines with commas, with or without a
// space; Exchange Online appends its Basic to the value of its Bearer; names
// come in any case; the same comma separates challenges and the parameters
// within one. RFC 9110 section 11 is the grammar, section 11.6.1 the trap.
//
// Reading never fails: what cannot be understood is skipped up to the next
// comma and the rest is read on. Output is bounded whatever comes in.
package challenge

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parse reads the values of all WWW-Authenticate lines of a response, in
// order, and returns the challenges in order. It never fails; no challenge
// gives nil.
//
// The grammar, with the choices that RFC 9110 leaves to the reader:
//
//	value     = element *( "," element )          empty elements are skipped
//	element   = [ scheme ] rest
//	rest      = token68 / *( param / junk )       separated by spaces
//	param     = token SP* "=" SP* ( quoted / raw )
//
// A comma may end a parameter or a challenge. What follows decides:
//
//   - a token and "=" is a further parameter of the challenge before it;
//   - a token and a comma, a space or the end is the next scheme;
//   - anything else is junk and skipped up to the next comma.
//
// What follows a scheme is a token68 if base64 characters and "=" signs reach
// to the next comma or the end. That leaves `name=` with nothing behind it,
// which is both a token68 and a parameter without a value: it is a parameter
// for Basic, Digest and Bearer, which have no token68 in a challenge, and a
// token68 for the rest.
//
// Parameters may also be separated by spaces alone, and a value may come
// without quotes: it then reaches to the comma or to the next "name=", so
// that a URL or a realm of several words stays whole. A quote that is not
// closed reaches to the end of the line.
func Parse(values []string) []Challenge {
	var out []Challenge
	for _, value := range values {
		if len(out) < MaxChallenges {
			out = parseLine(out, readable(value))
		}
	}
	return out
}

// parseLine appends the challenges of one line. Parameters go only to a
// challenge of the same line.
func parseLine(out []Challenge, line string) []Challenge {
	s := scanner{line}
	current := -1 // index of the challenge that parameters belong to
	for {
		s.take(" ,")
		if s.rest == "" {
			return out
		}
		before := s
		name := s.take(tokenChars)
		switch {
		case name != "" && s.atEquals():
			s = before
		case name == "" || !s.atAny(" ,"):
			for !s.atAny(",") {
				s.skipWord()
			}
			continue
		case len(name) > MaxName:
			current = -1
		case len(out) == MaxChallenges:
			return out
		default:
			current = len(out)
			out = append(out, Challenge{Scheme: name, Token: s.token68(name)})
		}
		s.params(func(p Param) {
			if current >= 0 && len(out[current].Params) < MaxParams {
				out[current].Params = append(out[current].Params, p)
			}
		})
	}
}

// scanner is what is left of a line. Every method either moves forward or leaves it
// as it is, and looks ahead by at most a word and the spaces after it, so that a line
// costs time in proportion to its length.
type scanner struct{ rest string }

const (
	alphaNum     = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	tokenChars   = alphaNum + "!#$%&'*+-.^_`|~" // RFC 9110 5.6.2
	token68Chars = alphaNum + "-._~+/"          // RFC 9110 11.2, before the "=" signs
)

// take moves over any of the bytes in set.
func (s *scanner) take(set string) string {
	return s.cut(len(s.rest) - len(strings.TrimLeft(s.rest, set)))
}

// until moves to the next byte of set.
func (s *scanner) until(set string) {
	if i := strings.IndexAny(s.rest, set); i >= 0 {
		s.cut(i)
	} else {
		s.rest = ""
	}
}

func (s *scanner) cut(n int) (taken string) {
	taken, s.rest = s.rest[:n], s.rest[n:]
	return taken
}

// atAny says whether a byte of set comes next, or the end.
func (s *scanner) atAny(set string) bool {
	return s.rest == "" || strings.IndexByte(set, s.rest[0]) >= 0
}

// atEquals says whether "=" comes next, perhaps after spaces, atParam whether a token
// does before it.
func (s scanner) atEquals() bool { return strings.HasPrefix(strings.TrimLeft(s.rest, " "), "=") }

func (s scanner) atParam() bool { return s.take(tokenChars) != "" && s.atEquals() }

// params reads parameters up to the next comma outside quotes or the end and
// skips what is none.
func (s *scanner) params(add func(Param)) {
	for s.take(" "); !s.atAny(","); s.take(" ") {
		before := *s
		name := s.take(tokenChars)
		if name == "" || !s.atEquals() {
			*s = before
			s.skipWord()
			continue
		}
		s.take(" ")
		s.cut(1) // the equals sign
		if value := s.value(); len(name) <= MaxName {
			add(Param{Name: name, Value: cut(value, MaxValue)})
		}
	}
}

// token68 reads a token68 if one comes next after at least one space and
// reaches to a comma or the end; otherwise it stays where it is. One over
// MaxToken is read but not returned. Of schemes whose challenges have parameters only
// (RFC 7617, 7616, 6750), `name=` is left for params.
func (s *scanner) token68(scheme string) string {
	before := *s
	spaces := s.take(" ")
	letters, signs := s.take(token68Chars), s.take("=")
	s.take(" ")
	named := signs == "=" && slices.ContainsFunc([]string{"Basic", "Digest", "Bearer"}, Challenge{Scheme: scheme}.Is)
	if spaces == "" || letters == "" || !s.atAny(",") || named {
		*s = before
		return ""
	}
	if len(letters)+len(signs) > MaxToken {
		return ""
	}
	return letters + signs
}

// value reads what stands after the equals sign of a parameter.
func (s *scanner) value() string {
	switch spaces := s.take(" "); {
	case s.atAny(",") || spaces != "" && s.atParam():
		return ""
	case s.atAny(`"`):
		return s.quoted()
	}
	start := s.rest
	for {
		s.until(" ,")
		end := *s
		if s.take(" "); s.atAny(`,"`) || s.atParam() {
			*s = end
			return start[:len(start)-len(s.rest)]
		}
	}
}

// quoted reads a quoted-string, from its first quote to its last or to the end
// of the line, and resolves its escapes.
func (s *scanner) quoted() string {
	var b strings.Builder
	for s.cut(1); s.rest != ""; {
		switch c := s.cut(1); {
		case c == `"`:
			return b.String()
		case c != `\`:
			b.WriteString(c)
		case s.rest != "":
			b.WriteString(s.cut(1))
		}
	}
	return b.String()
}

// skipWord moves over one word of junk: a quoted-string or the bytes up to a
// space, a comma or a quote.
func (s *scanner) skipWord() {
	if s.atAny(`"`) {
		s.quoted()
		return
	}
	s.cut(1)
	s.until(` ,"`)
}

// readable makes a field value fit for reading and for a record: valid UTF-8
// without control characters. Bytes that are not UTF-8 are Latin-1, as in
// HTTP of old and as a realm with an umlaut is still sent.
func readable(value string) string {
	value = cut(value, MaxLine)
	if !utf8.ValidString(value) {
		runes := make([]rune, len(value))
		for i := range len(value) {
			runes[i] = rune(value[i])
		}
		value = string(runes)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, value)
}

// cut shortens s to at most limit bytes, between characters.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
