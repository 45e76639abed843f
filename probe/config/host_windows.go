package config

import (
	"os/user"

	"golang.org/x/sys/windows"
)

// canSignInAsCurrentUser: Windows signs in with the logged-on user (SSPI).
const canSignInAsCurrentUser = true

// loggedOnUser is the name, DOMAIN\user, of whom Windows signs in. It is for the
// report only: SSPI is not told a name.
func loggedOnUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "the logged-on user"
}

// machineDomain is the DNS name of the domain that this machine belongs to, ""
// for none.
func machineDomain() string {
	name := make([]uint16, 256)
	n := uint32(len(name))
	if err := windows.GetComputerNameEx(windows.ComputerNameDnsDomain, &name[0], &n); err != nil {
		return ""
	}
	return windows.UTF16ToString(name[:n])
}
