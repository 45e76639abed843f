package ews

import (
	"context"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Question is a further call, made because the answer to the check's own call
// leaves something open. It reads only.
type Question struct {
	Purpose   evidence.Purpose
	Call      soap.Call // whose inbox; for PrimaryAddress, the address is its Mailbox
	UserAgent string    // "": that of the sign-in
}

func (q *Question) operation() string {
	switch q.Purpose {
	case evidence.OwnInbox, evidence.NamedInbox:
		return "GetFolder"
	case evidence.PrimaryAddress:
		return "ResolveNames"
	}
	return "FindFolder"
}

func (q *Question) envelope() []byte {
	switch q.operation() {
	case "GetFolder":
		return soap.Quick(q.Call, false)
	case "ResolveNames":
		return soap.ResolveNames(q.Call.Mailbox)
	}
	return soap.Quick(q.Call, true)
}

// Session is what accepted sign-ins leave behind: a connection that stays
// signed in (NTLM signs in a connection, [MS-NTHT] 3.2), a scheme that takes
// the password with any request (Basic), and what was answered.
type Session struct {
	// Accepted are the logons that were accepted, in order.
	Accepted []evidence.Item

	client  *Client
	conn    *wire.Conn     // signed in; nil: none, or not kept
	windows *evidence.Item // the accepted logon by NTLM, which can be made again
	basic   bool           // Basic accepted the password
	spare   *wire.Conn     // still open after the logon by Basic
	over    bool           // a further call was refused: no more are made
}

// keep takes over the connection of a logon for further calls, or closes it:
// Autodiscover is asked once.
func (c *Client) keep(item evidence.Item, conn *wire.Conn) {
	if item.Logon.Result != evidence.Accepted || c.Discover != nil {
		conn.Close()
		return
	}
	if c.session == nil {
		c.session = &Session{client: c}
	}
	s := c.session
	if item.Request.Purpose == "" {
		s.Accepted = append(s.Accepted, item)
	}
	held := &s.conn
	if item.Logon.Scheme == "Basic" {
		s.basic, held = true, &s.spare
	} else if s.windows == nil && c.Credential.Password != "" && item.Logon.Mechanism != evidence.MechanismKerberos {
		s.windows = &item // else (a ticket, the logged-on user) nothing here could sign in anew
	}
	if conn == nil {
		return
	}
	if *held != nil {
		conn.Close()
		return
	}
	*held = conn
}

// Session is what may carry further calls; nil while no logon was accepted.
func (c *Client) Session() *Session { return c.session }

// Ask makes a further call: on the connection that is signed in, where it
// carries no credential; else with the password by Basic; else after another
// handshake. begin is asked before the credential is sent again. The result is
// nil where nothing was sent, or nothing that carried the call.
func (s *Session) Ask(ctx context.Context, q Question, begin func() bool, settle Settle) *evidence.Item {
	if s.over || len(s.Accepted) == 0 {
		return nil
	}
	if q.UserAgent == "" {
		q.UserAgent = s.Accepted[len(s.Accepted)-1].Request.UserAgent
	}
	if s.conn != nil && s.conn.Fit(SettleTime) {
		item := s.onConnection(ctx, q)
		if !lost(item) && (item.Response == nil || item.Response.Status != 401) {
			return &item
		}
		// Signed in for one request only (IIS: authPersistSingleRequest), or
		// closed while the call was on its way.
	}
	s.drop(&s.conn)
	if !s.basic && s.windows == nil || ctx.Err() != nil || !begin() {
		return nil
	}
	var item evidence.Item
	if s.basic {
		reused := s.spare != nil
		if item = s.byBasic(ctx, q, settle); reused && lost(item) && begin() {
			item = s.byBasic(ctx, q, settle) // on a connection of its own
		}
	} else {
		item = s.byHandshake(ctx, q, settle)
	}
	if item.Logon.Result == evidence.Refused {
		s.over = true // whatever changed: not another try
	}
	return &item
}

// Beside makes a further call with the password by Basic, on the connection that
// the accepted logon left open, while the caller does something else. What wait
// returns is what Ask does. A nil wait: there is no such connection, or begin
// forbids it; nothing is sent.
func (s *Session) Beside(ctx context.Context, q Question, begin func() bool) (wait func(Settle) *evidence.Item) {
	if s.over || !s.basic || s.spare == nil || !s.spare.Fit(SettleTime) || !begin() {
		return nil
	}
	q.UserAgent = s.Accepted[len(s.Accepted)-1].Request.UserAgent
	conn := s.spare
	s.spare = nil // the call's own from here on: a logon meanwhile keeps another
	l := s.basicLeg(q)
	l.id, l.at = s.client.Recorder.Begin(), time.Now() // before the caller's, whoever is faster
	var item evidence.Item
	done := make(chan struct{})
	go func() {
		defer close(done)
		item, conn = s.client.send(ctx, conn, l)
	}()
	return func(settle Settle) *evidence.Item {
		<-done
		return s.settleBasic(item, conn, settle)
	}
}

// lost: the connection ended before the call was answered.
func lost(item evidence.Item) bool {
	f := item.Error
	return item.Response == nil && f != nil && (f.Code == evidence.ConnectionClosed || f.Code == evidence.ConnectionReset)
}

func (s *Session) onConnection(ctx context.Context, q Question) evidence.Item {
	c := s.client
	item, conn := c.send(ctx, s.conn, leg{step: evidence.StepSignedIn, userAgent: q.UserAgent, question: &q, credential: true})
	s.conn = conn
	return c.Recorder.Add(item)
}

func (s *Session) byBasic(ctx context.Context, q Question, settle Settle) evidence.Item {
	c, conn := s.client, s.spare
	s.spare = nil
	if conn != nil && !conn.Fit(SettleTime) {
		conn.Close()
		conn = nil
	}
	item, used := c.send(ctx, conn, s.basicLeg(q))
	return *s.settleBasic(item, used, settle)
}

func (s *Session) basicLeg(q Question) leg {
	l := s.client.basicLeg(q.UserAgent)
	l.question = &q
	return l
}

// settleBasic writes down how a further call by Basic ended. After a refusal,
// whatever changed, no further call is made.
func (s *Session) settleBasic(item evidence.Item, used *wire.Conn, settle Settle) *evidence.Item {
	s.client.settle(&item, evidence.Logon{Scheme: "Basic"}, settle)
	item = s.client.Recorder.Add(item)
	s.client.keep(item, used)
	s.over = s.over || item.Logon.Result == evidence.Refused
	return &item
}

// byHandshake signs in another connection in the way that was accepted.
func (s *Session) byHandshake(ctx context.Context, q Question, settle Settle) evidence.Item {
	c, l := s.client, s.windows.Logon
	h := c.NTLMNegotiate(ctx, l.Scheme, q.UserAgent)
	defer h.Close()
	note := evidence.Logon{Scheme: l.Scheme, Account: c.Credential.User}
	if !h.Kept() {
		note.Result, note.Detail = evidence.Unfinished, h.Lost
		note.Counted = settle(evidence.Skipped) // the password was not sent
		return c.Recorder.Add(evidence.Item{
			Step: evidence.StepSkipped, Address: c.Address, At: time.Now(), Logon: &note,
			Request: &evidence.Request{Method: "POST", URL: c.URL.String(), UserAgent: q.UserAgent, Operation: q.operation(), Mailbox: q.Call.Mailbox, Impersonate: q.Call.Impersonate, Purpose: q.Purpose},
		})
	}
	h.question = &q
	return h.Authenticate(ctx, l.Binding, note, settle)
}

func (s *Session) drop(conn **wire.Conn) {
	(*conn).Close()
	*conn = nil
}

// Close ends the connections. Nil-safe, and safe to repeat.
func (s *Session) Close() {
	if s == nil {
		return
	}
	s.drop(&s.conn)
	s.drop(&s.spare)
	s.over = true
}
