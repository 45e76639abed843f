package lockout

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
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

	mu     sync.Mutex
	folder *folder
	run    string
	number int
	own    []*Logon // of this run: in flight, or counted
	local  chan struct{}
	broken error // the folder was waited for in vain
	since  time.Time
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

	mu       sync.Mutex
	proved   bool // a logon was accepted
	compared int
	standing *Denial // for the rest of the run
	check    check
	trouble  error
}

// Use is what a credential is to be sent for.
type Use struct {
	At         *url.URL   // the endpoint
	Also       []*url.URL // others, whose refusals of the same password hold too
	Comparison bool       // for a finding's sake, with a password already proved
	Room       int        // how many logons must fit, this one included; 0: one
}

// Logon is the leave to send the credential once. Its end has to be told.
type Logon struct {
	account    *Account
	comparison bool
	number     int
	at         time.Time
	where      *url.URL
	release    func() // of the turn
	silent     bool   // it got no answer, with a password that was proved before
}

// Account returns an account of this run.
func (l *Lockout) Account(t Terms) *Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files()
	a := &Account{Terms: t, lockout: l, name: parseName(t.User), began: l.now()}
	a.key = fileKey(a.name.user)
	return a
}

// files readies what a run needs. The caller holds mu.
func (l *Lockout) files() *folder {
	if l.folder == nil {
		raw := make([]byte, 8)
		rand.Read(raw) //nolint:errcheck // never fails (crypto/rand)
		l.run, l.folder = hex.EncodeToString(raw), &folder{dir: l.Dir, local: map[string][]byte{}}
	}
	return l.folder
}

func (l *Lockout) now() time.Time {
	if l.Now != nil {
		return l.Now()
	}
	return time.Now()
}

// look has work look at the logons of the account's user part, or change them.
func look[T any](a *Account, work func(*logons) (result T, changed bool, err error)) (T, error) {
	now := a.lockout.now()
	return try(a.lockout, func(f *folder) (T, error) {
		return change(f, a.key, func(s *logons) (T, bool, error) {
			pruned := s.prune(now)
			result, changed, err := work(s)
			return result, changed || pruned, err
		})
	})
}

// unbroken is how long a folder that was waited for in vain is not tried again: a
// check shall wait for it once.
const unbroken = time.Minute

// try uses the folder, unless it was waited for in vain a moment ago.
func try[T any](l *Lockout, use func(*folder) (T, error)) (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var none T
	if l.broken != nil && time.Since(l.since) < unbroken {
		return none, l.broken
	}
	began := time.Now()
	result, err := use(l.files())
	if l.broken = nil; time.Since(began) > slowest/2 {
		l.broken, l.since = err, time.Now()
	}
	return result, err
}

// Begin asks for the leave to send the credential once, and writes the logon down.
// Where it may not be sent the denial says why.
func (a *Account) Begin(ctx context.Context, use Use) (*Logon, *Denial) {
	if use.Comparison {
		return a.compare()
	}
	a.mu.Lock()
	standing, proved := a.standing, a.proved
	a.mu.Unlock()
	if standing != nil && !(proved && standing.Reason == Settled) {
		return nil, standing
	}
	if d := a.ownLimit(use); d != nil {
		return nil, d
	}
	release := func() {}
	if !proved {
		var d *Denial
		if release, d = a.turn(ctx); d != nil {
			return nil, a.stand(d)
		}
	}
	logon := &Logon{account: a, where: use.At, release: release}
	if d := a.writeDown(ctx, logon, use); d != nil {
		release()
		return nil, d
	}
	return logon, nil
}

func (a *Account) compare() (*Logon, *Denial) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.proved:
		return nil, &Denial{Reason: NotProved}
	case a.compared == Comparisons:
		return nil, &Denial{Reason: NoComparisons}
	}
	a.compared++
	return &Logon{account: a, comparison: true, release: func() {}}, nil
}

