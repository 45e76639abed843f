package ews

import (
	"bytes"
	_ "embed"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
	"github.com/ewsprobe/ewsprobe/soap"
)

// read turns a body into facts. Of an answer to a credential only the facts
// are kept: whatever else such a server says may be the secret in a spelling
// nobody thought of.
func (c *Client) read(item *evidence.Item, body []byte, credential bool) {
	r := item.Response
	html := isHTML(r.First("Content-Type"), body)
	switch {
	case html:
		r.Page = readPage(body)
	case c.Discover != nil:
		item.Discovery = readDiscovery(r, body)
	case r.Oversized:
		item.EWS = &evidence.EWS{Detail: evidence.Say("answer-too-long")}
	case len(bytes.TrimSpace(body)) > 0:
		item.EWS = c.readEWS(body, item.Request)
		coding := strings.ToLower(r.First("Content-Encoding"))
		if !item.EWS.Answered() && slices.Contains([]string{"br", "zstd", "compress"}, coding) {
			item.EWS = &evidence.EWS{Detail: evidence.Say("coding", coding), Unreadable: true}
		}
	}
	if !item.EWS.Answered() && !item.Discovery.Answered() {
		r.Notice = readNotice(r, body, credential)
	}
	if credential {
		if r.Page != nil {
			r.Page.LeadsTo = withoutQuery(r.Page.LeadsTo)
		}
		kept := keptFields()
		if c.Recorder.Brief && item.EWS.Answered() {
			kept = briefFields()
		}
		r.Headers = slices.DeleteFunc(r.Headers, func(h [2]string) bool { return !isOf(kept, h[0]) })
		for i, h := range r.Headers {
			r.Headers[i][1] = keptValue(h[0], h[1])
		}
		if len(body) > 0 {
			r.Withheld = evidence.Say("body-not-kept").String()
		}
		return
	}
	kept := body[:min(len(body), evidence.BodyKept)]
	r.Body = strings.ToValidUTF8(string(kept), "\uFFFD")
}

// chunkSize is the first line of a body in chunks (RFC 9112 7.1) before XML.
var chunkSize = evidence.Expression(`^[0-9a-fA-F]{1,8}\r?\n<`)

func (c *Client) readEWS(body []byte, asked *evidence.Request) *evidence.EWS {
	a, err := c.Parsed.Parse(body)
	if err != nil {
		if chunkSize().Match(body) {
			return &evidence.EWS{Detail: evidence.Say("chunk-sizes"), Unreadable: true}
		}
		return &evidence.EWS{Detail: evidence.Say("not-ews", err), Unreadable: unreadable(err)}
	}
	e := a.EWS
	e.Folder, e.Resolved = c.Recorder.Folder(a.FolderID), resolved(a, asked)
	return &e
}

// resolved are the addresses that an answer gives: entries of the address book,
// or the one that a refusal of an alias says to use instead.
func resolved(a soap.Answer, asked *evidence.Request) []evidence.Resolved {
	var list []evidence.Resolved
	for _, r := range a.Entries {
		if asked != nil && asked.Purpose == evidence.PrimaryAddress {
			is := func(a string) bool { return strings.EqualFold(a, asked.Mailbox) }
			r.Holds = new(is(r.Address) || slices.ContainsFunc(r.Addresses, is))
		}
		list = append(list, r.Resolved)
	}
	if primary := a.Values["Primary"]; a.Code == "ErrorNonPrimarySmtpAddress" && address.IsMailbox(primary) {
		list = append(list, evidence.Resolved{Address: primary})
	}
	return list
}

// unreadable says whether a body meant to be XML could not be read safely, as
// opposed to being something else.
func unreadable(err error) bool {
	return errors.Is(err, soap.ErrDoctype) || errors.Is(err, soap.ErrTooLarge) || errors.Is(err, soap.ErrTooDeep)
}

// kept.txt has the header fields that are kept of an answer to a credential: who
// answered, what it makes of the sign-in, and when to come back; those of them that a
// call for a mailbox is judged by; and the names of schemes that are kept, those
// registered for HTTP and Microsoft's. Whatever else such a server says may be the secret
// in a spelling that nobody thought of.
//
//go:embed kept.txt
var keptText string

// wordsKept are those of a line of the file, in small letters.
func wordsKept(line string) func() map[string]bool {
	return sync.OnceValue(func() map[string]bool {
		m := map[string]bool{}
		_, rest, _ := strings.Cut("\n"+keptText, "\n"+line+": ")
		words, _, _ := strings.Cut(rest, "\n\n")
		for word := range strings.FieldsSeq(words) {
			m[word] = true
		}
		return m
	})
}

var keptFields, briefFields, keptSchemes = wordsKept("fields"), wordsKept("brief"), wordsKept("schemes")

// isOf says whether a name is in a set, in any case. A batch asks it for every header of
// every answer.
func isOf(set map[string]bool, name string) bool {
	var room [64]byte // no name of a set is longer
	small := append(room[:0], name...)
	for i, c := range small {
		if 'A' <= c && c <= 'Z' {
			small[i] = c + 'a' - 'A'
		}
	}
	return set[string(small)]
}

// keptValue is what is kept of a field's value: of a challenge the scheme, and
// the NTLM challenge of a server that asks again; of a redirect no query.
func keptValue(name, value string) string {
	switch {
	case strings.EqualFold(name, "WWW-Authenticate"):
		var kept []string
		for _, c := range challenge.Parse([]string{value}) {
			if !isOf(keptSchemes(), c.Scheme) {
				c.Scheme = "unknown"
			}
			if raw, err := ntlm.DecodeToken(c.Token); err == nil && ntlm.Type(raw) == ntlm.TypeChallenge {
				c.Scheme += " " + c.Token
			}
			kept = append(kept, c.Scheme)
		}
		return strings.Join(kept, ", ")
	case strings.EqualFold(name, "Location"):
		return withoutQuery(value)
	}
	return value
}

func withoutQuery(url string) string { return url[:strings.IndexAny(url+"?", "?#")] }
