package challenge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner walks over one line. Every method either moves forward or leaves the
// position as it is, and looks ahead by at most a word and the spaces after
// it, so that a line costs time in proportion to its length.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) done() bool { return s.pos >= len(s.text) }

// peek returns the next byte; not to be called when done.
func (s *scanner) peek() byte { return s.text[s.pos] }

// skip moves over any of the bytes in set.
func (s *scanner) skip(set string) {
	for !s.done() && strings.IndexByte(set, s.peek()) >= 0 {
		s.pos++
	}
}

// token reads an RFC 9110 token, which may be empty.
func (s *scanner) token() string {
	start := s.pos
	for !s.done() && isTokenChar(s.peek()) {
		s.pos++
	}
	return s.text[start:s.pos]
}

// atEquals says whether "=" comes next, perhaps after spaces.
func (s *scanner) atEquals() bool {
	rest := strings.TrimLeft(s.text[s.pos:], " ")
	return rest != "" && rest[0] == '='
}

// atBoundary says whether a word ends here.
func (s *scanner) atBoundary() bool {
	return s.done() || s.peek() == ' ' || s.peek() == ','
}

// token68 reads a token68 if one comes next after at least one space and
// reaches to a comma or the end; otherwise it stays where it is. One over
// MaxToken is read but not returned. With noToken, `name=` is left for params.
func (s *scanner) token68(noToken bool) string {
	before := s.pos
	s.skip(" ")
	start := s.pos
	for !s.done() && isToken68Char(s.peek()) {
		s.pos++
	}
	letters := s.pos - start
	s.skip("=")
	token := s.text[start:s.pos]
	signs := len(token) - letters
	s.skip(" ")
	if start == before || letters == 0 || !s.done() && s.peek() != ',' || noToken && signs == 1 {
		s.pos = before
		return ""
	}
	if len(token) > MaxToken {
		return ""
	}
	return token
}

// value reads what stands after the equals sign of a parameter.
func (s *scanner) value() string {
	spaces := s.pos
	s.skip(" ")
	if s.done() || s.peek() == ',' || s.pos > spaces && s.atParam() {
		return ""
	}
	if s.peek() == '"' {
		return s.quoted()
	}
	start := s.pos
	s.skipRaw()
	for {
		end := s.pos
		s.skip(" ")
		if s.done() || s.peek() == ',' || s.peek() == '"' || s.atParam() {
			s.pos = end
			return s.text[start:end]
		}
		s.skipRaw()
	}
}

// atParam says whether a token and "=" come next.
func (s *scanner) atParam() bool {
	ahead := *s
	return ahead.token() != "" && ahead.atEquals()
}

// quoted reads a quoted-string, from its first quote to its last or to the end
// of the line, and resolves its escapes.
func (s *scanner) quoted() string {
	var b strings.Builder
	for s.pos++; !s.done(); s.pos++ {
		switch s.peek() {
		case '"':
			s.pos++
			return b.String()
		case '\\':
			if s.pos++; s.done() {
				return b.String()
			}
		}
		b.WriteByte(s.peek())
	}
	return b.String()
}

// skipRaw moves to the next space or comma.
func (s *scanner) skipRaw() {
	for !s.atBoundary() {
		s.pos++
	}
}

// skipWord moves over one word of junk: a quoted-string or the bytes up to a
// space, a comma or a quote.
func (s *scanner) skipWord() {
	if s.peek() == '"' {
		s.quoted()
		return
	}
	for s.pos++; !s.atBoundary() && s.peek() != '"'; s.pos++ {
	}
}

// skipElement moves to the next comma outside quotes.
func (s *scanner) skipElement() {
	for !s.done() && s.peek() != ',' {
		s.skipWord()
	}
}

func isTokenChar(b byte) bool {
	return isAlphaNum(b) || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}

func isToken68Char(b byte) bool {
	return isAlphaNum(b) || strings.IndexByte("-._~+/", b) >= 0
}

func isAlphaNum(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
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
