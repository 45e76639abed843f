package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// maxRows is how many of the mailboxes that are not ok are kept of a batch.
const maxRows = 10000

// batch checks the mailboxes of the target.
func (t *task) batch(ctx context.Context) {
	a, log := t.agent, t.agent.options.Log
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.stop, cancel)()
	c, g := t.target(), t.account()
	if !g.take(ctx) {
		return
	}
	defer g.give()
	g.byBatch.Store(true)
	if !t.maySend() || t.shown.Load().Withheld != nil {
		log.Warn("the mailboxes are not checked: no credential may be sent", "target", t.name)
		return
	}
	cfg, err := t.withCredential(ctx, c)
	if err != nil {
		log.Error("the mailboxes are not checked", "target", t.name, "why", err.Error())
		return
	}
	defer t.locked(func() { t.lockout = nil })
	rows, done, err := a.options.Mailboxes(ctx, c)
	if err != nil {
		log.Error("the mailboxes are not checked", "target", t.name, "why", err.Error())
		return
	}
	defer done()
	b := batch.Config{Probe: cfg, Impersonate: cfg.Impersonate, Concurrency: c.Concurrency, PerMailbox: c.TimeoutPerMailbox, Rows: rows}
	b.Probe.Impersonate, b.Probe.Mailbox = false, ""
	var wrong bytes.Buffer
	kept := 0
	b.Emit = func(r report.Row) error {
		if r.Verdict.Status == finding.OK || kept == maxRows {
			return nil
		}
		kept++
		raw, err := json.Marshal(r)
		wrong.Write(append(raw, '\n'))
		return err
	}
	started := time.Now()
	summary, err := batch.Run(ctx, b)
	summary.Tool.Version = a.options.Version
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		log.Error("the mailboxes were not all checked", "target", t.name, "why", err.Error())
	}
	raw, err := json.Marshal(summary)
	if err != nil {
		log.Error("the result of the mailboxes cannot be written down", "target", t.name, "why", err.Error())
		return
	}
	t.locked(func() {
		next := t.state
		next.Mailboxes, next.MailboxesAt = map[finding.Status]int{}, started.UTC()
		for status, n := range summary.ByStatus {
			next.Mailboxes[finding.Status(status)] = n
		}
		state, err := json.Marshal(next)
		if err == nil {
			err = a.store.AddBatch(t.name, started, time.Since(started), raw, wrong.Bytes(), state)
		}
		if err != nil {
			log.Error("the result of the mailboxes cannot be stored", "target", t.name, "why", err.Error())
			return
		}
		t.state = next
		t.publish()
	})
	a.lookAt(g)
}
