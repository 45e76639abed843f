package soap

import (
	"bytes"
	"sync"
)

// ParseCache parses answers of which very many differ in nothing but the identifiers
// of folders. What it has parsed once it knows again; the zero value is ready.
// Safe for concurrent use.
type ParseCache struct {
	mu    sync.RWMutex
	known map[string]Answer
}

const (
	maxParsed     = 64      // different answers that are kept
	longestParsed = 4 << 10 // bytes of one
)

// Parse is Parse.
func (a *ParseCache) Parse(body []byte) (Answer, error) {
	if a == nil || len(body) > longestParsed {
		return Parse(body)
	}
	var room [longestParsed]byte
	skeleton, folder := withoutIdentifiers(room[:0], body)
	a.mu.RLock()
	answer, ok := a.known[string(skeleton)]
	a.mu.RUnlock()
	if ok {
		answer.FolderID = folder
		return answer, nil
	}
	answer, err := Parse(body)
	// Only what is good and says nothing else of its own is kept.
	if err == nil && answer.Code == CodeNoError && answer.FolderID == folder && !answer.Cut &&
		answer.Message == "" && len(answer.Values) == 0 && len(answer.Entries) == 0 {
		a.mu.Lock()
		if a.known == nil {
			a.known = map[string]Answer{}
		}
		if len(a.known) < maxParsed {
			a.known[string(skeleton)] = answer
		}
		a.mu.Unlock()
	}
	return answer, err
}

// withoutIdentifiers takes the values of the attributes Id and ChangeKey out of
// a body, where they are base64, which cannot change how it is read, and returns
// the first Id. What is left is appended to skeleton.
func withoutIdentifiers(skeleton, body []byte) (rest []byte, first string) {
	for {
		at := bytes.Index(body, []byte(`="`))
		if at < 0 {
			break
		}
		name, value := body[:at], at+len(`="`)
		skeleton = append(skeleton, body[:value]...)
		body = body[value:]
		id := bytes.HasSuffix(name, []byte(" Id"))
		if !id && !bytes.HasSuffix(name, []byte(" ChangeKey")) {
			continue
		}
		n := 0
		for n < len(body) && isBase64(body[n]) {
			n++
		}
		if n > MaxText || n == len(body) || body[n] != '"' {
			continue // it stays as it is
		}
		if id && first == "" {
			first = string(body[:n])
		}
		body = body[n:]
	}
	return append(skeleton, body...), first
}

func isBase64(c byte) bool {
	return 'a' <= c|' ' && c|' ' <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '='
}
