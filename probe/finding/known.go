package finding

import (
	"path"
	"slices"
	"strings"
	"sync"
)

// EWSCode is what an EWS response code on a signed-in request stands for. Codes are
// matched: texts are localised, and only help a general code. A code that is not in
// text/ews-codes.yaml is an exchange-error too, of which nothing more is known.
type EWSCode struct {
	Finding    Code
	Confidence Confidence // confirmed where nothing is said
	// Own is the finding where no mailbox was named and the answer is about the
	// caller's own; "" for the same.
	Own  Code
	Says string // what it means and what to do; "" where the entry of the finding says it all
	// Pasted is Says of a text that may be about another client's request.
	Pasted string
	// General: the real code may stand behind it, as the inner code or by its words.
	General bool
	Texts   []string // pieces of its English message, in lower case
	// Remedies are what the code asks for, before what the finding asks for.
	Remedies []Remedy
}

// EWSCodes are all of them by name.
var EWSCodes = sync.OnceValue(func() (m map[string]EWSCode) {
	decode(file("text/ews-codes.yaml"), &m)
	for name, c := range m {
		if c.Confidence == "" {
			c.Confidence = Confirmed
			m[name] = c
		}
	}
	return m
})

// kind is what many response codes are about. Names are patterns; Texts are pieces of the
// English message of a name, in lower case.
type kind struct {
	Names   []string
	Texts   map[string]string
	Finding Code
	Says    string
}

var kinds = sync.OnceValue(func() (list []kind) {
	decode(file("text/ews-kinds.yaml"), &list)
	return list
})

// lookupKind finds what a pasted code is about that no check asks for. A name that
// stands in full goes before a pattern.
func lookupKind(name string) (EWSCode, bool) {
	of := func(fits func(string) bool) int {
		return slices.IndexFunc(kinds(), func(k kind) bool { return slices.ContainsFunc(k.Names, fits) })
	}
	i := of(func(p string) bool { return p == name })
	if i < 0 {
		i = of(func(p string) bool { fits, _ := path.Match(p, name); return fits })
	}
	if i < 0 {
		return EWSCode{}, false
	}
	return EWSCode{Finding: kinds()[i].Finding, Says: kinds()[i].Says, General: true}, true
}

// BehindEWS is the entry for an answer: a general code gives way to the one that it
// hides.
func BehindEWS(code, inner, message string) string {
	if !EWSCodes()[code].General {
		return code
	}
	if _, ok := EWSCodes()[inner]; ok {
		return inner
	}
	message = strings.ToLower(message)
	for _, name := range ewsNames().sorted {
		c := EWSCodes()[name]
		if !c.General && slices.ContainsFunc(c.Texts, func(s string) bool { return strings.Contains(message, s) }) {
			return name
		}
	}
	return code
}

// CodeRemedies are what a response code asks for. The caller may change the result.
func CodeRemedies(name string) []Remedy { return completed(EWSCodes()[name].Remedies) }

var plans = sync.OnceValue(func() (p struct{ Mailbox, Other map[string]string }) {
	decode(file("text/plans.yaml"), &p)
	return p
})

// ServicePlan is the name of a service plan with a mailbox, "" of another; other
// says that it is known to bring none.
func ServicePlan(id string) (name string, other bool) {
	return plans().Mailbox[id], plans().Other[id] != ""
}

// KnownPlan says whether a service plan is one of Microsoft's that is known.
func KnownPlan(id string) bool {
	name, other := ServicePlan(id)
	return name != "" || other
}

// Protection is how a server treats channel bindings (RFC 5929
// tls-server-end-point), and what that means for clients and for the one who
// runs it. It is no finding by itself: only bridged is a fault.
type Protection struct {
	Name  string `yaml:"-"` // off, allow, require, bridged: server.extended_protection
	Means string // how it was told
	// Binding and Without are what clients meet that always send a binding, as
	// Windows does, and such that never do.
	Binding, Without string
	Do               string
}

var protections = sync.OnceValue(func() (m map[string]Protection) {
	decode(file("text/protection.yaml"), &m)
	return m
})

// LookupProtection finds the description of a state, nil if it is none.
func LookupProtection(name string) *Protection {
	p, known := protections()[name]
	if p.Name = name; !known {
		return nil
	}
	return &p
}
