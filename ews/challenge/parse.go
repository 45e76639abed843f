package challenge

import "strings"

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
	s := scanner{text: line}
	current := -1 // index of the challenge that parameters belong to
	for {
		s.skip(" ,")
		if s.done() {
			return out
		}
		start := s.pos
		name := s.token()
		switch {
		case name != "" && s.atEquals():
			s.pos = start
		case name == "" || !s.atBoundary():
			s.skipElement()
			continue
		case len(name) > MaxName:
			current = -1
		case len(out) == MaxChallenges:
			return out
		default:
			c := Challenge{Scheme: name}
			c.Token = s.token68(hasNoToken(name))
			current = len(out)
			out = append(out, c)
		}
		s.params(func(p Param) {
			if current >= 0 && len(out[current].Params) < MaxParams {
				out[current].Params = append(out[current].Params, p)
			}
		})
	}
}

// hasNoToken lists the schemes whose challenges have parameters only (RFC
// 7617, 7616, 6750).
func hasNoToken(scheme string) bool {
	for _, s := range []string{"Basic", "Digest", "Bearer"} {
		if strings.EqualFold(s, scheme) {
			return true
		}
	}
	return false
}

// params reads parameters up to the next comma outside quotes or the end and
// skips what is none.
func (s *scanner) params(add func(Param)) {
	for {
		s.skip(" ")
		if s.done() || s.peek() == ',' {
			return
		}
		start := s.pos
		name := s.token()
		if name == "" || !s.atEquals() {
			s.pos = start
			s.skipWord()
			continue
		}
		s.skip(" ")
		s.pos++ // the equals sign
		value := s.value()
		if len(name) <= MaxName {
			add(Param{Name: name, Value: cut(value, MaxValue)})
		}
	}
}
