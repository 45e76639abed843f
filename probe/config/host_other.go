//go:build !windows

package config

// canSignInAsCurrentUser: there is no SSPI here; --ccache serves instead.
const canSignInAsCurrentUser = false

// loggedOnUser: nobody signs in by being logged on.
func loggedOnUser() string { return "" }

// machineDomain: outside Windows krb5.conf says which domain is this machine's.
func machineDomain() string { return "" }
