package batch

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/probe/rule"
	"github.com/ewsprobe/ewsprobe/soap"
)

// kind is what an answer, or its absence, means for the asking.
type kind int

const (
	answered     kind = iota // EWS spoke of the mailbox
	busyMailbox              // EWS has no time for it now
	patience                 // the server wants a pause
	crowded                  // too many at once
	forgotten401             // the connection is not signed in any more; no credential was sent
	refused                  // the credential was
	lost                     // the connection ended before an answer
	missing                  // no connection
	late                     // no answer in time
	strange                  // an answer that is none of EWS
	stopped                  // by the user
)

// kindOf reads an item.
func kindOf(item evidence.Item) kind {
	if e := item.EWS; e.Answered() {
		switch {
		case soap.Crowded(e.Code):
			return crowded
		case soap.Busy(e.Code):
			return busyMailbox
		}
		return answered
	}
	if f := item.Error; f != nil {
		switch f.Code {
		case evidence.Interrupted, evidence.GivenUp:
			return stopped
		case evidence.TimedOut:
			if f.Phase == "connect" {
				return missing
			}
			return late
		case evidence.ConnectionClosed, evidence.ConnectionReset:
			if f.Phase == "tls" || f.Phase == "proxy" {
				return missing
			}
			return lost
		case evidence.ConnectRefused, evidence.ConnectUnreachable, evidence.ConnectFailed,
			evidence.DNSFailed, evidence.DNSNotFound, evidence.ProxyRefused:
			return missing
		}
		return strange
	}
	switch r := item.Response; {
	case r == nil && item.Logon != nil && item.Logon.Result == evidence.Skipped:
		return strange // what signs in could not be made: a ticket that has run out
	case r == nil:
		return lost // a handshake whose connection was not kept
	case r.Status == http.StatusUnauthorized && item.Logon != nil && item.Logon.Result == evidence.Refused:
		return refused
	case r.Status == http.StatusUnauthorized:
		return forgotten401
	case r.Status == http.StatusServiceUnavailable, r.Status == http.StatusTooManyRequests:
		return patience
	case r.CutShort:
		return lost
	}
	return strange
}

// requestedPause is how long the server wants to be left alone; 0: it does not say.
func requestedPause(item evidence.Item) time.Duration {
	if e := item.EWS; e.Answered() {
		return time.Duration(e.BackOffMS) * time.Millisecond
	}
	wait, _ := ews.RetryAfter(item.Response)
	return wait
}

// worker asks for one mailbox after the other on a session of its own.
type worker struct {
	*workerPool
	number  int
	session *signin.Session
}

func (w *worker) work(ctx context.Context) {
	defer func() { w.session.Close() }()
	for w.limiter.admit(ctx, w.number, w.session.Close) == nil {
		j := w.queue.take(ctx)
		if j == nil {
			return
		}
		limited, cancel := w.until(ctx, j)
		p, ok := w.account.Enter(limited)
		cancel()
		if !ok && ctx.Err() == nil && w.account.Stopped() == nil {
			w.finish(j) // its time was over before the account might be used
			continue
		}
		if !ok {
			w.queue.requeue(j, time.Time{})
			return
		}
		if !w.turn(ctx, j) {
			w.account.Leave(p)
			if ctx.Err() != nil {
				w.queue.requeue(j, time.Time{})
				return
			}
			w.finish(j) // its time was over before its turn came
			continue
		}
		over := w.try(ctx, j, &p)
		w.account.Leave(p)
		if over {
			w.finish(j)
		}
	}
}

// turn waits for the moment at which the job may be asked for, as long as its time
// is not over.
func (w *worker) turn(ctx context.Context, j *job) bool {
	ctx, cancel := w.until(ctx, j)
	defer cancel()
	return w.limiter.wait(ctx) == nil
}

// until ends when the job's time is over.
func (w *worker) until(ctx context.Context, j *job) (context.Context, context.CancelFunc) {
	if j.first.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, j.first.Add(w.PerMailbox))
}

// unanswered notes that a call got no answer. Where none was answered for too long,
// nothing more is asked: hours of it would tell no more.
func (w *worker) unanswered(sent time.Time, item evidence.Item) {
	since := w.limiter.unanswered(sent)
	if time.Since(since) < w.giveUpAfter() {
		return
	}
	last := "the connection ended without an answer"
	switch r := item.Response; {
	case item.EWS.Answered():
		last = item.EWS.Code
	case item.Error != nil:
		last = item.Error.Text
	case r != nil:
		last = fmt.Sprintf("HTTP %d", r.Status)
	}
	why := fmt.Sprintf("no call was answered since %s (the last: %s); run it again with --resume when the server answers",
		since.UTC().Format("15:04:05 UTC"), last)
	w.gaveUp.CompareAndSwap(nil, &why)
	w.skipRest(rule.NotChecked, why)
	w.rest()
}

