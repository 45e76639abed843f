package soap

import (
	"bytes"
	"sync"
)

// somebody stands for the address in an envelope that is made once. No address
// holds it.
const somebody = "somebody@example.invalid"

// envelopes are those of FindFolder and GetFolder, split where the address stands.
var envelopes = sync.OnceValue(func() map[envelopeKey][2][]byte {
	m := map[envelopeKey][2][]byte{}
	for _, impersonate := range []bool{true, false} {
		c := Call{Mailbox: somebody, Impersonate: impersonate}
		for find, whole := range map[bool][]byte{true: FindFolder(c), false: GetFolder(c)} {
			before, after, _ := bytes.Cut(whole, []byte(somebody))
			m[envelopeKey{find, impersonate}] = [2][]byte{before, after}
		}
	}
	return m
})

type envelopeKey struct{ find, impersonate bool }

// Quick is FindFolder, or GetFolder, for one of very many mailboxes: the same
// bytes, without making the document anew. An address with characters that XML
// writes otherwise takes the long way.
func Quick(c Call, find bool) []byte {
	if c.Mailbox == "" || !plainText(c.Mailbox) {
		if find {
			return FindFolder(c)
		}
		return GetFolder(c)
	}
	parts := envelopes()[envelopeKey{find, c.Impersonate}]
	out := make([]byte, 0, len(parts[0])+len(c.Mailbox)+len(parts[1]))
	return append(append(append(out, parts[0]...), c.Mailbox...), parts[1]...)
}

// plainText: printable ASCII that XML has no other use for.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < '!' || c > '~' || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' {
			return false
		}
	}
	return true
}
