package lockout

import (
	"context"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Budget asks for the leave to send a credential where that is about to happen,
// as ews/signin wants it. It serves one sign-in after the other; its user closes
// it.
type Budget struct {
	account *Account
	ctx     context.Context //nolint:containedctx // of one call of the sign-in
	use     Use
	logon   *Logon // under way, or reserved; nil: none
}

// Budget returns one for what the credential is to be sent for.
func (a *Account) Budget(ctx context.Context, use Use) *Budget {
	return &Budget{account: a, ctx: ctx, use: use}
}

// Reserve asks ahead, so that nothing is begun that cannot be finished.
func (b *Budget) Reserve() (d *Denial) {
	if b.logon == nil {
		b.logon, d = b.account.Begin(b.ctx, b.use)
	}
	return d
}

// Begin asks for the leave, unless it was reserved; nil: the credential may go.
func (b *Budget) Begin() *evidence.Detail {
	if d := b.Reserve(); d != nil {
		return d.Detail
	}
	return nil
}

// End tells how the logon ended, and returns whether it counts.
func (b *Budget) End(result evidence.Result) (counted bool) {
	logon := b.logon
	b.logon = nil
	return logon.End(result)
}

// Close gives back what was reserved and not used.
func (b *Budget) Close() {
	if b.logon != nil {
		b.End(evidence.Skipped)
	}
}

// Free is the budget of a sign-in that costs nothing: by a Kerberos ticket.
func (a *Account) Free() FreeBudget { return FreeBudget{a} }

// FreeBudget notes how a sign-in with a ticket ended.
type FreeBudget struct{ account *Account }

// Begin always gives the leave.
func (FreeBudget) Begin() *evidence.Detail { return nil }

// End notes how it ended. A ticket carries no password and no proof of one: what
// EWS makes of it cannot lock the account.
func (f FreeBudget) End(result evidence.Result) (counted bool) {
	if result == evidence.Accepted {
		f.account.Prove()
	}
	return false
}
