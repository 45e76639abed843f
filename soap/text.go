package soap

import (
	"strings"
	"unicode"

	"github.com/beevik/etree"
)

// oneLine makes foreign text fit for a terminal and a record: one line, no
// control characters, none that turn the direction of writing, at most limit
// bytes, cut between characters.
func oneLine(s string, limit int) string {
	s = s[:min(len(s), 32*limit)] // the rest could only matter behind pages of white space
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	return strings.TrimSpace(strings.ToValidUTF8(s[:min(len(s), limit)], ""))
}

// textOf is the text of the element as one line; an element that is missing
// has none.
func textOf(e *etree.Element) string {
	if e == nil {
		return ""
	}
	return oneLine(e.Text(), MaxText)
}

// childText is the text of the first child of that local name.
func childText(e *etree.Element, name string) string {
	if e == nil {
		return ""
	}
	return textOf(e.SelectElement(name))
}

// codeOf returns s as a code if it could be one: letters, digits and "._-".
// Anything else is no code, however it came there.
func codeOf(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxName {
		return ""
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case r == '.', r == '_', r == '-':
		default:
			return ""
		}
	}
	return s
}

// find returns the first element of that local name, e itself or below it, in
// document order.
func find(e *etree.Element, name string) *etree.Element {
	if e == nil {
		return nil
	}
	return first(e, func(e *etree.Element) bool { return e.Tag == name })
}

// first returns the first element that is wanted, e itself or below it, in document
// order. The depth of the tree is bounded by MaxDepth.
func first(e *etree.Element, wanted func(*etree.Element) bool) *etree.Element {
	if wanted(e) {
		return e
	}
	for child := range e.ChildElementsSeq() {
		if found := first(child, wanted); found != nil {
			return found
		}
	}
	return nil
}
