package batch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// workerPool is one account at work: the workers that ask in its name. Of several
// there is one at a time.
type workerPool struct {
	*run
	who       probe.Config // of the endpoint, with the account
	target    evidence.Target
	pool      *signin.SessionPool // nil: nothing is asked
	account   *lockout.Shared
	evaluator *rowEvaluator
	queue     *queue

	ctx     context.Context // of the run
	working context.Context
	rest    context.CancelFunc // no worker takes another row
	workers sync.WaitGroup

	refusal atomic.Pointer[evidence.Item] // the last refused logon

	skip atomic.Pointer[report.Template] // what remaining rows are: set when the endpoint or the account ends the work
}

// begin lets the workers ask.
func (s *workerPool) begin(ctx context.Context) {
	s.ctx = ctx
	s.working, s.rest = context.WithCancel(ctx)
	s.queue = newQueue(2*s.Concurrency, s.rest) // then no row waits for its turn any more
	if s.pool == nil {
		return
	}
	first := &worker{workerPool: s, session: s.pool.Session()}
	if !s.Impersonate && s.evaluator.own == nil {
		s.evaluator.own = first.inboxOfOwn(s.working)
	}
	for i := range s.Concurrency {
		w := first
		if i > 0 {
			w = &worker{workerPool: s, number: i, session: s.pool.Session()}
		}
		s.workers.Go(func() {
			w.work(s.working)
			if d := s.account.Stopped(); d != nil {
				// What is read from now on is not asked for, and what waits neither.
				s.ended(d)
				s.rest()
			}
		})
	}
	s.workers.Go(s.expire)
}

// expire ends the jobs whose time is over while nobody may ask.
func (s *workerPool) expire() {
	tick := time.NewTicker(shortestPause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, j := range s.queue.expired(time.Now().Add(-s.PerMailbox)) {
				s.finish(j)
			}
		case <-s.working.Done():
			return
		}
	}
}

// take has a row asked for. It waits until a worker is free.
func (s *workerPool) take(ctx context.Context, row Row, k key) {
	if skip := s.skip.Load(); skip != nil {
		s.writes.put(row.found(skip), skip, k)
		return
	}
	number, first, state := s.seen.look(s.working, k, row)
	switch state {
	case known:
		t := s.templates.at(number)
		res := row.found(t)
		res.DuplicateOf = first
		s.writes.put(res, t, k)
	case waits:
	default:
		if j := (&job{row: row, key: k}); !s.queue.give(s.working, j) && ctx.Err() == nil {
			if skip := s.skip.Load(); skip != nil {
				s.resolve(j, skip)
			}
		}
	}
}

// end waits until every row that was taken has its result, or ctx has ended.
func (s *workerPool) end(ctx context.Context) {
	s.queue.end()
	s.workers.Wait()
	s.rest()
	if s.account != nil {
		if err := s.account.Trouble(); err != nil {
			s.memory = err
		}
	}
	if skip := s.skip.Load(); skip != nil && ctx.Err() == nil {
		for _, j := range s.queue.rest() {
			s.resolve(j, skip)
		}
	}
}

// skipRest makes all further rows not-checked.
func (s *workerPool) skipRest(judge func(evidence.Target, string) rule.Judgement, why string) {
	target := s.target
	target.Mailbox = ""
	s.skip.CompareAndSwap(nil, report.TemplateOf(judge(target, why), ""))
}

// finish judges a job, has its mailbox looked up where that is wanted, and sends
// its result on its way.
func (s *workerPool) finish(j *job) {
	t := s.evaluator.template(j)
	if s.lookUp.wants(j, t.Verdict.Status) {
		s.lookUp.waiting <- struct{}{} // so many that the calls hardly ever wait for it
		s.workers.Go(func() {
			defer func() { <-s.lookUp.waiting }()
			items, ok := s.lookUp.ask(s.ctx, j.row.Address)
			if !ok {
				s.queue.requeue(j, time.Time{})
				return
			}
			j.outside, j.looked = items, true
			s.finish(j)
		})
		return
	}
	s.resolve(j, s.templates.intern(t))
	s.queue.done()
}

// oneAccount examines the endpoint, and begins unless that answers for all.
func (r *run) oneAccount(ctx context.Context) *accounts {
	c := r.Probe
	c.Cloud = nil // looked up is what fails
	endpoint, err := r.examine(ctx, c, false)
	if r.Endpoint != nil {
		r.Endpoint(endpoint.rec, endpoint.judged, err)
	}
	s := &workerPool{run: r, who: r.Probe, target: endpoint.rec.Target}
	judged := endpoint.judged
	switch why := forAll(judged, endpoint.pool != nil); {
	case ctx.Err() != nil:
	case why != "":
		s.skipRest(rule.NotChecked, why)
		r.tally.endpoint(judged.Verdict)
	default:
		s.pool, s.evaluator = endpoint.pool, r.newEvaluator(endpoint.rec, *endpoint.accepted)
		s.account = share(r.Probe, s.pool)
		if judged.Verdict.Status == finding.Critical || judged.Verdict.Status == finding.Warning {
			r.tally.endpoint(judged.Verdict)
		}
	}
	s.begin(ctx)
	return &accounts{run: r, now: s}
}
