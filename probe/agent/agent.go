// Package agent checks targets on a schedule, remembers what it has seen, and says
// when that changes. It is `check` that stays: evidence, judgement and report are
// those of package probe and the packages below it.
//
// An Agent shows its state with Snapshot, which costs no disk, and gives its store
// for the past. It sends nothing by itself but the checks: pages and notifications
// are other packages, which cmd/ewsprobe joins.
package agent

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/semaphore"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// What an action can be refused for.
var (
	ErrUnknown  = errors.New("there is no such target")
	ErrWithheld = errors.New("the credential is withheld")
)

// Options are what an agent is made of.
type Options struct {
	// Load reads the configuration, at the start and at each reload.
	Load    func(context.Context) (*agentfile.File, error)
	Version string
	Log     *slog.Logger
	// Check makes one check, as probe.Run does.
	Check func(context.Context, probe.Config) (evidence.Record, error)
	// Lockouts is where refused logons are counted.
	Lockouts string
	// Password reads the password of a target at every run.
	Password func(context.Context, *agentfile.Target) (string, error)
	// Decide says what is to be told of a target, with what it remembered before.
	// What it returns is stored with the run.
	Decide func(Event, map[string][]byte) (remember map[string][]byte, tell []history.Notification)
	// Mailboxes opens the list of a target's mailboxes.
	Mailboxes func(context.Context, *agentfile.Target) (rows iter.Seq2[batch.Row, error], done func(), err error)
	// Stored is called when something is to be told.
	Stored func()
	// Reloaded is called with each configuration, the first too.
	Reloaded func(*agentfile.File)
}

// Agent is one that runs.
type Agent struct {
	options Options
	lock    *flock.Flock // of the storage
	store   *history.Store
	slots   atomic.Pointer[semaphore.Weighted] // the runs that may be made at a time
	backlog backlog
	checks  lockout.Checks
	windows windows
	current atomic.Pointer[agentfile.File]
	stop    context.Context // over when no further run is to begin
	end     context.CancelFunc

	mu       sync.Mutex
	tasks    map[string]*task
	accounts map[string]*account
	running  context.Context // nil before Run
	group    sync.WaitGroup
	shown    atomic.Pointer[[]*task] // by name
}

// New reads the configuration and opens the storage. Nothing is sent before Run.
func New(ctx context.Context, o Options) (*Agent, error) {
	file, err := o.Load(ctx)
	if err != nil {
		return nil, err
	}
	a := &Agent{options: o, tasks: map[string]*task{}, accounts: map[string]*account{}}
	a.stop, a.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := a.open(file); err != nil {
		return nil, err
	}
	kept, err := a.store.Kept(ctx)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.take(file, kept)
	return a, nil
}

// open takes the storage for this agent alone.
func (a *Agent) open(file *agentfile.File) error {
	if err := makeFolder(file.Storage); err != nil {
		return fmt.Errorf("the storage cannot be used: %w", err)
	}
	a.lock = flock.New(filepath.Join(file.Storage, "agent.lock"), flock.SetPermissions(0o600))
	switch ok, err := a.lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("the storage cannot be locked: %w", err)
	case !ok:
		return fmt.Errorf("another agent uses the storage %s; stop it, or give another folder with storage", file.Storage)
	}
	var err error
	a.store, err = history.Open(file.Storage, func(aside string, why error) {
		a.options.Log.Error("the history was damaged and is moved aside; a new one is begun", "file", aside, "why", why.Error())
	})
	if err != nil {
		return fmt.Errorf("the storage cannot be opened: %w", errors.Join(err, a.lock.Close()))
	}
	return nil
}

// makeFolder makes a folder that only this user can look into. One that is there and
// holds something else is left as it is.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	own := slices.ContainsFunc(list, func(e os.DirEntry) bool { return e.Name() == history.FileName })
	if len(list) > 0 && !own {
		return nil
	}
	return os.Chmod(dir, 0o700) //nolint:gosec // it is a folder
}

// Close gives the storage back, after Run and whatever else uses it has ended.
func (a *Agent) Close() error { return errors.Join(a.store.Close(), a.lock.Close()) }

// take makes a configuration the agent's. Targets that it has already keep their
// schedule and their state.
func (a *Agent) take(file *agentfile.File, kept history.Kept) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.tasks
	a.tasks = map[string]*task{}
	if now := a.current.Swap(file); now == nil || now.MaxConcurrentChecks != file.MaxConcurrentChecks {
		a.slots.Store(semaphore.NewWeighted(int64(file.MaxConcurrentChecks)))
	}
	for _, t := range file.Targets {
		known := before[t.Name]
		if known == nil {
			known = newTask(a, t, kept)
			if a.running != nil {
				a.begin(known)
			}
		} else {
			known.change(t, a.account(t))
		}
		a.tasks[t.Name] = known
	}
	for name, t := range before {
		if a.tasks[name] == nil {
			t.end()
		}
	}
	shown := slices.SortedFunc(maps.Values(a.tasks), func(x, y *task) int { return strings.Compare(x.name, y.name) })
	a.shown.Store(&shown)
	a.options.Reloaded(file)
}

