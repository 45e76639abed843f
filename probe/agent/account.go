package agent

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// account is one by the user part of its name, which all its targets and forms of
// name have in common. Its logons never overlap.
type account struct {
	turn    chan struct{}
	byBatch atomic.Bool // the turn is a batch's, which can take long
}

// account is that of a target. It is called under the lock.
func (a *Agent) account(c *agentfile.Target) *account {
	key := lockout.UserPart(c.Check.User)
	if a.accounts[key] == nil {
		a.accounts[key] = &account{turn: make(chan struct{}, 1)}
	}
	return a.accounts[key]
}

// take waits for the turn of the account; false: there is none, because ctx ended or
// a batch has it.
func (g *account) take(ctx context.Context) bool {
	for {
		select {
		case g.turn <- struct{}{}:
			return true
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
			if g.byBatch.Load() {
				return false
			}
		}
	}
}

func (g *account) give() {
	g.byBatch.Store(false)
	<-g.turn
}

// lookAt has all targets of an account see what has become of its count.
func (a *Agent) lookAt(g *account) {
	for _, t := range *a.shown.Load() {
		if t.account() == g {
			t.look()
		}
	}
}

// measure reads the count of refused logons: how many are left, and whether the
// credential is withheld. known is false where it cannot be read; then nothing is
// said that was not said before.
func (t *task) measure() (left int, withheld *Withheld, known bool) {
	c, shown := t.target(), t.shown.Load()
	most := c.Check.MaxRejections
	if !c.SignsIn() {
		return most, nil, true
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	cfg, err := t.credential(ctx, c)
	if err != nil {
		return shown.LogonsLeft, shown.Withheld, false
	}
	account := cfg.Account()
	n, since := account.Withheld()
	switch {
	case account.Trouble() != nil:
		return shown.LogonsLeft, shown.Withheld, false
	case n < most:
		return most - n, nil, true
	}
	why := fmt.Sprintf("%d logons were refused or left without an answer, and max_rejections is %d. "+
		"The credential is used again when the password changes, or after `ewsprobe agent release %s --config FILE`.", n, most, t.name)
	return 0, &Withheld{since, why}, true
}

// look shows what has become of the count of refused logons.
func (t *task) look() {
	left, withheld, known := t.measure()
	if !known {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left != left {
		t.left = left
		t.publish()
	}
	if same(t.state.Withheld, withheld) {
		return
	}
	next := t.state
	next.Withheld = withheld
	var e *Event
	if next.Status != "" {
		e = &Event{}
	}
	if err := t.keep(next, e); err != nil {
		t.agent.options.Log.Error("that the credential is withheld cannot be stored", "target", t.name, "why", err.Error())
		t.state = next // it holds even so
		t.publish()
	}
}

func same(a, b *Withheld) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Since.Equal(b.Since)
}
