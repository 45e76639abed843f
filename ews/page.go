package ews

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

var passwordType = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\btype\s*=\s*["']?password\b`) })

// isHTML says whether a body is a page for people.
func isHTML(contentType string, body []byte) bool {
	start := bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	start = start[:min(len(start), 4096)]
	named := strings.Contains(strings.ToLower(contentType), "html")
	if !named && bytes.HasPrefix(start, []byte("<?xml")) {
		return false // as nearly all answers begin
	}
	return beginsPage(start) || named && !bytes.Contains(start, []byte("Envelope"))
}

// beginsPage says whether the first tag, behind comments, is one that pages begin
// with.
func beginsPage(start []byte) bool {
	start = bytes.TrimSpace(start)
	for bytes.HasPrefix(start, []byte("<!--")) {
		_, behind, found := bytes.Cut(start, []byte("-->"))
		if !found {
			return false
		}
		start = bytes.TrimSpace(behind)
	}
	tag, found := bytes.CutPrefix(start, []byte("<"))
	if kind, ok := afterName(tag, "!doctype"); ok {
		_, ok = afterName(bytes.TrimSpace(kind), "html")
		return found && ok
	}
	return found && slices.ContainsFunc([]string{"html", "head", "body"}, func(name string) bool {
		_, ok := afterName(tag, name)
		return ok
	})
}

// readPage looks at each tag once: a page of a megabyte that is one beginning of
// a tag after the other takes no longer than any.
func readPage(body []byte) *evidence.Page {
	const longest = 500 // what is looked at of a tag's attributes, or of a title
	p := &evidence.Page{}
	for _, rest, found := bytes.Cut(body, []byte("<")); found; {
		var tag []byte
		tag, rest, found = bytes.Cut(rest, []byte("<"))
		if attributes, ok := afterName(tag, "input"); ok && !p.PasswordField {
			attributes, _, _ = bytes.Cut(attributes[:min(len(attributes), longest)], []byte(">"))
			p.PasswordField = passwordType().Match(attributes)
		}
		if attributes, ok := afterName(tag, "title"); ok && p.Title == "" {
			_, text, _ := bytes.Cut(attributes, []byte(">"))
			p.Title = strings.Join(strings.Fields(strings.ToValidUTF8(string(text[:min(len(text), longest)]), "\uFFFD")), " ")
		}
	}
	return p
}

// afterName returns what follows the name of a tag, if it has that name.
func afterName(tag []byte, name string) ([]byte, bool) {
	n := len(name)
	if len(tag) < n || !strings.EqualFold(string(tag[:n]), name) || len(tag) > n && bytes.IndexByte([]byte(" \t\r\n\f/>"), tag[n]) < 0 {
		return nil, false
	}
	return tag[n:], true
}
