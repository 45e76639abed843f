//go:build !windows

package main

// canSignInAsCurrentUser: there is no SSPI here; --ccache serves instead.
const canSignInAsCurrentUser = false

// machineDomain: outside Windows krb5.conf says which domain is this machine's.
func machineDomain() string { return "" }
