package soap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
	"golang.org/x/text/encoding/charmap"
)

// readRepaired reads an envelope that is not well-formed XML, as servers and what
// stands in front of them send: with characters that XML forbids (names of folders
// hold them), under a character set of a wrong name, with markup appended, or cut
// in the middle. Of a cut one the elements that were begun are closed; a text that
// the end may have cut is dropped, so no half of a code is taken for one.
func readRepaired(body []byte) (root *etree.Element, cut bool, err error) {
	if len(body) > maxRepaired {
		return nil, false, ErrNotXML
	}
	text, _, err := toUTF8(body)
	if err != nil {
		return nil, false, err
	}
	if bytes.HasPrefix(text, []byte("<?xml")) { // its encoding has done its work
		if _, rest, found := bytes.Cut(text, []byte("?>")); found {
			text = bytes.TrimSpace(rest)
		}
	}
	if !bytes.HasPrefix(text, []byte("<")) || !bytes.HasSuffix(firstTag(text), []byte("Envelope")) {
		return nil, false, ErrNotXML
	}
	if !utf8.Valid(text) {
		text, _ = charmap.ISO8859_1.NewDecoder().Bytes(text) // has every byte
	}
	closing := slices.Concat([]byte("</"), firstTag(text), []byte(">"))
	if end := bytes.Index(text, closing); end >= 0 {
		text = text[:end+len(closing)]
	} else {
		var tags string
		if text, tags = openTags(text); tags == "" {
			return nil, false, ErrNotXML
		}
		text, cut = append(text, tags...), true
	}
	root, err = readTree(withoutForbidden(text))
	return root, cut, err
}

// maxRepaired is the largest body that is repaired, in bytes.
const maxRepaired = MaxBytes / 4

// firstTag is the name of the first element.
func firstTag(text []byte) []byte {
	name := bytes.TrimPrefix(text[:min(len(text), maxName)], []byte("<"))
	return name[:max(0, bytes.IndexAny(name, " \t\r\n/>"))]
}

// openTags is text up to its last whole tag, and the ends of the elements that are
// open there; "" if there are none, or too many.
func openTags(text []byte) (whole []byte, ends string) {
	last := bytes.LastIndexByte(text, '>')
	if last < 0 || boundTags(text) != nil {
		return nil, ""
	}
	whole = bytes.Clone(text[:last+1])
	dec := xml.NewDecoder(bytes.NewReader(withoutForbidden(whole)))
	var open []string
	for range MaxTokens {
		token, err := dec.RawToken()
		if err != nil {
			break
		}
		switch t := token.(type) {
		case xml.StartElement:
			if open = append(open, full(t.Name)); len(open) > MaxDepth {
				return nil, ""
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != full(t.Name) {
				return nil, ""
			}
			open = open[:len(open)-1]
		}
	}
	var b strings.Builder
	for i := len(open) - 1; i >= 0; i-- {
		b.WriteString("</" + open[i] + ">")
	}
	return whole, b.String()
}

func full(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// withoutForbidden puts U+FFFD in the place of what XML 1.0 (2.2) forbids, as a
// character or as a reference to one.
func withoutForbidden(text []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(text))
	for len(text) > 0 {
		if text[0] == '&' {
			if n := forbiddenReference(text); n > 0 {
				out.WriteString("\uFFFD")
				text = text[n:]
				continue
			}
		}
		r, size := utf8.DecodeRune(text)
		if isForbidden(r) {
			r = '\uFFFD'
		}
		out.WriteRune(r)
		text = text[size:]
	}
	return out.Bytes()
}

func isForbidden(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF || r >= 0xD800 && r <= 0xDFFF
}

// forbiddenReference is the length of a reference to a forbidden character at the
// beginning of text, 0 for anything else.
func forbiddenReference(text []byte) int {
	end := bytes.IndexByte(text[:min(len(text), 12)], ';')
	if end < 3 || text[1] != '#' {
		return 0
	}
	digits, base := string(text[2:end]), 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	if value, err := strconv.ParseUint("0"+digits, base, 31); err != nil || !isForbidden(rune(value)) {
		return 0
	}
	return end + 1
}

// repairable: what is wrong may be around the answer, or in its texts alone.
func repairable(err error) bool { return errors.Is(err, ErrNotXML) || errors.Is(err, ErrDoctype) }
