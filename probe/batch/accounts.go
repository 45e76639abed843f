package batch

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/http"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// accounts say by which account a row is asked for: the run's, or the one that the row
// names. Of these one works after the other, each with what is left of its own refusals,
// however often its rows come up again. The endpoint is examined once without an account;
// each account then by a check of its own, whose verdict, where it is bad, is that of its
// rows.
type accounts struct {
	*run
	now     *workerPool
	of      Account          // whose workers they are
	all     *report.Template // what every row is, where the endpoint answers for all
	said    []finding.Code   // what the endpoint's own check has found
	seed    maphash.Seed
	outcome map[uint64]*outcome // by the hash of name and password
	recent  []*outcome          // whose pool is kept, the oldest first
}

// outcome is what the check of an account has come to.
type outcome struct {
	skip      *report.Template // its rows; nil: they are asked for
	who       probe.Config
	pool      *signin.SessionPool // nil: to be had by another check
	evaluator *rowEvaluator
}

// cachedAccounts is for how many accounts what a check has found is kept. The others are
// examined again when their rows come up again.
const cachedAccounts = 64

// manyAccounts examines the endpoint for rows that name their own accounts.
func (r *run) manyAccounts(ctx context.Context) *accounts {
	m := &accounts{run: r, seed: maphash.MakeSeed(), outcome: map[uint64]*outcome{}}
	c := r.Probe
	c.NoCredentials, c.Cloud = true, nil
	endpoint, err := r.examine(ctx, c, false)
	if r.Endpoint != nil {
		r.Endpoint(endpoint.rec, endpoint.judged, err)
	}
	judged := endpoint.judged
	for _, f := range judged.Findings {
		m.said = append(m.said, f.Code)
	}
	if why := forAll(judged, blockOf(judged.Verdict.Code) != finding.BlockAsk); why != "" && ctx.Err() == nil {
		m.all = report.TemplateOf(rule.NotChecked(endpoint.rec.Target, why), "")
	}
	if judged.Verdict.Status != finding.OK {
		r.tally.endpoint(judged.Verdict)
	}
	return m
}

// stopped is why the run ended before its last row; "" it did not.
func (m *accounts) stopped() string {
	if m.Password == nil && m.now.account != nil {
		if d := m.now.account.Stopped(); d != nil {
			return m.now.why(d)
		}
	}
	return m.down()
}

// end waits for the last pool.
func (m *accounts) end(ctx context.Context) {
	if m.now != nil {
		m.now.end(ctx)
	}
}

// poolFor has the workers of a row's account; nil when ctx has ended.
func (m *accounts) poolFor(ctx context.Context, row Row) *workerPool {
	if m.now != nil && m.of == row.Account {
		return m.now
	}
	m.end(ctx)
	if ctx.Err() != nil {
		return nil
	}
	o := m.examined(ctx, row.Account)
	if ctx.Err() != nil {
		return nil
	}
	m.of = row.Account
	m.now = &workerPool{run: m.run, who: o.who, target: o.who.BatchTarget(m.Impersonate)}
	if m.now.skip.Store(o.skip); o.skip == nil {
		m.now.pool, m.now.evaluator = o.pool, o.evaluator
		m.now.account = share(o.who, o.pool)
	}
	m.now.begin(ctx)
	return m.now
}

// examined is what a check of the account has come to, now or before.
func (m *accounts) examined(ctx context.Context, a Account) *outcome {
	if m.all != nil {
		return &outcome{skip: m.all, who: m.Probe}
	}
	c := m.Probe
	c.User, c.Cloud = a.User, nil
	if why := m.down(); why != "" {
		return m.unasked(c, rule.NotChecked(c.BatchTarget(m.Impersonate), why))
	}
	password, err := m.Password(a.PasswordFile)
	if err != nil {
		return m.unasked(c, rule.BadRow(c.BatchTarget(m.Impersonate), err.Error()))
	}
	c.Password = password
	refused := c.Account().Refused()
	left := c.MaxRejections - refused
	id := maphash.Comparable(m.seed, [2]string{strings.ToLower(a.User), password})
	o := m.outcome[id]
	switch {
	case o != nil && (o.skip != nil || o.pool != nil && left > 0):
		return o
	case left <= 0:
		why := fmt.Sprintf("the account was already refused %s in this run; nothing more is sent for it (--max-rejections %d)",
			times(refused), c.MaxRejections)
		return m.unasked(c, rule.Refused(c.BatchTarget(m.Impersonate), why))
	}
	o = m.examineAccount(ctx, c)
	if ctx.Err() == nil {
		m.keep(id, o)
	}
	return o
}

