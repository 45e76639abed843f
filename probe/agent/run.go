package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// run makes one run of the target.
func (t *task) run(ctx context.Context, k kind) {
	defer func() {
		if p := recover(); p != nil { // one target must not take the others with it
			t.agent.options.Log.Error("a run failed by a fault of the program", "target", t.name,
				"fault", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	c, g := t.target(), t.account()
	sends := k == whole && c.SendsCredential()
	if sends {
		if sends = g.take(t.agent.stop); sends {
			defer g.give()
		}
	}
	slots := t.agent.slots.Load() // a new configuration may bring others
	if slots.Acquire(t.agent.stop, 1) != nil {
		return
	}
	defer slots.Release(1)
	t.locked(func() {
		t.running = true
		t.publish()
	})
	defer t.locked(func() {
		t.running = false
		t.publish()
	})
	sends = sends && t.maySend()
	started := time.Now()
	cfg, rec := c.Check.Anonymous(), evidence.Record{}
	var unread error
	if sends {
		cfg, unread = t.withCredential(ctx, c)
	}
	if unread != nil {
		t.store(report.Refused("config-invalid", c.Check.Target(), unread.Error(), t.agent.options.Version, started), started, false, true)
		return
	}
	if d := c.Dynamics; d != nil && d.Mailbox != "" && k == whole && (sends || !c.SendsCredential()) {
		began, found := time.Now(), d.ReadMailbox(ctx)
		cfg.Before, cfg.Profile = found.Items, cmp.Or(cfg.Profile, found.Profile)
		cfg.Timeout = max(cfg.Timeout-time.Since(began), time.Second)
	}
	rec, trouble := t.agent.options.Check(ctx, cfg)
	t.locked(func() { t.lockout = nil })
	if trouble != nil {
		t.agent.options.Log.Warn("the count of refused logons is in doubt", "target", t.name, "why", trouble.Error())
	}
	if ctx.Err() != nil || cfg.Lockout != nil && cfg.Lockout.Kept() {
		return // it was broken off, and says nothing about the target
	}
	before := t.shown.Load().LogonsLeft
	t.store(report.New(rec, t.agent.options.Version), started, sends, sends || !c.SendsCredential())
	if t.shown.Load().LogonsLeft != before {
		t.agent.lookAt(g)
	}
}

// credential is the whole check, with the password as it is now.
func (t *task) credential(ctx context.Context, c *agentfile.Target) (cfg probe.Config, err error) {
	cfg = c.Check
	cfg.Lockout = &lockout.Lockout{Dir: t.agent.options.Lockouts, UntilReleased: true, Checks: &t.agent.checks}
	if c.NeedsPassword() {
		cfg.Password, err = t.agent.options.Password(ctx, c)
	}
	return cfg, err
}

// withCredential is credential of the run under way, whose logons stop with the agent.
func (t *task) withCredential(ctx context.Context, c *agentfile.Target) (cfg probe.Config, err error) {
	if cfg, err = t.credential(ctx, c); err != nil {
		return cfg, err
	}
	t.locked(func() { t.lockout = cfg.Lockout })
	if t.agent.stop.Err() != nil {
		cfg.Lockout.Stop()
	}
	return cfg, nil
}

// maySend says whether the credential may be used now. Where it is withheld, or what
// it costs could not be written down, the run sends none. The first run of a target
// is still made, and says why nothing was sent: else it would have no status.
func (t *task) maySend() bool {
	t.look()
	log := t.agent.options.Log
	if !t.target().SignsIn() { // a token costs no logon
		return true
	}
	if t.agent.backlog.failing() {
		log.Warn("nothing can be stored, so no credential is sent", "target", t.name)
		return false
	}
	if err := lockout.Writable(t.agent.options.Lockouts); err != nil {
		log.Error("the count of refused logons cannot be written, so no credential is sent", "target", t.name, "why", err.Error())
		return false
	}
	return t.shown.Load().Withheld == nil || t.shown.Load().Whole == nil
}

// store stores the run that a report is of.
func (t *task) store(r report.Report, started time.Time, credential, whole bool) {
	raw, err := r.JSON()
	if err != nil {
		t.agent.options.Log.Error("a run cannot be written down", "target", t.name, "why", err.Error())
		return
	}
	seen := &Seen{Run: Run{Whole: whole, Run: history.Run{
		Target: t.name, Started: started.UTC().Round(time.Millisecond), Duration: time.Duration(r.DurationMS) * time.Millisecond,
		Status: r.Verdict.Status, Code: r.Verdict.Code, Summary: r.Verdict.Summary, Credential: credential,
	}}}
	for _, item := range r.Evidence {
		if item.Step == evidence.StepAnonymous && item.Response != nil && seen.Run.HTTPStatus == 0 {
			seen.Run.HTTPStatus = item.Response.Status
		}
		if tls := item.TLS; tls != nil && tls.Certificate != nil {
			if end := tls.Certificate.NotAfter; seen.Run.Certificate.IsZero() || end.Before(seen.Run.Certificate) {
				seen.Run.Certificate = end
			}
		}
	}
	r.Evidence = nil // it is in the storage, and would fill the memory
	seen.Report = &r
	withheld := t.shown.Load().Withheld
	if credential {
		var left int
		left, withheld, _ = t.measure()
		t.locked(func() { t.left = left })
	}
	t.agent.backlog.store(waiting{task: t, seen: seen, raw: raw, withheld: withheld})
}

// maxChanges and maxValues bound what is kept of a transition.
const (
	maxChanges = 20
	maxValues  = 12
)

// transition is the change of the status to that of next, with what differs from the
// last run of the same kind.
func (t *task) transition(next state, w waiting) *history.Transition {
	tr := &history.Transition{
		Target: t.name, At: next.Since, From: t.state.Status, To: next.Status, FromCode: t.state.Code, ToCode: next.Code,
	}
	before := t.state.Partial
	if w.seen.Run.Whole && t.state.Whole != nil || before == nil {
		before = t.state.Whole
	}
	if before == nil || before.Run.ID == 0 {
		return tr
	}
	tr.Previous = before.Run.ID
	raw, err := t.agent.store.Record(context.Background(), t.name, before.Run.ID)
	a, errA := report.Load(raw)
	b, errB := report.Load(w.raw)
	if errors.Join(err, errA, errB) != nil {
		return tr
	}
	for _, d := range diff.Compare(a, b).Differences {
		if len(tr.Changes) == maxChanges {
			break
		}
		tr.Changes = append(tr.Changes, history.Change{
			What: d.What, Before: d.A[:min(len(d.A), maxValues)], After: d.B[:min(len(d.B), maxValues)], Explains: d.Explains != diff.Neither,
		})
	}
	return tr
}

// count counts a run and its logons.
func (t *task) count(seen *Seen) {
	t.took.add(seen.Run.Duration)
	for _, a := range seen.Report.Attempts {
		if a.Result != string(evidence.Skipped) {
			t.logons[Logon{a.Scheme, a.Result}]++
		}
	}
}

func (h *Histogram) add(d time.Duration) {
	i := 0
	for i < len(DurationBuckets) && d.Seconds() > DurationBuckets[i] {
		i++
	}
	h.Counts[i]++
	h.Sum += d
}
