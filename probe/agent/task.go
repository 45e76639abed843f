package agent

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// kind is one of the runs that a target has.
type kind int

const (
	whole kind = iota
	anonymous
	mailboxes
)

// task is one target under way. Its runs are made by one goroutine, so that none
// overlaps another.
type task struct {
	name  string
	agent *Agent
	shown atomic.Pointer[Target]
	ctx   context.Context //nolint:containedctx // over when no further run is to begin
	end   context.CancelFunc
	wake  chan struct{} // capacity 1: a run is asked for, or the configuration is new

	mu      sync.Mutex
	config  *agentfile.Target
	group   *account
	asked   *bool // a run on demand waits, and whether it is a whole one
	running bool
	next    time.Time
	lockout *lockout.Lockout // of the run under way; nil none

	state  state
	told   map[string][]byte
	bars   [3]history.Bar
	left   int // logons, before the credential is withheld
	logons map[Logon]int
	took   Histogram
	latest *Run // where it is not stored
}

func newTask(a *Agent, c *agentfile.Target, kept history.Kept) *task {
	t := &task{
		name: c.Name, agent: a, wake: make(chan struct{}, 1),
		config: c, group: a.account(c), told: kept.Told[c.Name], left: c.Check.MaxRejections, logons: map[Logon]int{},
	}
	t.ctx, t.end = context.WithCancel(a.stop)
	if raw := kept.States[c.Name]; raw != nil {
		var err error
		if t.state, err = readState(raw); err != nil { // of another version: it starts empty
			a.options.Log.Warn("what was kept of the target cannot be read", "target", c.Name, "why", err.Error())
		}
	}
	if t.told == nil {
		t.told = map[string][]byte{}
	}
	if bars := kept.Spans[c.Name]; bars != nil {
		t.bars = *bars
	}
	t.publish()
	return t
}

// publish shows the state. It is called under the lock, or before anybody knows t.
func (t *task) publish() { t.shown.Store(t.show(&t.state, t.latest)) }

// show is the target in a state. latest is a last run that is not stored.
func (t *task) show(s *state, latest *Run) *Target {
	c := t.config
	bars := t.bars
	shown := &Target{
		State: s.State, Name: t.name, Endpoint: c.Endpoint, View: c.Check.View, URL: c.Check.Target().URL, Labels: c.Labels,
		LastRun: latest, NextRun: t.next, Running: t.running, LogonsLeft: t.left, Muted: t.muted(s, time.Now()),
		Logons: maps.Clone(t.logons), Durations: t.took, Spans: &bars, deciding: s.about(),
	}
	if shown.URL == "" {
		shown.URL = c.Settings.Target
	}
	if latest == nil && s.LastRun != nil {
		shown.LastRun = &s.LastRun.Run
	}
	return shown
}

// muted says whether nobody is notified of the target.
func (t *task) muted(s *state, at time.Time) bool {
	if s.SilencedUntil.After(at) {
		return true
	}
	return slices.ContainsFunc(t.agent.windows.at(t.agent.File(), at), func(w *agentfile.Window) bool { return w.Covers(t.name) })
}

// windows are those that are open. To find out takes longer than all targets together
// have time to ask.
type windows struct {
	mu     sync.Mutex
	file   *agentfile.File
	second int64
	open   []*agentfile.Window
}

func (w *windows) at(file *agentfile.File, at time.Time) []*agentfile.Window {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file != file || w.second != at.Unix() {
		w.file, w.second, w.open = file, at.Unix(), nil
		for _, one := range file.Maintenance {
			if one.Open(at) {
				w.open = append(w.open, one)
			}
		}
	}
	return w.open
}

func (t *task) locked(work func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	work()
}

func (t *task) target() (c *agentfile.Target) {
	t.locked(func() { c = t.config })
	return c
}

func (t *task) account() (g *account) {
	t.locked(func() { g = t.group })
	return g
}

// change gives the target a new configuration.
func (t *task) change(c *agentfile.Target, g *account) {
	t.locked(func() {
		t.config, t.group = c, g
		t.left = min(t.left, c.Check.MaxRejections)
		t.publish()
	})
	t.trigger()
}

func (t *task) trigger() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// stopLogons lets the run under way begin no further logon.
func (t *task) stopLogons() {
	t.locked(func() {
		if t.lockout != nil {
			t.lockout.Stop()
		}
	})
}

// demand has a run made as soon as can be.
func (t *task) demand(credential bool) error {
	c := t.target()
	if c.SignsIn() {
		t.look()
		if t.shown.Load().Withheld != nil {
			return ErrWithheld
		}
	}
	t.locked(func() {
		if t.asked != nil {
			credential = credential || *t.asked
		}
		t.asked = &credential
	})
	t.trigger()
	return nil
}

// due takes the run on demand, if there is one.
func (t *task) due() (k kind, ok bool) {
	t.locked(func() {
		if ok = t.asked != nil; ok && !*t.asked {
			k = anonymous
		}
		t.asked = nil
	})
	return k, ok
}

