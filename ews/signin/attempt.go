// Package signin signs in to EWS. An Attempt is the one driver: it carries the
// messages of a Mechanism (Basic, NTLM, Kerberos, SSPI) over one connection,
// asks a Budget before a credential is sent and tells it how that ended, and
// writes down every step. A Session is what an accepted attempt leaves: it carries
// further calls. FollowUp has the sessions of a check, SessionPool makes those of
// a batch.
package signin

import (
	"context"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// SettleTime is how long an idle connection is watched before it is trusted
// with another message: a server that hangs up does so right after its answer.
const SettleTime = 2 * time.Millisecond

// maxMessages is how many messages of its own a sign-in may take. NTLM needs
// two, Kerberos one, and one that SPNEGO turns from Kerberos to NTLM three.
const maxMessages = 4

// Attempt is one sign-in by any mechanism: message by message on one connection,
// until EWS answers, refuses, or a step fails. A message without a credential is
// written down as a step of its own; the last one becomes the logon.
//
// It may rest between Begin, which sends what names nobody, and Finish, which
// spends the credential.
type Attempt struct {
	Item evidence.Item    // the last step without a credential, with what the server said of itself
	Lost *evidence.Detail // why it cannot be finished; nil: it can

	client    *ews.Client
	mechanism Mechanism
	traits    Traits
	userAgent string
	question  *ews.Question // nil: the client's own
	step      evidence.Step // of a step without a credential
	hurried   bool          // the connection is not watched before it is used again

	conn       *wire.Conn
	cookies    *wire.Cookies
	channel    Channel
	token      []byte // of the server, not answered yet
	next       *Message
	challenged bool // NTLM
	wrapped    bool // inside SPNEGO
	sent       int
	spent      bool // a credential was sent
	note       evidence.Logon

	id string // and at: of the next item, where its place was taken already
	at time.Time
}

// New prepares an attempt; nothing is sent. The caller closes it.
func New(c *ews.Client, userAgent string, traits Traits, m Mechanism) *Attempt {
	return &Attempt{
		client: c, mechanism: m, traits: traits, userAgent: userAgent, cookies: c.Cookies.Copy(), step: evidence.StepNTLMNegotiate,
	}
}

// On uses a connection that is open already, if it is still fit; nil opens one.
func (a *Attempt) On(conn *wire.Conn) *Attempt {
	if conn != nil && !conn.Fit(SettleTime) {
		conn.Close()
		conn = nil
	}
	a.conn = conn
	return a
}

// Begin sends the messages that carry no credential. It counts nothing.
func (a *Attempt) Begin(ctx context.Context) *Attempt {
	a.channel.Wanted = evidence.BindingRight
	if failed := a.connect(ctx); failed != nil {
		a.Item, a.Lost = a.client.Recorder.Add(*failed), failed.Error.Said()
		return a
	}
	m, err := a.mechanism.Next(ctx, &a.channel, nil)
	switch {
	case err != nil:
		a.Lost = detailOf("message-not-made", err)
	case m.Credential:
		a.next = &m
	default:
		a.free(ctx, m)
	}
	return a
}

// connect makes sure of a connection. The item is that of the first step, which
// could not be sent.
func (a *Attempt) connect(ctx context.Context) *evidence.Item {
	if a.conn == nil {
		step := evidence.StepLogon
		if a.traits.FreeStart {
			step = a.step
		}
		a.id, a.at = a.client.Recorder.Begin(), time.Now()
		conn, failed := a.client.Connect(ctx, ews.Request{Step: step, ID: a.id, At: a.at})
		if failed != nil {
			return failed
		}
		a.conn = conn
	}
	a.channel.leaf = a.conn.Leaf
	return nil
}

// free sends a message without a credential and takes the server's answer.
func (a *Attempt) free(ctx context.Context, m Message) {
	sent := a.client.Send(ctx, a.conn, ews.Request{
		Step: a.step, UserAgent: a.userAgent, Authorization: m.Value, Described: m.Described, Cookies: a.cookies, ID: a.id, At: a.at,
	})
	a.conn, a.token, a.id = sent.Conn, nil, ""
	a.sent++
	item := sent.Item
	if r := item.Response; r != nil {
		a.token, item.NTLM = serverToken(r.Status, sent.Challenges, a.traits.Scheme)
		measureSkew(&item)
		a.challenged = item.NTLM.Detail == nil
		// Whoever answers in SPNEGO is answered in it.
		a.wrapped = a.wrapped || m.wrapped || item.NTLM.SPNEGO
		item.NTLM.SPNEGO = a.wrapped
	}
	a.Item = a.client.Recorder.Add(item)
	switch {
	case item.Error != nil:
		a.Lost = item.Error.Said()
	case a.token == nil:
		a.Lost = item.NTLM.Detail
	case !a.challenged: // the mechanism may know better
		next, err := a.mechanism.Next(ctx, &a.channel, a.token)
		if err != nil {
			a.Lost = item.NTLM.Detail
		}
		a.next, a.token = &next, nil
	case a.conn == nil:
		a.Lost = evidence.Say("server-ended")
	}
}

// Serves says whether this is an attempt by that scheme and user agent. A nil
// attempt serves nothing.
func (a *Attempt) Serves(scheme, userAgent string) bool {
	return a != nil && a.traits.Scheme == scheme && a.userAgent == userAgent
}

// Challenged says whether type 1 was answered with a challenge, or not at all:
// where it was answered without one, asking again tells nothing new.
func (a *Attempt) Challenged() bool { return a.challenged || a.Item.Response == nil }

// InSPNEGO says whether NTLM travels inside SPNEGO. A nil attempt has none.
func (a *Attempt) InSPNEGO() bool { return a != nil && a.wrapped }

// Kept says whether the connection still stands, so that the credential may
// follow.
func (a *Attempt) Kept() bool {
	if a.Lost == nil && a.sent > 0 && (a.conn == nil || !a.hurried && !a.conn.Fit(SettleTime)) {
		a.Lost = evidence.Say("server-ended")
	}
	return a.Lost == nil
}

// Close ends the connection of an attempt that left no session.
func (a *Attempt) Close() {
	if a != nil {
		a.conn.Close()
		a.conn = nil
	}
}
