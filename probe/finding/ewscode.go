package finding

import (
	"maps"
	"sync"
)

// EWSCode is what an EWS response code on a signed-in request stands for. Of an
// answer codes are matched, never texts: texts are localised. A code that is not in
// text/ews-codes.yaml is an exchange-error too, of which nothing more is known.
type EWSCode struct {
	Finding    Code
	Confidence Confidence // confirmed where nothing is said
	// Own is the finding where no mailbox was named and the answer is about the
	// caller's own; "" for the same.
	Own  Code
	Says string // what it means and what to do; "" where the entry of the finding says it all
	// General: the real code may stand behind it as the inner code.
	General bool
	Texts   []string // pieces of its English message, in lower case
}

var ewsCodes = sync.OnceValue(func() (m map[string]EWSCode) {
	decode(file("text/ews-codes.yaml"), &m)
	for name, c := range m {
		if c.Confidence == "" {
			c.Confidence = Confirmed
			m[name] = c
		}
	}
	return m
})

// LookupEWS finds what a response code stands for.
func LookupEWS(name string) (EWSCode, bool) {
	c, ok := ewsCodes()[name]
	return c, ok
}

// EWSCodes are all of them by name. The caller may change the result.
func EWSCodes() map[string]EWSCode { return maps.Clone(ewsCodes()) }