// ownLimit is the denial where this run alone has reached the limit.
func (a *Account) ownLimit(use Use) *Denial {
	if n := a.Refused(); n+max(use.Room, 1) > a.Max {
		return &Denial{Reason: LimitReached, Count: n, Max: a.Max}
	}
	return nil
}

// Refused is how many logons of this run count, under all forms of the name.
func (a *Account) Refused() int {
	l := a.lockout
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, o := range l.own {
		if o.account.name.same(a.name) {
			n++
		}
	}
	return n
}

// answer is what the state says of a logon that is to be sent.
type answer struct {
	denial *Denial
	needs  []byte // the salt for which the password's check must be known first
}

// writeDown writes the logon into the state, if that allows it.
func (a *Account) writeDown(ctx context.Context, logon *Logon, use Use) *Denial {
	l := a.lockout
	until := logon.begin(ctx)
	own := a.Refused()
	said, err := a.checked(func(s *logons, c check) (answer, bool, error) {
		if c.value == nil && a.Password != "" && (l.UntilReleased || a.needsCheck(s, use)) {
			return answer{needs: s.salt()}, false, nil
		}
		if d := a.denied(s, use, own, c); d != nil {
			return answer{denial: d}, false, nil
		}
		e := logon.entry(s, until)
		if l.UntilReleased {
			e.Check = c.value
		}
		s.Logons = append(s.Logons, e)
		return answer{}, true, nil
	})
	switch {
	case err != nil:
		return a.noRecord(err)
	case said.denial != nil && said.denial.Reason == RefusedBefore:
		return a.stand(said.denial)
	case said.denial != nil:
		return said.denial
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own = append(l.own, logon)
	return nil
}

// stand makes a denial hold for the rest of the run.
func (a *Account) stand(d *Denial) *Denial {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.standing = d
	return d
}

// begin numbers the logon and returns until when its answer is waited for.
func (g *Logon) begin(ctx context.Context) (until time.Time) {
	l := g.account.lockout
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number++
	g.number, g.at = l.number, l.now().UTC()
	if end, ok := ctx.Deadline(); ok {
		return end.UTC()
	}
	return g.at.Add(time.Minute)
}

// record writes a logon down whatever the state says: the password is proved, and
// the caller keeps to the limits.
func (a *Account) record(ctx context.Context, at *url.URL) (*Logon, error) {
	g := &Logon{account: a, where: at, release: func() {}}
	until := g.begin(ctx)
	_, err := look(a, func(s *logons) (bool, bool, error) {
		s.Logons = append(s.Logons, g.entry(s, until))
		return true, true, nil
	})
	if err != nil {
		return nil, err
	}
	l := a.lockout
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own = append(l.own, g)
	return g, nil
}

// total is how many logons of the account count, in all runs.
func (a *Account) total() (int, error) {
	own := a.Refused()
	return look(a, func(s *logons) (int, bool, error) {
		return own + len(a.counted(s, check{})), false, nil
	})
}

// check is what is kept of the account's password under a salt.
type check struct {
	salt  string
	value *uint16 // nil: not computed
}

// checked has work change the state, with the check of the password under its
// salt once that was computed: which is done outside the folder's lock, and only
// where work says that it needs it.
func (a *Account) checked(work func(*logons, check) (answer, bool, error)) (answer, error) {
	for {
		a.mu.Lock()
		known := a.check
		a.mu.Unlock()
		said, err := look(a, func(s *logons) (answer, bool, error) {
			if len(s.Logons) == 0 && known.salt != "" {
				s.Salt = []byte(known.salt) // nothing else is salted with another
			}
			c := known
			if c.salt != string(s.Salt) {
				c = check{}
			}
			return work(s, c)
		})
		if err != nil || said.needs == nil {
			return said, err
		}
		value := passwordCheck(said.needs, a.Password)
		a.mu.Lock()
		a.check = check{string(said.needs), &value}
		a.mu.Unlock()
	}
}

// needsCheck says whether the state holds a refusal that only the check of the
// password tells to be, or not to be, one of this password.
func (a *Account) needsCheck(s *logons, use Use) bool {
	return slices.ContainsFunc(s.Logons, func(e logon) bool {
		return e.Check != nil && (e.Keep || a.bars(s, e, use)) && s.of(e, a.name)
	})
}

// bars says whether a refusal would keep the password from being sent, if it was
// of the same one.
func (a *Account) bars(s *logons, e logon, use Use) bool {
	if a.RetryRefused || a.lockout.UntilReleased || !e.Refused || e.Run == a.lockout.run {
		return false
	}
	return use.At != nil && e.Where == s.where(use.At) || slices.ContainsFunc(use.Also, func(u *url.URL) bool { return e.Where == s.where(u) })
}

// RefusedBefore says when another run was refused with the same password at an
// endpoint; nil: none was, or it is not known.
func (a *Account) RefusedBefore(at *url.URL) *Denial {
	said, _ := a.checked(func(s *logons, c check) (answer, bool, error) {
		if c.value == nil && a.Password != "" && a.needsCheck(s, Use{At: at}) {
			return answer{needs: s.salt()}, false, nil
		}
		return answer{denial: a.bar(s, Use{At: at}, c)}, false, nil
	})
	return said.denial
}

// denied says why the state does not allow another logon; own is how many of this
// run count.
func (a *Account) denied(s *logons, use Use, own int, c check) *Denial {
	if bar := a.bar(s, use, c); bar != nil {
		return bar
	}
	counted := a.counted(s, c)
	total := own + len(counted)
	over := total + max(use.Room, 1) - a.Max // so many must be over before another may be sent
	if over <= 0 {
		return nil
	}
	d := &Denial{Reason: LimitReached, Count: total, Max: a.Max, Earlier: len(counted) > 0}
	if len(counted) > 0 {
		d.At = counted[0].At
		plain := 0
		for _, e := range counted {
			if e.Refused {
				plain++
			}
		}
		d.Retry = plain >= over
		kept := slices.ContainsFunc(counted, func(e logon) bool { return e.Keep })
		if last := counted[min(over, len(counted))-1]; !kept {
			d.Until = last.At.Add(Remembered)
		}
	}
	return d
}

// bar is the denial where another run was refused with the same password, the last
// time that it was.
func (a *Account) bar(s *logons, use Use, c check) (d *Denial) {
	for _, e := range s.Logons {
		if e.Check == nil || c.value == nil || *e.Check != *c.value || !a.bars(s, e, use) || !s.of(e, a.name) {
			continue
		}
		d = &Denial{Reason: RefusedBefore, At: e.At, Until: e.At.Add(Remembered)}
		if e.Keep {
			d.Until = time.Time{}
		}
		if written := s.nameOf(e, a.name.user); !strings.EqualFold(written, a.User) {
			d.Account = written
		}
	}
	return d
}

// counted are the logons of other runs that count, the oldest first.
func (a *Account) counted(s *logons, c check) (list []logon) {
	for _, e := range s.Logons {
		changed := e.Keep && e.Check != nil && c.value != nil && *e.Check != *c.value
		again := a.RetryRefused && e.Refused && e.At.Before(a.began)
		if e.Run != a.lockout.run && !e.NoCount && !changed && !again && s.of(e, a.name) {
			list = append(list, e)
		}
	}
	return list
}

// entry is the logon as it is stored.
func (g *Logon) entry(s *logons, until time.Time) logon {
	a := g.account
	return logon{
		Run: a.lockout.run, Number: g.number, At: g.at, Until: until, Name: s.seal(a.User), Where: s.where(g.where), Keep: a.lockout.UntilReleased,
	}
}

func (a *Account) noRecord(err error) *Denial {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trouble == nil { // what follows is the same
		a.trouble = err
	}
	return &Denial{Reason: NoRecord, Err: err}
}

// Trouble is what the state could not do; nil nothing.
func (a *Account) Trouble() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trouble == nil {
		return nil
	}
	return fmt.Errorf("the count of refused logons: %w", a.trouble)
}
