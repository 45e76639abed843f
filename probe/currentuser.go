package probe

import (
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/signin"
)

// withPassword says that the account signs in with its password, so that a
// refusal is one of that password and is remembered.
func (c Config) withPassword() bool { return !c.withKey() && !c.CurrentUser }

// spn is the name of the service that a ticket or a context is for.
func (c Config) spn() string {
	if c.Kerberos.SPN != "" {
		return c.Kerberos.SPN
	}
	return "HTTP/" + strings.ToLower(c.URL.Hostname())
}

func (c Config) openContext() signin.OpenContext {
	if c.SecurityContext != nil {
		return c.SecurityContext
	}
	return signin.OpenSSPI
}

func (t *signIns) asCurrentUser(scheme string) signin.Way {
	return signin.ByCurrentUser(scheme, t.Config.spn(), t.Config.openContext())
}