// grace is how long runs under way may go on when the agent is stopped, without a
// logon that they have not begun.
const grace = 6 * time.Second

// Run makes the checks until ctx ends; then it waits for those under way, which begin
// no further logon, and are broken off when they take too long.
func (a *Agent) Run(ctx context.Context) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	a.mu.Lock()
	a.running = running
	for _, t := range a.tasks {
		a.begin(t)
	}
	a.mu.Unlock()
	a.group.Go(func() { a.maintain(running) })
	<-ctx.Done()
	a.end()
	for _, t := range *a.shown.Load() {
		t.stopLogons()
	}
	patience := time.AfterFunc(grace, cancel)
	a.group.Wait()
	patience.Stop()
}

// begin starts a target's runs. It is called under the lock.
func (a *Agent) begin(t *task) { a.group.Go(func() { t.loop(a.running) }) }

// maintain does what is due from time to time.
func (a *Agent) maintain(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	var removed time.Time
	for {
		if time.Since(removed) > time.Hour {
			removed = time.Now()
			if n, err := a.store.Remove(ctx, time.Now().Add(-a.File().Retention)); err != nil {
				a.options.Log.Error("old runs cannot be removed", "why", err.Error())
			} else if n > 0 {
				a.options.Log.Info("old runs were removed", "runs", n)
			}
		}
		select {
		case <-a.stop.Done():
			return
		case <-tick.C:
		}
		a.backlog.flush(a)
		for _, t := range *a.shown.Load() {
			if t.shown.Load().Withheld != nil { // another process may have released it
				t.look()
			}
			t.tellDue()
		}
	}
}

// File is the configuration.
func (a *Agent) File() *agentfile.File { return a.current.Load() }

// Store is the past.
func (a *Agent) Store() *history.Store { return a.store }

// Snapshot is the state of all targets, by name. It costs no disk.
func (a *Agent) Snapshot() []*Target {
	var list []*Target
	for _, t := range *a.shown.Load() {
		list = append(list, t.shown.Load())
	}
	return list
}

// Target is the state of one target; nil: there is none.
func (a *Agent) Target(name string) *Target {
	if t := a.task(name); t != nil {
		return t.shown.Load()
	}
	return nil
}

func (a *Agent) task(name string) *task {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tasks[name]
}

// NotStored is how many runs could not be stored since the start, and why the last
// could not; "" that it was.
func (a *Agent) NotStored() (n int, why string) {
	if last := a.backlog.why.Load(); last != nil {
		why = *last
	}
	return int(a.backlog.count.Load()), why
}

// RunNow has a target checked as soon as can be; with a run under way once more
// after it. The error is ErrUnknown or ErrWithheld.
func (a *Agent) RunNow(name string, credential bool) error {
	t := a.task(name)
	if t == nil {
		return ErrUnknown
	}
	return t.demand(credential)
}

// Release lets the withheld credential of a target be used again.
func (a *Agent) Release(name string) error {
	t := a.task(name)
	if t == nil {
		return ErrUnknown
	}
	if err := Release(t.target().Check, a.options.Lockouts); err != nil {
		return err
	}
	a.options.Log.Info("the credential is released", "target", name)
	a.lookAt(t.account())
	return nil
}

// Release sets the count of refused logons of a target's account to zero, in the
// folder where they are counted.
func Release(c probe.Config, lockouts string) error {
	c.Lockout = &lockout.Lockout{Dir: lockouts, UntilReleased: true}
	account := c.Account()
	if err := account.Release(); err != nil {
		return err
	}
	return account.Trouble()
}

// Silence has nobody notified of a target for so long; 0 ends it.
func (a *Agent) Silence(name string, d time.Duration) error {
	t := a.task(name)
	if t == nil {
		return ErrUnknown
	}
	return t.silence(d)
}

// Reload reloads the configuration: all of it, or nothing.
func (a *Agent) Reload(ctx context.Context) error {
	file, err := a.options.Load(ctx)
	if err != nil {
		return err
	}
	now := a.File()
	for _, c := range []struct{ key, before, after string }{
		{"storage", now.Storage, file.Storage}, {"listen", now.Listen, file.Listen}, {"web_config", now.WebConfig, file.WebConfig},
	} {
		if c.before != c.after {
			return fmt.Errorf("%s changed from %s to %s, which needs a restart; nothing was reloaded", c.key, c.before, c.after)
		}
	}
	kept, err := a.store.Kept(ctx) // for a target that there was once
	if err != nil {
		return fmt.Errorf("the storage cannot be read: %w", err)
	}
	a.take(file, kept)
	a.options.Log.Info("the configuration was reloaded", "targets", len(file.Targets))
	return nil
}

// Ready says that configuration and storage were read and runs are made; else why
// not.
func (a *Agent) Ready() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running == nil {
		return errors.New("the agent is starting")
	}
	return nil
}