// loop makes the runs of the target until it is ended, or the agent is.
func (t *task) loop(ctx context.Context) {
	t.look()
	var last time.Time // the moment of the last run
	var batches sync.WaitGroup
	defer batches.Wait()
	var batching sync.Mutex
	for {
		k, at := t.coming(last)
		t.locked(func() {
			t.next = at
			t.publish()
		})
		// How long that is does not change when the clock is set.
		timer, fired := time.NewTimer(time.Until(at)), false
		select {
		case <-t.ctx.Done():
		case <-t.wake:
		case <-timer.C:
			fired = true
		}
		timer.Stop()
		asked, isAsked := t.due()
		switch {
		case t.ctx.Err() != nil:
			return
		case isAsked:
			t.run(ctx, asked)
			continue
		case !fired: // the configuration is new
			continue
		}
		last = at
		if k == mailboxes {
			if batching.TryLock() { // else the one before is still under way
				batches.Go(func() {
					defer batching.Unlock()
					t.batch(ctx)
				})
			}
			continue
		}
		t.run(ctx, k)
	}
}

// coming is the next run of the schedule. last is the moment of the last one: the
// clock of the wall may be behind it by a little, for which it is not made again.
func (t *task) coming(last time.Time) (k kind, at time.Time) {
	c := t.target()
	every, between := c.Of()
	now := time.Now().Round(0)
	if last.After(now) && last.Sub(now) < maxJitter {
		now = last
	}
	recurrences := recurrencesOf(t.name, every, between)
	if c.HasMailboxes() { // at moments of its own: it takes longer
		recurrences = append(recurrences, recurrencesOf(t.name+" mailboxes", c.MailboxInterval)...)
	}
	for i, b := range recurrences {
		if next := b.next(now); !next.IsZero() && (at.IsZero() || next.Before(at)) {
			k, at = kind(i), next
		}
	}
	return k, at
}

// silence has nobody notified for so long; 0 ends it.
func (t *task) silence(d time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := t.state
	if next.SilencedUntil = time.Now().UTC().Add(d); d <= 0 {
		next.SilencedUntil = time.Time{}
	}
	return t.keep(next, nil)
}

// keep stores a state without a run, and what is to be told of it. It is called under
// the lock.
func (t *task) keep(next state, e *Event) error {
	remember, tell := t.decide(e, &next)
	if len(tell) == 0 && len(remember) == 0 && reflect.DeepEqual(t.state, next) {
		return nil
	}
	raw, err := json.Marshal(next)
	if err == nil {
		err = t.agent.store.Keep(t.name, raw, remember, tell)
	}
	if err != nil {
		return err
	}
	t.state = next
	maps.Copy(t.told, remember)
	t.publish()
	if len(tell) > 0 {
		t.agent.options.Stored()
	}
	return nil
}

// decide says what is to be told of a state, and what is new to remember.
func (t *task) decide(e *Event, s *state) (remember map[string][]byte, tell []history.Notification) {
	if e == nil {
		return nil, nil
	}
	e.At, e.Target = time.Now(), t.show(s, nil)
	remember, tell = t.agent.options.Decide(*e, t.told)
	remember = maps.Clone(remember)
	maps.DeleteFunc(remember, func(channel string, raw []byte) bool { return string(t.told[channel]) == string(raw) })
	return remember, tell
}

// tellDue tells what the passing of time alone has made due: reminders, and what is
// still wrong when maintenance ends.
func (t *task) tellDue() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Status == "" || t.agent.backlog.failing() {
		return
	}
	if err := t.keep(t.state, &Event{}); err != nil {
		t.agent.options.Log.Error("what is to be told cannot be stored", "target", t.name, "why", err.Error())
	}
	if t.muted(&t.state, time.Now()) != t.shown.Load().Muted {
		t.publish()
	}
}

// notStored shows a run that could not be stored.
func (t *task) notStored(seen *Seen) {
	t.locked(func() {
		t.latest = &seen.Run
		t.publish()
	})
}

// commit stores a run and what follows from it, and shows it then.
func (t *task) commit(w waiting) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	next, counts := t.state.with(w.seen)
	next.Withheld = w.withheld
	e := &history.Entry{Run: w.seen.Run.Run, Record: w.raw}
	if before := t.state.Status; next.Status != before && (before != "" || next.Status != finding.OK) {
		e.Transition = t.transition(next, w)
		next.Changed = e.Transition.Changes
	}
	var stored state
	e.State = func(id int64) []byte {
		stored = next.numbered(w.seen, id)
		raw, err := json.Marshal(stored)
		if err != nil { // a state has nothing that JSON cannot say
			panic(err)
		}
		return raw
	}
	e.Told, e.Notifications = t.decide(&Event{Counts: counts}, &next)
	if err := t.agent.store.Add(e); err != nil {
		return err
	}
	t.state, t.latest = stored, nil
	maps.Copy(t.told, e.Told)
	for i, width := range history.Widths {
		t.bars[i] = t.bars[i].With(e.Run, width)
	}
	t.count(w.seen)
	t.publish()
	if len(e.Notifications) > 0 {
		t.agent.options.Stored()
	}
	return nil
}
