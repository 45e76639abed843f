package batch

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// manyAccounts is the plan of a run whose rows name their own accounts. One works
// after the other, each with what is left of its own refusals, however often its
// rows come up again. The endpoint is examined once without an account; each
// account then by a check of its own, whose verdict, where it is bad, is that of
// its rows.
type manyAccounts struct {
	*run
	now     *workerPool
	of      Account        // whose workers they are
	all     *rowTemplate   // what every row is, where the endpoint answers for all
	said    []finding.Code // what the endpoint's own check has found
	salt    [16]byte
	outcome map[[32]byte]*outcome // by name and secret
	recent  []*outcome            // whose pool is kept, the oldest first
}

// outcome is what the check of an account has come to.
type outcome struct {
	skip      *rowTemplate // its rows; nil: they are asked for
	who       probe.Config
	pool      *signin.SessionPool // nil: to be had by another check
	evaluator *rowEvaluator
}

// cachedAccounts is for how many accounts what a check has found is kept. The others are
// examined again when their rows come up again.
const cachedAccounts = 64

// manyAccounts examines the endpoint.
func (r *run) manyAccounts(ctx context.Context) accountPlan {
	m := &manyAccounts{run: r, outcome: map[[32]byte]*outcome{}}
	_, _ = rand.Read(m.salt[:]) // never fails
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
		m.all = &rowTemplate{report.TemplateOf(rule.NotChecked(endpoint.rec.Target, why), ""), forgotten}
	}
	if judged.Verdict.Status != finding.OK {
		r.tally.endpoint(judged.Verdict)
	}
	return m
}

func (m *manyAccounts) stopped() string { return m.down() }

func (m *manyAccounts) end(ctx context.Context) {
	if m.now == nil {
		return
	}
	m.now.end(ctx)
	m.now = nil
}

func (m *manyAccounts) poolFor(ctx context.Context, row Row) *workerPool {
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
	m.now = &workerPool{run: m.run, who: o.who, target: o.who.BatchTarget(m.Impersonate), skip: o.skip}
	if o.skip == nil {
		m.now.pool, m.now.evaluator = o.pool, o.evaluator
		m.now.account = share(o.who, o.pool)
	}
	m.now.begin(ctx)
	return m.now
}

// examined is what a check of the account has come to, now or before.
func (m *manyAccounts) examined(ctx context.Context, a Account) *outcome {
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
	id := m.digest(strings.ToLower(a.User), password)
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

func (m *manyAccounts) examineAccount(ctx context.Context, c probe.Config) *outcome {
	found, trouble := m.examine(ctx, c, true)
	if trouble != nil && ctx.Err() == nil {
		m.noteTrouble(trouble)
	}
	judged := found.judged
	if found.away() {
		m.giveUp("no account can be checked any more: " + judged.Verdict.Summary)
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
func (m *manyAccounts) also(judged rule.Judgement) *finding.Finding {
	for _, f := range judged.Findings {
		if f.Status == finding.Warning && !slices.Contains(m.said, f.Code) {
			return &f
		}
	}
	return nil
}

// unasked is the outcome that answers for every row of the account.
func (m *manyAccounts) unasked(c probe.Config, j rule.Judgement) *outcome {
	t := m.templates.intern(report.TemplateOf(j, ""))
	return &outcome{skip: &t, who: c}
}

// keep remembers an outcome. What a check has found of an account is large, and
// is let go in time.
func (m *manyAccounts) keep(id [32]byte, o *outcome) {
	m.outcome[id] = o
	if o.pool == nil {
		return
	}
	if m.recent = append(m.recent, o); len(m.recent) > cachedAccounts {
		m.recent[0].pool, m.recent[0].evaluator = nil, nil
		m.recent = m.recent[1:]
	}
}

// digest stands for a name with its password in memory.
func (m *manyAccounts) digest(name, password string) [32]byte {
	return sha256.Sum256([]byte(string(m.salt[:]) + name + "\x00" + password))
}
