package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// Config is one run, complete.
type Config struct {
	Probe       probe.Config // of the endpoint; Mailbox is empty
	Impersonate bool
	Concurrency int
	PerMailbox  time.Duration // how long a mailbox is tried
	Shard       Shard
	// Rows are read once, one at a time. An error ends the input.
	Rows iter.Seq2[Row, error]
	// Password reads the file that a row names. Not nil: rows name their own
	// accounts, and Probe has none.
	Password func(file string) (string, error)
	// Emit is given each result as it comes, one at a time. It may wait with
	// writing until Flush is called, which is soon.
	Emit  func(report.Row) error
	Flush func() error
	State *State // nil: nothing is kept for a later run
	// Outside looks up a mailbox that failed outside the network; nil: nothing is.
	Outside func(ctx context.Context, mailbox string) []evidence.Item
	// Endpoint is told what the endpoint's own check found.
	Endpoint func(evidence.Record, rule.Judgement, error)
	// Redact takes the names out of what a row is judged by, and Mask out of what is given
	// out; nil leaves them.
	Redact func(evidence.Record) evidence.Record
	Mask   *report.Mask
	// Watch is told, now and then, how to ask how far the run has come.
	Watch func(func() Progress)
	// Total is how many rows there will be, of which so many were read, and whether that
	// is sure; 0: not known. nil: it never is.
	Total func(read int) (rows int, sure bool)
}

// run is one batch under way.
type run struct {
	Config
	limiter   *limiter
	tally     *tally
	templates *templates
	seen      *seen
	lookUp    *outside // nil: nothing is looked up

	writes *writeQueue
	halt   context.CancelCauseFunc

	memory error                  // refused passwords that the next run will not know of
	gaveUp atomic.Pointer[string] // why the server is not asked any more; nil: it is
}

// down is why the server is not asked any more; "" it is.
func (r *run) down() string { return *cmp.Or(r.gaveUp.Load(), new(string)) }

// giveUpAfter is after how long without any answer the server is given up, all
// mailboxes together.
func (r *run) giveUpAfter() time.Duration { return max(r.PerMailbox, minGiveUpAfter) }

var minGiveUpAfter = 2 * time.Minute // a test has less

// Run carries out a batch. Whatever servers do is in the results; the error is
// for what this machine could not do: reading the input, writing results or the
// state.
func Run(ctx context.Context, c Config) (report.Summary, error) {
	if c.Probe.Lockout == nil {
		c.Probe.Lockout = &lockout.Lockout{} // all accounts share it
	}
	r := &run{
		Config: c, tally: newTally(time.Now()), templates: &templates{}, limiter: newLimiter(c.Concurrency),
		seen: newSeen(), lookUp: newOutside(c.Outside),
	}
	r.tally.s.Shard = c.Shard.String()
	if c.State != nil {
		c.State.replay(r)
	}
	halting, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	r.halt = halt
	r.writes = newWriteQueue(c, r.tally, halt)
	var plan *accounts
	if c.Password != nil {
		plan = r.manyAccounts(halting)
	} else {
		plan = r.oneAccount(halting)
	}
	var err error
	if halting.Err() == nil {
		err = r.all(halting, plan)
	}
	at, s := r.limiter.now(), &r.tally.s
	s.Pauses, s.PausedMS, s.Stopped = at.pauses, at.paused.Milliseconds(), plan.stopped()
	if note := r.lookUp.note(); note != "" {
		s.Notes = append(s.Notes, note)
	}
	if ctx.Err() != nil {
		s.Stopped = evidence.StoppedByUser
	}
	return r.tally.summary(c.Mask), err
}

// examined is what a check has found, and what signs in as it did.
type examined struct {
	rec      evidence.Record
	judged   rule.Judgement
	refused  int                 // logons
	pool     *signin.SessionPool // nil: no logon by the profile's scheme was accepted
	accepted *evidence.Item      // the one that the sessions repeat
}

// examine is a check of the endpoint, made once more where the server only asks
// for patience and nobody's password was refused; with insist also where it is
// away, as long as a mailbox would be tried.
func (r *run) examine(ctx context.Context, c probe.Config, insist bool) (e examined, trouble error) {
	end := time.Now().Add(r.PerMailbox)
	if insist {
		end = time.Now().Add(r.giveUpAfter())
	}
	for try := 0; ; try++ {
		e = examined{}
		e.rec, e.pool, e.accepted, trouble = probe.Examine(ctx, c)
		if e.rec.Target.Mailbox == "" {
			e.rec.Target.Impersonate = r.Impersonate
		}
		var wait time.Duration
		for _, item := range e.rec.Items {
			if item.Logon != nil && item.Logon.Counted {
				e.refused++
			}
			if k := kindOf(item); k == patience || k == busyMailbox {
				wait = max(wait, requestedPause(item), time.Second)
			}
		}
		if e.pool != nil && e.pool.Way.Traits.EachRequest && e.pool.Instead != nil && r.staysSignedIn(ctx, c, &e) {
			e.pool = e.pool.Instead
		}
		e.judged = rule.Judge(e.rec)
		if insist && wait == 0 && e.away() {
			wait = backOff(try)
		}
		if e.pool != nil || e.refused > 0 || wait == 0 || time.Now().Add(wait).After(end) {
			return e, trouble
		}
		if sleep(ctx, wait) != nil {
			return e, trouble
		}
	}
}

