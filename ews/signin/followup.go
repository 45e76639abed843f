package signin

import (
	"context"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// FollowUp makes further calls at one address with what its accepted logons left
// behind: a connection that stays signed in, or a scheme that takes the password
// with any request. The zero value has nothing and asks nothing.
type FollowUp struct {
	// Accepted are the logons that were accepted, in order.
	Accepted []evidence.Item

	held *Session // signs in a connection
	each *Session // carries the password in each request
	over bool     // a further call was refused: no more are made
}

// Keep takes over an attempt whose logon was accepted. again makes another logon in the
// same way; without Begin where nothing here could: a ticket, the logged-on user.
func (f *FollowUp) Keep(a *Attempt, item evidence.Item, again Way) {
	if l := item.Logon; l == nil || l.Result != evidence.Accepted || a.client.Discover != nil {
		a.Close()
		return
	}
	f.Accepted = append(f.Accepted, item)
	session := &f.held
	if a.traits.EachRequest {
		session = &f.each
	}
	if l := item.Logon; !l.OtherForm { // else under a name that the next request would not carry
		(*session) = (*session).join(a, again)
	}
	a.Close()
}

// Ask makes a further call: on the connection that is signed in, where it
// carries no credential; else with the password by Basic; else after another
// sign-in. The result is nil where nothing was sent.
func (f *FollowUp) Ask(ctx context.Context, q ews.Question, budget Budget) *evidence.Item {
	if f.over || len(f.Accepted) == 0 {
		return nil
	}
	if q.UserAgent == "" {
		q.UserAgent = f.userAgent()
	}
	if f.held != nil && f.held.SignedIn() {
		item := f.held.Ask(ctx, q)
		if !ews.Lost(item) && (item.Response == nil || item.Response.Status != 401) {
			return &item
		}
		// Signed in for one request only (IIS: authPersistSingleRequest), or
		// closed while the call was on its way.
	}
	f.held.Close()
	s := f.each
	if s == nil {
		s = f.held
	}
	if s == nil || s.way.Begin == nil || ctx.Err() != nil {
		return nil
	}
	reused := s.conn != nil
	item := s.charged(ctx, q, budget)
	if item != nil && reused && ews.Lost(*item) {
		if second := s.charged(ctx, q, budget); second != nil { // on a connection of its own
			item = second
		}
	}
	f.over = item != nil && item.Logon.Result == evidence.Refused // whatever changed: not another try
	return item
}

func (f *FollowUp) userAgent() string { return f.Accepted[len(f.Accepted)-1].Request.UserAgent }

// Beside makes a further call with the password by Basic, on the connection that
// the accepted logon left open, while the caller does something else. What wait
// returns is what Ask does. A nil wait: there is no such connection, or the budget
// forbids it; nothing is sent.
func (f *FollowUp) Beside(ctx context.Context, q ews.Question, budget Budget) (wait func() *evidence.Item) {
	if f.over || f.each == nil || f.each.conn == nil || !f.each.conn.Fit(SettleTime) || budget.Begin() != nil {
		return nil
	}
	a := f.each.way.Begin(ctx, f.each.client, f.userAgent())
	a.question, a.conn = &q, f.each.conn
	f.each.conn = nil // the call's own from here on: a logon meanwhile keeps another
	a.prepare(evidence.Logon{})
	a.id, a.at = a.client.Recorder.Begin(), time.Now() // before the caller's, whoever is faster
	a.spent = true
	var sent ews.Sent
	done := make(chan struct{})
	go func() {
		defer close(done)
		m, _ := a.mechanism.Next(ctx, &a.channel, nil) // Basic does not fail
		sent = a.send(ctx, m)
	}()
	return func() *evidence.Item {
		<-done
		item := a.settle(sent.Item, false, budget)
		f.each.join(a, Way{})
		a.Close()
		f.over = f.over || item.Logon.Result == evidence.Refused
		return &item
	}
}

// Close ends the connections. Nil-safe, and safe to repeat.
func (f *FollowUp) Close() {
	if f != nil {
		f.held.Close()
		f.each.Close()
		f.over = len(f.Accepted) > 0
	}
}
