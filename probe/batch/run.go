package batch

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/finding"
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
	// Emit is given each result as it comes, one at a time.
	Emit  func(Result) error
	State *State // nil: nothing is kept for a later run
	// Endpoint is told what the endpoint's own check found.
	Endpoint func(evidence.Record, error)
	// Watch is told, now and then, how to ask how far the run has come.
	Watch func(func() Progress)
}

// Defaults of a run: as many connections as Dynamics makes, and long enough for
// the five minutes that a throttled server usually asks for.
const (
	DefaultConcurrency = 10
	DefaultPerMailbox  = 10 * time.Minute
)

// run is one batch under way.
type run struct {
	Config
	lines   *ews.Lines
	account *account
	pace    *pace
	queue   *queue
	tally   *tally
	bench   *bench
	shapes  *shapes
	seen    *seen

	own      int // rows of this shard that were read
	emitting sync.Mutex
	halt     context.CancelCauseFunc
	skip     *Shape // what remaining rows are: set when the endpoint or the account ends the run
	skipOnce sync.Mutex

	remembering sync.Once
	memory      error
}

// Run carries out a batch. Whatever servers do is in the results; the error is
// for what this machine could not do: reading the input, writing results or the
// state.
func Run(ctx context.Context, c Config) (Summary, error) {
	r := &run{Config: c, tally: newTally(time.Now()), shapes: &shapes{}, queue: newQueue(2 * c.Concurrency), pace: newPace(c.Concurrency)}
	r.seen = newSeen()
	r.tally.s.Shard = c.Shard.String()
	if c.State != nil {
		c.State.replay(r)
	}
	endpoint, refused, err := r.examine(ctx)
	if c.Endpoint != nil {
		c.Endpoint(endpoint, err)
	}
	if ctx.Err() != nil {
		s := r.tally.summary()
		s.Stopped = evidence.StoppedByUser
		return s, nil
	}
	judged := rule.Judge(endpoint)
	lines, accepted := c.Probe.Lines(endpoint)
	if why := forAll(judged, accepted != nil); why != "" {
		if err := r.pass(endpoint.Target, why); err != nil {
			return r.tally.summary(), err
		}
		r.tally.worse(judged.Verdict, "")
	} else {
		r.lines, r.bench = lines, newBench(endpoint, *accepted, c.Impersonate)
		r.account = newAccount(c.Probe.MaxRejections, refused, !lines.Basic())
		if judged.Verdict.Status == finding.Critical || judged.Verdict.Status == finding.Warning {
			r.tally.worse(judged.Verdict, "")
		}
	}
	err = r.all(ctx, endpoint.Target)
	s := r.tally.summary()
	s.Pauses, s.Paused = r.pace.pauses, r.pace.paused
	if r.account != nil {
		s.Stopped = r.account.why()
	}
	if ctx.Err() != nil {
		s.Stopped = evidence.StoppedByUser
	}
	return s, err
}

// examine is the endpoint's own check, once more where the server only asks for
// patience and nobody's password was refused.
func (r *run) examine(ctx context.Context) (rec evidence.Record, refused int, trouble error) {
	end := time.Now().Add(r.PerMailbox)
	for {
		cfg := r.Probe
		rec, trouble = probe.Run(ctx, cfg)
		if rec.Target.Mailbox == "" {
			rec.Target.Impersonate = r.Impersonate
		}
		refused = 0
		var wait time.Duration
		for _, item := range rec.Items {
			if item.Logon != nil && item.Logon.Counted {
				refused++
			}
			if k := kindOf(item); k == patience {
				wait = max(wait, asked(item), time.Second)
			}
		}
		lines, _ := r.Probe.Lines(rec)
		if lines != nil || refused > 0 || wait == 0 || time.Now().Add(wait).After(end) {
			return rec, refused, trouble
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return rec, refused, trouble
		}
	}
}

