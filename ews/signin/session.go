package signin

import (
	"cmp"
	"context"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Session carries call after call for one account, on one connection: signed in
// once where the scheme signs in the connection ([MS-NTHT] 3.2), with the
// credential in each request where it does not (RFC 7617 2). It serves one caller
// at a time.
type Session struct {
	way       Way // without Begin nothing here could sign in again
	client    *ews.Client
	userAgent string
	binding   string
	hurried   bool // a connection is looked at only after it was idle for long

	conn    *wire.Conn
	cookies *wire.Cookies
	signed  bool
	used    time.Time

	pool  *SessionPool // each call has a client of its own; nil: all have one
	vault *secret.Vault
}

// join goes on with what an accepted attempt leaves: its connection, if that was kept.
// An s that is there takes what it lacks: a way to sign in again, a connection.
func (s *Session) join(a *Attempt, again Way) *Session {
	if s == nil {
		again.Traits = a.traits
		s = &Session{way: again, client: a.client, userAgent: a.userAgent, binding: a.note.Binding}
	}
	if s.way.Begin == nil && again.Begin != nil {
		s.way, s.binding = again, a.note.Binding
	}
	if s.conn == nil {
		s.take(a)
	}
	return s
}

// take goes on with the connection of an attempt.
func (s *Session) take(a *Attempt) {
	s.cookies = a.cookies
	s.conn, s.signed, s.used = a.conn, a.conn != nil && !s.way.Traits.EachRequest, time.Now()
	a.conn = nil
}

// doubtful is how long a connection may have been idle and still be trusted
// unseen by a session in a hurry: to look at it takes SettleTime, which is more
// than most calls.
const doubtful = 5 * time.Second

// SignedIn says whether a call can be made that carries no credential.
func (s *Session) SignedIn() bool {
	if s.conn != nil && (!s.hurried || time.Since(s.used) > doubtful) && !s.conn.Fit(SettleTime) {
		s.Close()
	}
	return s.signed
}

// Ask makes a call on the connection that is signed in. It carries no credential,
// and a 401 only means that the server has forgotten.
func (s *Session) Ask(ctx context.Context, q ews.Question) evidence.Item {
	c := s.clientFor(false)
	c.Recorder.Expose() // the server has seen the credential, on this connection or before
	sent := c.Send(ctx, s.conn, ews.Request{
		Step: evidence.StepSignedIn, UserAgent: s.agent(q), Question: &q, Credential: true, Cookies: s.cookies,
	})
	s.conn, s.used = sent.Conn, time.Now()
	s.signed = sent.Conn != nil && (sent.Item.Response == nil || sent.Item.Response.Status != 401)
	s.learn(q, c)
	return c.Recorder.Add(sent.Item)
}

// SignIn makes a call together with the credential: by a scheme that takes it in
// each request on the connection that is open, else with the message that decides
// a new sign-in.
//
// What was refused as expired is renewed once, and the call made again; the budget
// is told how that ended.
func (s *Session) SignIn(ctx context.Context, q ews.Question, budget Budget) evidence.Item {
	if s.way.Renewal == nil {
		return s.signIn(ctx, q, budget)
	}
	begun, last := false, evidence.Result("")
	defer func() {
		if last != "" {
			budget.End(last)
		}
	}()
	once := budgetOf{
		begin: func() (why *evidence.Detail) {
			if !begun {
				why = budget.Begin()
				begun = why == nil
			}
			return why
		},
		end: func(result evidence.Result) bool {
			last = result
			return false
		},
	}
	renew := s.way.Renewal(ctx)
	item := s.signIn(ctx, q, once)
	if expired(item) && renew(ctx) {
		item = s.signIn(ctx, q, once)
	}
	return item
}

func (s *Session) signIn(ctx context.Context, q ews.Question, budget Budget) evidence.Item {
	var conn *wire.Conn
	if s.way.Traits.EachRequest {
		conn, s.conn = s.conn, nil
	} else {
		s.Close()
	}
	c := s.clientFor(true)
	a := s.way.Begin(ctx, c, s.agent(q))
	if a.conn == nil && conn != nil {
		if s.hurried && time.Since(s.used) <= doubtful {
			a.conn = conn
		} else {
			a.On(conn)
		}
	}
	a.question, a.hurried = &q, s.hurried
	if s.cookies != nil && s.way.Traits.EachRequest {
		a.cookies = s.cookies
	}
	item := a.Finish(ctx, evidence.Logon{Binding: s.binding}, budget)
	if item.Step == evidence.StepSkipped && a.sent > 0 && !a.spent {
		// What came in place of a challenge is the answer.
		logon := item.Logon
		item = a.Item
		item.Logon = logon
	}
	s.take(a)
	s.learn(q, c)
	return item
}

// charged is SignIn for a budget that is asked before the first message. The
// result is nil where it forbids the call.
func (s *Session) charged(ctx context.Context, q ews.Question, budget Budget) *evidence.Item {
	if budget.Begin() != nil {
		return nil
	}
	ended := false
	item := s.SignIn(ctx, q, budgetOf{
		begin: func() *evidence.Detail { return nil },
		end: func(result evidence.Result) bool {
			ended = true
			return budget.End(result)
		},
	})
	if !ended {
		item.Logon.Counted = budget.End(evidence.Skipped)
	}
	return &item
}

// clientFor is the client of the next call. What the messages of earlier
// connections could give back is forgotten with them: a run of days makes
// thousands.
func (s *Session) clientFor(signIn bool) *ews.Client {
	if s.pool == nil {
		return s.client
	}
	if signIn && !s.way.Traits.EachRequest {
		s.vault = s.pool.vault()
	}
	return s.pool.client(s.vault)
}

func (s *Session) learn(q ews.Question, c *ews.Client) {
	if s.pool != nil {
		s.pool.learn(q, c.Recorder)
	}
}

func (s *Session) agent(q ews.Question) string { return cmp.Or(q.UserAgent, s.userAgent) }

// Close ends the connection; the next call opens another. Nil-safe.
func (s *Session) Close() {
	if s != nil {
		s.conn.Close()
		s.conn, s.signed = nil, false
	}
}

// SessionPool makes sessions that carry call after call for one account, signed
// in as a check was.
type SessionPool struct {
	URL          *url.URL
	Dialer       *wire.Dialer
	Addresses    []string // IP:port, the preferred first
	ConnectLimit time.Duration
	Credential   ews.Credential
	Vault        func() *secret.Vault // a new one that knows the credential
	Shared       *secret.Vault        // in its place one for all sessions, where their secret is the same and large: a token
	Follow       func(evidence.Item)  // is told each item; nil: nobody is. Several sessions call it at a time

	Way                Way // of the accepted logon
	Binding, UserAgent string

	// Instead are the same by NTLM, where these are by Basic and NTLM was accepted
	// too; else nil.
	Instead *SessionPool

	at    atomic.Int64 // which address is in use
	parse soap.ParseCache
	known secret.Known // texts that hold no secret
	own   string       // the server's identifier of the account's own inbox; "" not known
}

// Session returns a new one, not connected yet.
func (p *SessionPool) Session() *Session {
	s := &Session{way: p.Way, userAgent: p.UserAgent, binding: p.Binding, hurried: true, pool: p, vault: p.vault()}
	return s
}

func (p *SessionPool) vault() *secret.Vault {
	if p.Shared != nil {
		return p.Shared
	}
	v := p.Vault()
	v.Share(&p.known)
	return v
}

// LeaveAddress leaves an address that cannot be connected to.
func (p *SessionPool) LeaveAddress(from string) {
	at := p.at.Load()
	if len(p.Addresses) > 1 && p.Addresses[int(at)%len(p.Addresses)] == from {
		p.at.CompareAndSwap(at, at+1)
	}
}

// client is what a check would use at this address, with a recorder for one call.
func (p *SessionPool) client(vault *secret.Vault) *ews.Client {
	c := &ews.Client{
		URL: p.URL, Address: p.Addresses[int(p.at.Load())%len(p.Addresses)], Dialer: p.Dialer, Recorder: ews.NewRecorder(vault, p.Follow),
		Credential: p.Credential, ConnectLimit: p.ConnectLimit, Parsed: &p.parse, Cookies: &wire.Cookies{},
	}
	c.Recorder.Brief = true
	c.Recorder.Folder(p.own) // it is folder-1 from now on
	return c
}

// learn remembers the account's own inbox, so that answers about it are known
// again: it is folder-1 in every item from then on. It is asked for before there
// is more than one session.
func (p *SessionPool) learn(q ews.Question, r *ews.Recorder) {
	if own := r.FirstFolder(); q.Purpose == evidence.OwnInbox && own != "" {
		p.own = own
	}
}
