package ews

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Lines makes connections that carry call after call for one account, signed in
// as a check was: NTLM signs in a connection once ([MS-NTHT] 3.2), and so does
// Kerberos where the server keeps it; Basic carries the password with each request
// (RFC 7617 2).
type Lines struct {
	URL          *url.URL
	Dialer       *wire.Dialer
	Addresses    []string // IP:port, the preferred first
	ConnectLimit time.Duration
	Credential   Credential
	Vault        func() *secret.Vault // a new one that knows the credential
	Follow       func(evidence.Item)  // is told each item; nil: nobody is. Several lines call it at a time

	Scheme, Binding, UserAgent string // of the accepted logon

	// Ticket makes the Kerberos token of each connection, Context the tokens of the
	// logged-on user of Windows for the service SPN. Without both it is NTLM by the
	// password.
	Ticket  TokenMaker
	Context OpenContext
	SPN     string

	// Instead are the same by NTLM, where these are by Basic and NTLM was accepted
	// too; else nil.
	Instead *Lines

	at    atomic.Int64 // which address is in use
	alike soap.Alike
	known secret.Known // texts that hold no secret
	own   string       // the server's identifier of the account's own inbox; "" not known
}

// Line is one connection, opened when it is needed. It serves one caller at a
// time.
type Line struct {
	of     *Lines
	vault  *secret.Vault
	conn   *wire.Conn
	signed bool // NTLM: the connection is signed in
	used   time.Time
}

// Line returns a new one, not connected yet.
func (p *Lines) Line() *Line { return &Line{of: p, vault: p.vault()} }

func (p *Lines) vault() *secret.Vault {
	v := p.Vault()
	v.Share(&p.known)
	return v
}

// Basic says that every request carries the password.
func (p *Lines) Basic() bool { return p.Scheme == "Basic" }

// ByPassword says that the account's password signs in.
func (p *Lines) ByPassword() bool { return p.Ticket == nil && p.Context == nil }

// Elsewhere leaves an address that cannot be connected to.
func (p *Lines) Elsewhere(from string) {
	at := p.at.Load()
	if len(p.Addresses) > 1 && p.Addresses[int(at)%len(p.Addresses)] == from {
		p.at.CompareAndSwap(at, at+1)
	}
}

// doubtful is how long a connection may have been idle and still be trusted
// unseen: to look at it takes SettleTime, which is more than most calls.
const doubtful = 5 * time.Second

// SignedIn says whether a call can be made without a sign-in before it.
func (l *Line) SignedIn() bool {
	if l.conn != nil && time.Since(l.used) > doubtful && !l.conn.Fit(SettleTime) {
		l.Drop()
	}
	return l.of.Basic() || l.conn != nil && l.signed
}

// Ask makes a call. By Basic it carries the password, and settle is told how
// that ended; on a connection that NTLM signed in it carries no credential, and
// a 401 only means that the server has forgotten.
func (l *Line) Ask(ctx context.Context, q Question, settle Settle) evidence.Item {
	c := l.client(nil)
	asked := leg{step: evidence.StepSignedIn, userAgent: l.of.UserAgent, credential: true}
	if l.of.Basic() {
		asked = c.basicLeg(l.of.UserAgent)
	}
	asked.question = &q
	c.Recorder.Expose()
	item, conn := c.send(ctx, l.conn, asked)
	l.conn, l.used = conn, time.Now()
	if l.of.Basic() {
		c.settle(&item, evidence.Logon{Scheme: "Basic"}, settle)
	} else {
		l.signed = conn != nil && (item.Response == nil || item.Response.Status != 401)
	}
	l.of.learn(q, c.Recorder)
	return c.record(item)
}

// SignIn signs in on a new connection. The call travels with the message that
// decides, so that it costs no round trip of its own.
func (l *Line) SignIn(ctx context.Context, q Question, settle Settle) evidence.Item {
	l.Drop()
	// What the messages of earlier connections could give back is forgotten with
	// them: a run of days makes thousands.
	l.vault = l.of.vault()
	c := l.client(&q)
	var item evidence.Item
	switch p := l.of; {
	case p.Ticket != nil:
		item = c.Kerberos(ctx, p.UserAgent, p.Ticket, p.Binding, evidence.Logon{Account: p.Credential.User}, settle)
	case p.Context != nil:
		item = c.CurrentUser(ctx, p.Scheme, p.UserAgent, p.Context, p.SPN, evidence.Logon{Binding: p.Binding}, settle)
	default:
		item = l.byNTLM(ctx, c, settle)
	}
	if s := c.session; s != nil {
		l.conn, l.signed, l.used = s.conn, true, time.Now()
	}
	l.of.learn(q, c.Recorder)
	return item
}

func (l *Line) byNTLM(ctx context.Context, c *Client, settle Settle) evidence.Item {
	h := c.NTLMNegotiate(ctx, l.of.Scheme, l.of.UserAgent)
	defer h.Close()
	if h.Lost != nil { // type 2 came just now: to look again would be a wait for nothing
		item := h.Item
		item.Logon = &evidence.Logon{Scheme: l.of.Scheme, Account: c.Credential.User, Result: evidence.Unfinished, Detail: h.Lost, Counted: settle(evidence.Skipped)}
		item.Spell()
		return item
	}
	h.question = c.question
	return h.Authenticate(ctx, l.of.Binding, evidence.Logon{}, settle)
}

// learn remembers the account's own inbox, so that answers about it are known
// again: it is folder-1 in every item from then on. It is asked for before
// there is more than one line.
func (p *Lines) learn(q Question, r *Recorder) {
	if q.Purpose == evidence.OwnInbox && len(r.folders) > 0 {
		p.own = r.folders[0]
	}
}

// Drop ends the connection; the next call opens another.
func (l *Line) Drop() {
	l.conn.Close()
	l.conn, l.signed = nil, false
}

// client is what a check would use at this address, with a recorder for this one
// call.
func (l *Line) client(q *Question) *Client {
	p := l.of
	c := &Client{
		URL: p.URL, Address: p.Addresses[int(p.at.Load())%len(p.Addresses)], Dialer: p.Dialer, Recorder: NewRecorder(l.vault, p.Follow),
		Credential: p.Credential, ConnectLimit: p.ConnectLimit, alike: &p.alike,
	}
	if p.own != "" {
		c.Recorder.folders = []string{p.own}
	}
	if q != nil {
		c.Call, c.question = q.Call, q
	}
	return c
}

// telling are the fields of an answer that a call for a mailbox is judged by.
var telling = []string{"WWW-Authenticate", "Retry-After", "X-FEServer", "Location", "Content-Type"}

// record cleans an item. Of an answer of EWS only the telling fields are kept:
// hundreds of thousands are made.
func (c *Client) record(item evidence.Item) evidence.Item {
	if r := item.Response; r != nil && item.EWS.Answered() {
		r.Headers = slices.DeleteFunc(r.Headers, func(h [2]string) bool {
			return !slices.ContainsFunc(telling, func(name string) bool { return strings.EqualFold(name, h[0]) })
		})
	}
	return c.Recorder.Add(item)
}

// MailboxQuestion is the one call for a mailbox of a batch: FindFolder
// impersonating it, as Dynamics does; without impersonation GetFolder, whose
// answer tells the mailbox from the caller's own.
func MailboxQuestion(address string, impersonate bool) Question {
	q := Question{Call: soap.Call{Mailbox: address, Impersonate: impersonate}}
	if !impersonate {
		q.Purpose = evidence.NamedInbox
	}
	return q
}
