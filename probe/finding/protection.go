package finding

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

const (
	getIn     = "sign in"
	areTurned = "get 401"
)

var protections = []Protection{
	{
		Name: "off", Means: "a foreign binding is accepted, so none is looked at", Binding: getIn, Without: getIn,
		Do: "Works for Dynamics. Exchange has it on (Allow) since 2019 CU14, because it stops relayed logons.",
	},
	{
		Name: "allow", Means: "a foreign binding is refused, a logon without one accepted", Binding: getIn, Without: getIn,
		Do: "As Exchange installs EWS; nothing to do. A device that re-encrypts TLS would shut out the clients that send a binding.",
	},
	{
		Name: "require", Means: "a logon without a binding is refused", Binding: getIn, Without: areTurned,
		Do: "Stricter than Exchange installs EWS (Allow). Whether Dynamics online sends a binding is not known: try one mailbox before you rely on NTLM.",
	},
	{
		Name: "bridged", Means: "the binding of the certificate seen here is refused, a logon without one accepted", Binding: areTurned, Without: getIn,
		Do: "Give the device in front and Exchange the same certificate, or let TLS through unopened.",
	},
}

// LookupProtection finds the description of a state.
func LookupProtection(name string) (Protection, bool) {
	for _, p := range protections {
		if p.Name == name {
			return p, true
		}
	}
	return Protection{}, false
}