// all reads the rows and has them asked for.
func (r *run) all(ctx context.Context, target evidence.Target) error {
	ctx, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	r.halt = halt
	working, rest := context.WithCancel(ctx)
	defer rest()
	var workers sync.WaitGroup
	if r.lines != nil {
		first := &worker{run: r, line: r.lines.Line()}
		if !r.Impersonate {
			r.bench.own = first.inboxOfOwn(working)
		}
		for i := range r.Concurrency {
			w := first
			if i > 0 {
				w = &worker{run: r, number: i, line: r.lines.Line()}
			}
			workers.Go(func() {
				w.work(working)
				if why := r.account.why(); why != "" {
					// What is read from now on is not asked for, and what waits
					// neither.
					_ = r.pass(target, why)
					r.remember()
					rest()
				}
			})
		}
	}
	workers.Go(func() {
		select {
		case <-r.queue.over: // nobody has to wait for his turn any more
			rest()
		case <-working.Done():
		}
	})
	if r.Watch != nil {
		r.Watch(r.far)
	}
	// A read from a terminal or a pipe does not end with ctx: it is left behind.
	read := make(chan error, 1)
	go func() { read <- r.read(ctx, working) }()
	var err error
	select {
	case err = <-read:
		r.queue.end()
	case <-ctx.Done():
	}
	workers.Wait()
	if ctx.Err() == nil && r.skipping() != nil {
		for _, j := range r.queue.rest() {
			r.resolve(j, r.skipping(), forgotten)
		}
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	if r.State != nil {
		err = errors.Join(err, r.State.Sync())
	}
	err = errors.Join(err, r.memory)
	if f := r.tally.far(); err == nil && ctx.Err() == nil && f.Reported+f.Resumed < r.own {
		// It must never be; if it is, nobody shall take the run for whole.
		err = fmt.Errorf("%d of %d rows have no result; run again with --resume", r.own-f.Reported-f.Resumed, r.own)
	}
	return err
}

func (r *run) far() Progress {
	p := r.tally.far()
	r.pace.mu.Lock()
	defer r.pace.mu.Unlock()
	p.Paused = r.pace.paused
	if x := r.pace.tempo.x; !math.IsInf(x, 1) {
		p.Rate = x
	}
	return p
}

// remember keeps the next run from sending a password again that was refused.
func (r *run) remember() {
	r.remembering.Do(func() {
		if err := r.Probe.Memory.Remember(r.Probe.User, r.Probe.URL, r.Probe.Password); err != nil {
			r.memory = fmt.Errorf("the refused password could not be remembered for the next run: %w", err)
		}
	})
}

// pass makes all further rows not-checked.
func (r *run) pass(target evidence.Target, why string) error {
	r.skipOnce.Lock()
	defer r.skipOnce.Unlock()
	if r.skip != nil {
		return nil
	}
	target.Mailbox = ""
	s, err := ShapeOf(rule.NotChecked(target, why), "")
	r.skip = s
	return err
}

func (r *run) skipping() *Shape {
	r.skipOnce.Lock()
	defer r.skipOnce.Unlock()
	return r.skip
}

// read takes row after row: it is bad, another shard's, done before, a duplicate,
// not to be asked for, or a job.
func (r *run) read(ctx, working context.Context) error {
	for row, err := range r.Rows {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		r.tally.rows(row.Number)
		if !r.Shard.Has(row) {
			continue
		}
		r.own++
		k := keyOf(row.Address)
		if row.Problem != "" {
			k = keyOf(row.Problem)
		}
		if r.State.Done(row.Number, k) {
			continue
		}
		switch skip := r.skipping(); {
		case row.Problem != "":
			target := r.Probe.BatchTarget(r.Impersonate)
			shape, err := ShapeOf(rule.BadRow(target, row.Problem), "")
			if err != nil {
				return err
			}
			r.emit(Result{Row: row, Shape: shape}, k, forgotten)
			continue
		case skip != nil:
			r.emit(Result{Row: row, Shape: skip}, k, forgotten)
			continue
		}
		number, first, state := r.seen.look(working, k, row)
		switch state {
		case known:
			r.emit(Result{Row: row, Shape: r.shapes.at(number), DuplicateOf: first}, k, number)
		case waits:
		default:
			if j := (&job{row: row, key: k}); !r.queue.give(working, j) {
				if ctx.Err() != nil {
					return nil
				}
				r.resolve(j, r.skipping(), forgotten)
			}
		}
	}
	return nil
}

// report judges a job and sends its result on its way.
func (r *run) report(j *job) {
	shape, err := r.bench.shape(j)
	if err != nil {
		r.halt(err)
		return
	}
	number := forgotten
	shape, number, _ = r.shapes.intern(shape)
	r.resolve(j, shape, number)
}

// resolve reports a job's row and the duplicates that wait for it.
func (r *run) resolve(j *job, shape *Shape, number int32) {
	if shape == nil {
		return
	}
	res := Result{Row: j.row, Shape: shape, Tries: j.tries}
	if !j.first.IsZero() {
		res.Duration = time.Since(j.first)
	}
	r.emit(res, j.key, number)
	for _, row := range r.seen.settle(j.key, j.row.Number, number) {
		r.emit(Result{Row: row, Shape: shape, DuplicateOf: j.row.Number}, j.key, number)
	}
}

// emit writes a result, counts it and only then notes that it is done.
func (r *run) emit(res Result, k key, number int32) {
	r.emitting.Lock()
	defer r.emitting.Unlock()
	if err := r.Emit(res); err != nil {
		r.halt(fmt.Errorf("the results cannot be written: %w", err))
		return
	}
	name := res.Address
	if name == "" {
		name = fmt.Sprintf("line %d", res.Line)
	}
	r.tally.count(res.Shape, name, res.Tries, false)
	if res.Verdict.Code == "not-checked" {
		return // a later run is to ask for it
	}
	if err := r.State.Note(res.Number, k, number, res.Shape); err != nil {
		r.halt(fmt.Errorf("the state cannot be written: %w", err))
	}
}
