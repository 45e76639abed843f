package finding

import "sync"

// Protection is how a server treats channel bindings (RFC 5929
// tls-server-end-point), and what that means for clients and for the one who
// runs it. It is no finding by itself: only bridged is a fault.
type Protection struct {
	Name  string // off, allow, require, bridged: server.extended_protection
	Means string // how it was told
	// Binding and Without are what clients meet that always send a binding, as
	// Windows does, and such that never do.
	Binding, Without string
	Do               string
}

var protections = sync.OnceValue(func() (list []Protection) {
	decode(file("text/protection.yaml"), &list)
	return list
})

// LookupProtection finds the description of a state.
func LookupProtection(name string) (Protection, bool) {
	for _, p := range protections() {
		if p.Name == name {
			return p, true
		}
	}
	return Protection{}, false
}
