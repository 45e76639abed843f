// Package lockout keeps accounts from being locked out. It alone says whether a
// credential may be sent: to the check, to a batch with one account or many, to
// whatever stays and checks on a schedule. All that runs on a machine under the
// same state folder spends one budget per account.
//
// A logon is written down before it is sent and struck out when it is accepted.
// So a logon that was refused counts, and one that got no answer, and one whose
// process was killed. Until a logon of a run was accepted the run holds a lock in
// the state folder from before it sends a credential until it knows the answer:
// of one account no two unproved logons are in flight.
//
// What is kept gives no password back: a salted scrypt value cut to 16 bits lets
// one guess in 65,536 pass by chance, so that a stolen file confirms no guess.
package lockout

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Remembered is how long a logon that was not accepted counts, and a refused
// password is not sent again by another run.
const Remembered = 60 * time.Minute

// Comparisons is how many logons a run may spend on comparing, once the password
// is proved. Their refusals do not count.
const Comparisons = 3

// Lockout is what one run may do with accounts: a check, a batch, or one check of
// what stays. The zero value knows nothing of other runs. It is safe for
// concurrent use.
type Lockout struct {
	Dir string // the state folder that all runs share; "" none
	// UntilReleased keeps refusals until the password changes or the account is
	// released; else they are over after Remembered. A run that keeps them may send
	// a refused password as long as the limit allows.
	UntilReleased bool
	Now           func() time.Time // nil: time.Now
	Checks        *Checks          // nil: each account has its own

	mu     sync.Mutex // of what is below, and of the accounts
	folder *folder
	run    string // names this run in the state
	number int    // of its last logon
	own    []*Logon
	turns  chan struct{} // without a folder: the turn

	stopped, kept bool // Stop was called; a logon was kept from being sent since
}

// Terms are who signs in and what that may cost.
type Terms struct {
	User     string // in any form
	Password string // "": it signs in with something else, which is not remembered
	Max      int    // logons refused or without an answer, all runs together
	// RetryRefused sends a password that was refused before. What was refused
	// before this run then counts nothing; what was left without an answer does.
	RetryRefused bool
	Patience     time.Duration // how long the logon of another run is waited for
}

// Account is one account of a run.
type Account struct {
	Terms

	lockout *Lockout
	name    name
	key     string // of its file
	began   time.Time

	proved   bool    // a logon was accepted
	compared int     // comparisons made
	standing *Denial // for the rest of the run
	trouble  error   // the first of the state
	checks   *Checks
}

// Account returns an account of this run.
func (l *Lockout) Account(t Terms) *Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.folder == nil {
		raw := make([]byte, 8)
		rand.Read(raw) //nolint:errcheck // never fails (crypto/rand)
		l.run, l.folder, l.turns = hex.EncodeToString(raw), &folder{dir: l.Dir, stays: l.UntilReleased}, make(chan struct{}, 1)
	}
	a := &Account{Terms: t, lockout: l, name: parseName(t.User), began: l.now(), checks: cmp.Or(l.Checks, &Checks{})}
	a.key = fileKey(a.name.user)
	return a
}

func (l *Lockout) now() time.Time {
	if l.Now != nil {
		return l.Now()
	}
	return time.Now()
}

// Stop lets no further logon begin. Those that were sent go on to their end.
func (l *Lockout) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
}

// Kept says whether Stop has kept a logon from being sent.
func (l *Lockout) Kept() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept
}

// Writable says why logons cannot be written down in a state folder; nil: they can.
func Writable(dir string) error {
	f := &folder{dir: dir}
	_, err := within(f, time.Now().Add(slowest), func() (struct{}, error) {
		file, some := filepath.Join(dir, "logons-try.json"), &logons{Salt: make([]byte, 4096), Stay: true}
		return struct{}{}, cmp.Or(os.MkdirAll(dir, 0o700), f.write(file, some), f.write(file, &logons{}))
	}, func(struct{}) {})
	return err
}

// forget takes logons out of the run's count.
func (l *Lockout) forget(which func(*Logon) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own = slices.DeleteFunc(l.own, which)
}

// locked calls work under the lock.
func (a *Account) locked(work func()) {
	a.lockout.mu.Lock()
	defer a.lockout.mu.Unlock()
	work()
}

// update has work look at the logons of the account's user part, under the lock.
// What it says that it has changed is written.
func (a *Account) update(work func(*logons) (changed bool)) (err error) {
	a.locked(func() {
		err = a.lockout.folder.update(a.key, func(s *logons) bool {
			now := a.lockout.now()
			pruned := s.drop(func(e logon) bool { return !e.Keep && now.Sub(e.At).Abs() >= Remembered }) // a clock set back forgets nothing
			return work(s) || pruned
		})
		a.note(err)
	})
	return err
}

func (a *Account) note(err error) {
	if a.trouble == nil { // what follows is the same
		a.trouble = err
	}
}

// Trouble is what the state could not do; nil nothing.
func (a *Account) Trouble() (err error) {
	a.locked(func() {
		if a.trouble != nil {
			err = fmt.Errorf("the count of refused logons: %w", a.trouble)
		}
	})
	return err
}

// Refused is how many logons of this run count, under all forms of the name.
func (a *Account) Refused() (n int) {
	a.locked(func() { n = a.ownCount() })
	return n
}

func (a *Account) ownCount() (n int) {
	for _, g := range a.lockout.own {
		if g.account.name.same(a.name) {
			n++
		}
	}
	return n
}

// RefusedBefore says when another run was refused with the same password at an
// endpoint; nil: none was, or it is not known.
func (a *Account) RefusedBefore(at *url.URL) (d *Denial) {
	_ = a.update(func(s *logons) bool {
		d = a.refusedBefore(s, Use{At: at})
		return false
	})
	return d
}

// Withheld is how many logons of other runs count, and since when.
func (a *Account) Withheld() (n int, since time.Time) {
	_ = a.update(func(s *logons) bool {
		if counted := a.counted(s); len(counted) > 0 {
			n, since = len(counted), counted[0].At
		}
		return false
	})
	return n, since
}

// Release sets the account's count to zero.
func (a *Account) Release() error {
	return a.update(func(s *logons) bool {
		return s.drop(func(e logon) bool { return s.of(e, a.name) })
	})
}

// Settle ends the logons of the run, unless the password is proved: the reason of
// the refusal is known.
func (a *Account) Settle(known *evidence.Detail) {
	a.locked(func() {
		if a.standing == nil {
			a.standing = &Denial{Detail: known, Reason: Settled}
		}
	})
}

// Standing is why no logon of this run may be sent any more, whatever its count;
// nil: it may.
func (a *Account) Standing() (d *Denial) {
	a.locked(func() { d = a.standing })
	return d
}

// Proved says that a logon of this run was accepted.
func (a *Account) Proved() (proved bool) {
	a.locked(func() { proved = a.proved })
	return proved
}

// Prove notes that a logon of this run was accepted, as another Account of it.
func (a *Account) Prove() *Account {
	a.locked(func() { a.proved = true })
	return a
}

// ShowAgain says whether a ticket may be shown once more for a comparison, and
// counts it as one.
func (a *Account) ShowAgain() (may bool) {
	a.locked(func() {
		if may = a.compared < Comparisons; may {
			a.compared++
		}
	})
	return may
}
