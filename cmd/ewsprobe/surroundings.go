package main

import "strings"

// purpose is what the program is for, in --help and in the manual page.
const purpose = `When Dynamics 365 server-side synchronization reports "Http server returned 401 Unauthorized exception", six
causes are possible (KB 3212785) and Dynamics does not say which. ewsprobe talks to Exchange Web Services the way
Dynamics does and says which cause it is, how sure it is, what proves it and which command mends it. Every logon is
counted before it is sent, so that looking does not lock the account.`

// surrounding is a thing outside the command line that the program heeds.
type surrounding struct{ name, what string }

// environment and filesKept are told by --help and by the manual page.
var (
	environment = []surrounding{
		{passwordEnv, "the password, where neither --password-file nor --password-from-keyring is given"},
		{"NO_COLOR", "if set, no colour; nor is there any with TERM=dumb, or where the output is no terminal"},
		{"XDG_STATE_HOME", "where refused passwords are remembered, see FILES (Windows: LOCALAPPDATA)"},
		{"KRB5_CONFIG", "which krb5.conf is read"},
		{"HTTPS_PROXY, NO_PROXY", "the proxy of look-ups outside the network (--cloud and the like); EWS is reached directly, or by --proxy"},
	}
	filesKept = []surrounding{
		{"$XDG_STATE_HOME/ewsprobe/, else ~/.local/state/ewsprobe/ (Windows: %LOCALAPPDATA%\\ewsprobe)", "that a password was refused, for 60 minutes: a value that gives no password back"},
		{"/etc/krb5.conf", "realms and their domain controllers, for Kerberos"},
	}
)

// surroundings is the end of --help.
func surroundings() string {
	var b strings.Builder
	for _, part := range []struct {
		title string
		list  []surrounding
	}{{"ENVIRONMENT:", environment}, {"FILES:", filesKept}} {
		b.WriteString("\n" + part.title + "\n")
		for _, s := range part.list {
			b.WriteString("   " + s.name + "\n      " + s.what + "\n")
		}
	}
	return strings.TrimLeft(b.String(), "\n")
}