// try makes one call for a mailbox and decides what becomes of the job: it is over,
// or was given back.
func (w *worker) try(ctx context.Context, j *job, p *lockout.Pass) (over bool) {
	if p.Trial {
		w.session.Close() // on another connection
	}
	if j.first.IsZero() {
		j.first = time.Now()
	}
	end := j.first.Add(w.PerMailbox)
	if j.tries > 0 && !time.Now().Before(end) {
		return true // a call without time for it would only hide what became of the last
	}
	limit := time.Now().Add(w.Probe.Timeout)
	if end.Before(limit) {
		limit = end
	}
	bounded, cancel := context.WithDeadline(ctx, limit)
	defer cancel()
	q := w.question(j)
	sent := time.Now()
	item, ok := w.call(bounded, q, p)
	if !ok { // a logon was refused meanwhile, or the time is over
		return w.back(j, time.Time{}, end)
	}
	if !j.explain {
		j.tries++
	}
	k := kindOf(item)
	if k == stopped && ctx.Err() != nil {
		w.queue.requeue(j, time.Time{})
		return false
	}
	if !j.explain {
		j.note(item, !limit.Before(end))
	}
	switch k {
	case busyMailbox, patience, missing, late, lost, strange:
		w.unanswered(sent, item)
	}
	switch k {
	case answered:
		w.limiter.answered(sent)
		w.tally.served(item)
		return w.next(j, item, end)
	case busyMailbox:
		j.busy++
		return w.back(j, w.limiter.busy(sent, requestedPause(item), j.busy), end)
	case patience:
		pause := requestedPause(item)
		if w.limiter.aboutOne(j, pause) {
			j.busy++
			return w.back(j, time.Now().Add(backOff(j.busy)), end)
		}
		return w.back(j, w.limiter.complained(sent, pause), end)
	case crowded:
		w.session.Close()
		w.limiter.crowded(sent)
		return w.back(j, time.Now().Add(max(requestedPause(item), shortestPause/4)), end)
	case refused:
		w.refusal.Store(&item)
		w.session.Close()
		return w.back(j, time.Time{}, end)
	case forgotten401, lost:
		w.session.Close()
		wait := time.Time{}
		if j.odd++; j.odd > 2 { // not an idle connection that was closed: something is wrong
			wait = time.Now().Add(backOff(j.odd - 3))
		}
		return w.back(j, wait, end)
	case missing:
		w.session.Close()
		w.pool.LeaveAddress(item.Address)
		return w.back(j, w.limiter.unreachable(sent), end)
	case late:
		w.session.Close()
		return w.back(j, time.Time{}, end)
	default:
		w.session.Close()
		if j.odd++; j.odd >= oddAnswers { // a page of a device passes too, whatever its status
			return true
		}
		return w.back(j, time.Now().Add(shortestPause<<j.odd), end)
	}
}

// note keeps how the last call ended. One that only the mailbox's time cut short says
// less than the answer of EWS before it.
func (j *job) note(item evidence.Item, cut bool) {
	if cut && item.Error != nil && item.Error.Code == evidence.TimedOut && j.last.EWS.Answered() {
		return
	}
	j.last = item
}

// oddAnswers is how many answers in a row that are none of EWS decide a mailbox.
const oddAnswers = 4

// question is the call that the job needs next.
func (w *worker) question(j *job) ews.Question {
	if j.explain {
		return ews.Question{Purpose: evidence.PrimaryAddress, Call: soap.Call{Mailbox: j.row.Address}}
	}
	q := ews.MailboxQuestion(j.row.Address, w.Impersonate)
	if j.again {
		q.Purpose = evidence.AgainLater
		if !w.Impersonate {
			q.Purpose = evidence.NamedInbox
		}
	}
	return q
}

// call makes it, with a sign-in before it where one is needed. False: it may not
// be made.
func (w *worker) call(ctx context.Context, q ews.Question, p *lockout.Pass) (evidence.Item, bool) {
	if w.session.SignedIn() {
		w.tally.request(1)
		item := w.session.Ask(ctx, q)
		if k := kindOf(item); k != forgotten401 && k != lost || ctx.Err() != nil {
			return item, true
		}
		// Signed in for one request only, or closed while it was idle. Nobody has
		// seen a credential, and the call only reads.
	}
	if !w.account.Begin(ctx, p) {
		return evidence.Item{}, false
	}
	if w.limiter.now().resting() { // while it waited for its turn to sign in
		w.account.SignedIn(p)
		return evidence.Item{}, false
	}
	w.tally.request(1)
	if w.pool.Way.Traits.FreeStart {
		w.tally.request(1)
	}
	return w.signIn(ctx, q, p), true
}

// next takes an answer of EWS and asks on where it leaves something open.
func (w *worker) next(j *job, item evidence.Item, end time.Time) (over bool) {
	if j.explain {
		j.book = &item
		return true
	}
	j.odd, j.busy, j.wants = 0, 0, 0
	j.answer = &item
	switch {
	case soap.Passing(item.EWS.Code) && !j.again:
		j.again = true
		return w.back(j, time.Now().Add(time.Second), end)
	case soap.NotHere(item.EWS.Code) && len(item.EWS.Resolved) == 0: // the address book knows more
		j.explain = true
		return w.back(j, time.Time{}, end)
	}
	return true
}

// back gives a job back to be tried again, or ends it where its time is over
// before that.
func (w *worker) back(j *job, ready, end time.Time) (over bool) {
	if now := time.Now(); ready.After(end) || !now.Before(end) {
		return true
	}
	w.queue.requeue(j, ready)
	return false
}

// inboxOfOwn asks for the account's own inbox, by which an answer about it is
// told from one about the mailbox that was named.
func (w *worker) inboxOfOwn(ctx context.Context) *evidence.Item {
	for range 3 {
		p, ok := w.account.Enter(ctx)
		if !ok {
			return nil
		}
		bounded, cancel := context.WithTimeout(ctx, w.Probe.Timeout)
		sent := time.Now()
		item, ok := w.call(bounded, ews.Question{Purpose: evidence.OwnInbox}, &p)
		cancel()
		w.account.Leave(p)
		switch k := kindOf(item); {
		case ok && k == answered:
			return &item
		case ok && (k == patience || k == busyMailbox):
			w.limiter.complained(sent, requestedPause(item))
		case ok && k == missing:
			w.limiter.unreachable(sent)
		}
		w.session.Close()
		if w.limiter.admit(ctx, 0, func() {}) != nil {
			return nil
		}
	}
	return nil
}
