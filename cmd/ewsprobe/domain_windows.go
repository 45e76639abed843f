package main

import "golang.org/x/sys/windows"

// canSignInAsCurrentUser: Windows signs in with the logged-on user (SSPI).
const canSignInAsCurrentUser = true

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
