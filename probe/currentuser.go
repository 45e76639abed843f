package probe

import (
	"context"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// withPassword says that the account signs in with its password, so that a
// refusal is one of that password and is remembered.
func (c Config) withPassword() bool { return !c.withKey() && !c.CurrentUser }

// mayUseCurrentUser: Windows would answer whoever shows any certificate, and
// what it sends can be relayed. Usage refuses the two flags together; this holds
// it where the credential is used.
func (c Config) mayUseCurrentUser() (bool, *evidence.Detail) {
	if c.Insecure {
		return false, evidence.Say(evidence.WhyCurrentUserInsecure)
	}
	return true, nil
}

// spn is the name of the service that a ticket or a context is for.
func (c Config) spn() string {
	if c.Kerberos.SPN != "" {
		return c.Kerberos.SPN
	}
	return "HTTP/" + strings.ToLower(c.URL.Hostname())
}

func (c Config) openContext() ews.OpenContext {
	if c.SecurityContext != nil {
		return c.SecurityContext
	}
	return ews.OpenSSPI
}

// asCurrentUser signs in with what Windows makes of the logged-on user.
func (t *talk) asCurrentUser(ctx context.Context, scheme string, note evidence.Logon, settle ews.Settle) evidence.Item {
	t.guard.Begin(false)
	item := t.client.CurrentUser(ctx, scheme, t.userAgent, t.openContext(), t.spn(), note, settle)
	if f := item.Error; f != nil && item.Logon.Mechanism != evidence.MechanismKerberos && (f.Code == evidence.ConnectionClosed || f.Code == evidence.ConnectionReset) {
		t.client.KeepTest(ctx, scheme, t.userAgent, false)
	}
	return item
}