// staysSignedIn says whether a connection that NTLM signs in stays signed in. Then NTLM
// carries the calls although the profile uses Basic, whose logon the check has
// proved: the password does not go with each call, and one that is changed in
// mid-run is not refused to all that are under way.
func (r *run) staysSignedIn(ctx context.Context, c probe.Config, e *examined) bool {
	ctx, cancel := context.WithTimeout(ctx, r.Probe.Timeout)
	defer cancel()
	session := e.pool.Instead.Session()
	defer session.Close()
	budget := accountOf(c, e.pool.Instead).Prove().Budget(ctx, lockout.Use{At: c.URL})
	defer budget.Close()
	own := ews.Question{Purpose: evidence.OwnInbox}
	r.tally.request(3)
	return session.SignIn(ctx, own, budget).EWS.Answered() && session.SignedIn() && session.Ask(ctx, own).EWS.Answered()
}

// away: nothing could be asked, which another try may change.
func (e examined) away() bool {
	v := e.judged.Verdict
	return v.Status == finding.Unknown && blockOf(v.Code) == finding.BlockAsk
}

func blockOf(c finding.Code) finding.Block {
	entry, _ := finding.Lookup(c)
	return entry.Block
}

// all reads the rows and has them asked for.
func (r *run) all(ctx context.Context, plan *accounts) error {
	if r.Watch != nil {
		r.Watch(r.far)
	}
	err := r.read(ctx, plan)
	plan.end(ctx)
	r.writes.flush()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	if r.State != nil {
		if syncErr := r.State.Sync(); syncErr != nil && !errors.Is(err, errState) {
			err = errors.Join(err, fmt.Errorf("%w: %w", errState, syncErr))
		}
	}
	err = errors.Join(err, r.memory)
	if f := r.tally.progress(); err == nil && ctx.Err() == nil && f.Reported+f.Resumed < f.Read {
		// It must never be; if it is, nobody shall take the run for whole.
		err = fmt.Errorf("%d of %d rows have no result; run the same command again with --resume", f.Read-f.Reported-f.Resumed, f.Read)
	}
	return err
}

func (r *run) far() Progress {
	p := r.tally.progress()
	if r.Total != nil {
		p.Total, p.Sure = r.Total(p.Read)
	}
	at := r.limiter.now()
	p.Paused, p.Until, p.Away = at.paused, at.until, at.away
	if limit := at.bucket.Limit(); limit != rate.Inf {
		p.Rate = float64(limit)
	}
	return p
}

// rowRead is one step of the input.
type rowRead struct {
	row Row
	err error
}

// input has the rows read in a goroutine of its own: a read from a terminal or a
// pipe does not end with ctx, and is left behind.
func (r *run) input(ctx context.Context) <-chan rowRead {
	rows := make(chan rowRead, 64)
	go func() {
		defer close(rows)
		for row, err := range r.Rows {
			select {
			case rows <- rowRead{row, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return rows
}

// read takes row after row: it is another shard's, done before, bad, or for an
// account.
func (r *run) read(ctx context.Context, plan *accounts) error {
	rows := r.input(ctx)
	for {
		var next rowRead
		ok := true
		select {
		case next, ok = <-rows:
		case <-ctx.Done():
		}
		if !ok || ctx.Err() != nil {
			return nil
		}
		if next.err != nil {
			return next.err
		}
		row := next.row
		mine := r.Shard.Has(row)
		r.tally.read(row.Number, mine)
		if !mine {
			continue
		}
		k := row.key()
		if t, ok := r.State.Done(row.Number, k); ok {
			r.tally.count(row.found(t), true)
			if t.Verdict.Code != "config-invalid" && t.Number != 0 {
				r.seen.settle(k, row.Number, t.Number)
			}
			continue
		}
		if row.Problem != "" {
			t := report.TemplateOf(rule.BadRow(r.Probe.BatchTarget(r.Impersonate), row.Problem), "")
			r.writes.put(row.found(t), t, k)
			continue
		}
		if s := plan.poolFor(ctx, row); s != nil { // nil: ctx has ended
			s.take(ctx, row, k)
		}
	}
}

// resolve reports a job's row and the duplicates that wait for it.
func (r *run) resolve(j *job, t *report.Template) {
	res := j.row.found(t)
	res.Tries = j.tries
	if !j.first.IsZero() {
		res.DurationMS = time.Since(j.first).Milliseconds()
	}
	r.writes.put(res, t, j.key)
	for _, row := range r.seen.settle(j.key, j.row.Number, t.Number) {
		res := row.found(t)
		res.DuplicateOf = j.row.Number
		r.writes.put(res, t, j.key)
	}
}
