package ews

import (
	"bytes"
	"html"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

var passwordType = evidence.Expression(`(?i)\btype\s*=\s*["']?password\b`)

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
	form, posts := "", false
	for _, rest, found := bytes.Cut(body, []byte("<")); found; {
		var tag []byte
		tag, rest, found = bytes.Cut(rest, []byte("<"))
		if attributes, ok := afterName(tag, "input"); ok && !p.PasswordField {
			attributes, _, _ = bytes.Cut(attributes[:min(len(attributes), longest)], []byte(">"))
			p.PasswordField = passwordType().Match(attributes)
			posts = posts || federated().Match(attributes)
		}
		if attributes, ok := afterName(tag, "form"); ok && form == "" {
			form = attribute(attributes[:min(len(attributes), longest)], "action")
		}
		if attributes, ok := afterName(tag, "meta"); ok && p.LeadsTo == "" {
			if m := refresh().FindSubmatch(attributes[:min(len(attributes), longest)]); m != nil {
				lead(p, "refresh", m[1])
			}
		}
		if attributes, ok := afterName(tag, "title"); ok && p.Title == "" {
			_, text, _ := bytes.Cut(attributes, []byte(">"))
			p.Title = strings.Join(strings.Fields(strings.ToValidUTF8(string(text[:min(len(text), longest)]), "\uFFFD")), " ")
		}
	}
	if m := scripted().FindSubmatch(body[:min(len(body), longestNotice)]); m != nil && p.LeadsTo == "" {
		lead(p, "script", m[1])
	}
	if (posts || selfPosting().Match(body[:min(len(body), longestNotice)])) && form != "" {
		lead(p, "form", []byte(form))
	}
	return p
}

// A page that takes a browser elsewhere: by its form that posts itself (SAML 2.0
// bindings 3.5, WS-Federation), by meta refresh, or by a script.
var (
	federated   = evidence.Expression(`(?i)\bname\s*=\s*["']?(SAMLRequest|SAMLResponse|RelayState|wresult|wctx|id_token)\b`)
	selfPosting = evidence.Expression(`(?i)\.submit\s*\(`)
	refresh     = evidence.Expression(`(?i)\brefresh\b[^>]*?\burl\s*=\s*["']?([^"'>\s]+)`)
	scripted    = evidence.Expression(`(?i)\blocation(?:\.href)?\s*(?:=|\.(?:replace|assign)\s*\()\s*["']([^"'\s]+)["']`)
)

func lead(p *evidence.Page, by string, to []byte) {
	p.LeadsBy, p.LeadsTo = by, html.UnescapeString(strings.ToValidUTF8(string(to), "\uFFFD"))
}

// attribute is the value of an attribute of a tag, "" none.
func attribute(attributes []byte, name string) string {
	low := bytes.ToLower(attributes)
	_, value, found := bytes.Cut(low, []byte(name+"="))
	if !found {
		return ""
	}
	value = attributes[len(attributes)-len(value):]
	if len(value) > 0 && (value[0] == '"' || value[0] == '\'') {
		value, _, _ = bytes.Cut(value[1:], value[:1])
	} else {
		value = value[:bytes.IndexAny(append(bytes.Clone(value), '>'), " \t\r\n>")]
	}
	return string(value)
}

// afterName returns what follows the name of a tag, if it has that name.
func afterName(tag []byte, name string) ([]byte, bool) {
	n := len(name)
	if len(tag) < n || !strings.EqualFold(string(tag[:n]), name) || len(tag) > n && bytes.IndexByte([]byte(" \t\r\n\f/>"), tag[n]) < 0 {
		return nil, false
	}
	return tag[n:], true
}