func (m *accounts) examineAccount(ctx context.Context, c probe.Config) *outcome {
	found, trouble := m.examine(ctx, c, true)
	if trouble != nil && ctx.Err() == nil {
		m.memory = trouble
	}
	judged := found.judged
	if found.away() {
		why := "no account can be checked any more: " + judged.Verdict.Summary
		m.gaveUp.CompareAndSwap(nil, &why)
	}
	why := forAll(judged, found.pool != nil)
	switch {
	case why == "":
		b := m.newEvaluator(found.rec, *found.accepted)
		b.also = m.also(judged)
		return &outcome{who: c, pool: found.pool, evaluator: b}
	case judged.Verdict.Status == finding.Critical || judged.Verdict.Status == finding.Unknown:
		return m.unasked(c, judged)
	}
	return m.unasked(c, rule.NotChecked(found.rec.Target, why))
}

// also is the warning about the account that its rows would else not tell.
func (m *accounts) also(judged rule.Judgement) *finding.Finding {
	for _, f := range judged.Findings {
		if f.Status == finding.Warning && !slices.Contains(m.said, f.Code) {
			return &f
		}
	}
	return nil
}

// unasked is the outcome that answers for every row of the account.
func (m *accounts) unasked(c probe.Config, j rule.Judgement) *outcome {
	return &outcome{skip: m.templates.intern(report.TemplateOf(j, "")), who: c}
}

// keep remembers an outcome. What a check has found of an account is large, and
// is let go in time.
func (m *accounts) keep(id uint64, o *outcome) {
	m.outcome[id] = o
	if o.pool == nil {
		return
	}
	if m.recent = append(m.recent, o); len(m.recent) > cachedAccounts {
		m.recent[0].pool, m.recent[0].evaluator = nil, nil
		m.recent = m.recent[1:]
	}
}

// accountOf is the account that a pool signs in with. What is no password is not
// remembered as one.
func accountOf(c probe.Config, by *signin.SessionPool) *lockout.Account {
	if by.Way.Traits.Secret != signin.Password {
		c.Password = ""
	}
	return c.Account()
}

// share lets the workers use an account that the endpoint's check has proved.
func share(c probe.Config, by *signin.SessionPool) *lockout.Shared {
	return accountOf(c, by).Share(c.URL, !by.Way.Traits.EachRequest)
}

// counted is the budget of one logon for which the account gave a pass.
type counted struct {
	account    *lockout.Shared
	pass       *lockout.Pass
	unfinished bool
}

// Begin implements signin.Budget.
func (*counted) Begin() *evidence.Detail { return nil }

// End implements signin.Budget. What was not decided is told to the account when
// it is known who has not answered.
func (c *counted) End(r evidence.Result) (counts bool) {
	if c.unfinished = r == evidence.Unfinished; c.unfinished {
		return false
	}
	return c.account.End(c.pass, r, false)
}

// signIn makes a call with a sign-in before it.
func (w *worker) signIn(ctx context.Context, q ews.Question, p *lockout.Pass) evidence.Item {
	c := &counted{account: w.account, pass: p}
	item := w.session.SignIn(ctx, q, c)
	if c.unfinished {
		w.account.End(p, evidence.Unfinished, silent(item))
	}
	w.account.SignedIn(p)
	return item
}

// silent says that nobody has answered a call, or only a gateway that got no
// answer itself. A server that asks for patience has answered.
func silent(item evidence.Item) bool {
	r := item.Response
	if r == nil || r.CutShort {
		return kindOf(item) != stopped
	}
	switch r.Status {
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	case http.StatusServiceUnavailable:
		_, asked := ews.Unavailable(r)
		return !asked
	}
	return false
}

// ended makes what remains of an account's rows not checked, after its account must not be
// used any more.
func (s *workerPool) ended(d *lockout.Denial) {
	judge := rule.NotChecked
	if d.Reason == lockout.LimitReached {
		judge = rule.Refused
	}
	s.skipRest(judge, s.why(d))
}

// why is that denial in words.
func (s *workerPool) why(d *lockout.Denial) string {
	const clock = "15:04:05 UTC"
	at := d.At.UTC().Format(clock)
	switch d.Reason {
	case lockout.LimitReached:
		return fmt.Sprintf("the %s was accepted at first and then refused %s, the last time at %s%s; "+
			"nothing more is sent for the account (--max-rejections %d)",
			s.pool.Way.Traits.Secret, times(d.Count), at, s.refuser(), d.Max)
	case lockout.NoAnswer:
		return fmt.Sprintf("%d logons in a row got no answer, the last at %s; nothing more is sent for the account", d.Count, at)
	}
	return d.String()
}

// refuser names the front end that sent the last refusal, and what it offers where the
// scheme that was used is not among it: then one of several servers is set up otherwise,
// and the account is not to blame.
func (s *workerPool) refuser() string {
	item := s.refusal.Load()
	if item == nil {
		return ""
	}
	if redact := s.evaluator.redact; redact != nil {
		item = &redact(evidence.Record{Started: s.evaluator.started, Target: s.target, Items: []evidence.Item{*item}}).Items[0]
	}
	switch name, offers := rule.Refuser(item); {
	case name == "":
		return ""
	case len(offers) == 0:
		return " by " + name
	default:
		return fmt.Sprintf(" by %s, which offers %s and not %s, as others behind the name do",
			name, strings.Join(offers, ", "), item.Logon.Scheme)
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
