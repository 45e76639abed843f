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
// until EWS answers, refuses, or a leg fails. A message without a credential is
// written down as a leg of its own; the last one becomes the logon.
//
// It may rest between Begin, which sends what names nobody, and Finish, which
// spends the credential.
type Attempt struct {
	Item evidence.Item    // the last leg without a credential, with what the server said of itself
	Lost *evidence.Detail // why it cannot be finished; nil: it can

	client    *ews.Client
	mechanism Mechanism
	traits    Traits
	userAgent string
	question  *ews.Question // nil: the client's own
	step      evidence.Step // of a leg without a credential
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
func New(c *ews.Client, userAgent string, m Mechanism) *Attempt {
	return &Attempt{
		client: c, mechanism: m, traits: m.Traits(), userAgent: userAgent, cookies: c.Cookies.Copy(), step: evidence.StepNTLMNegotiate,
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
	m, err := a.mechanism.Start(ctx, &a.channel)
	switch {
	case err != nil:
		a.Lost = detailOf(evidence.WhyMessageNotMade, err)
	case m.Credential:
		a.next = &m
	default:
		a.free(ctx, m)
	}
	return a
}

// connect makes sure of a connection. The item is that of the first leg, which
// could not be sent.
func (a *Attempt) connect(ctx context.Context) *evidence.Item {
	if a.conn == nil {
		step := evidence.StepLogon
		if a.traits.FreeStart {
			step = a.step
		}
		a.id, a.at = a.client.Recorder.Begin(), time.Now()
		conn, failed := a.client.Connect(ctx, ews.Leg{Step: step, ID: a.id, At: a.at})
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
	sent := a.client.Send(ctx, a.conn, ews.Leg{
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
		next, err := a.mechanism.Next(ctx, a.token)
		if err != nil {
			a.Lost = item.NTLM.Detail
		}
		a.next, a.token = &next, nil
	case a.conn == nil:
		a.Lost = evidence.Say(evidence.WhyServerEnded)
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
		a.Lost = evidence.Say(evidence.WhyServerEnded)
	}
	return a.Lost == nil
}

// Finish spends the credential. note says which channel binding to use; it is
// completed and becomes the item's logon. An attempt is finished once.
func (a *Attempt) Finish(ctx context.Context, note evidence.Logon, budget Budget) evidence.Item {
	defer a.mechanism.Close()
	a.prepare(note)
	if a.sent == 0 && a.next == nil && a.Lost == nil {
		if failed := a.connect(ctx); failed != nil {
			return a.settle(*failed, false, nil)
		}
		m, err := a.mechanism.Start(ctx, &a.channel)
		if err != nil {
			return a.stop(evidence.Skipped, detailOf(evidence.WhyMessageNotMade, err), budget)
		}
		a.next = &m
	}
	for {
		m, err := a.message(ctx)
		switch {
		case a.Lost != nil:
			return a.stop(evidence.Unfinished, a.Lost, budget)
		case err != nil:
			return a.stop(evidence.Skipped, detailOf(evidence.WhyMessageNotMade, err), budget)
		case m.Value == "":
			return a.stop(evidence.Skipped, evidence.Say(evidence.WhyNoToken), budget)
		case a.sent == maxMessages:
			return a.stop(evidence.Unfinished, evidence.Say(evidence.WhyStillAsks), budget)
		case !a.Kept():
			return a.stop(evidence.Unfinished, evidence.Say(evidence.WhyServerEnded), budget)
		}
		if a.traits.Scheme == "Negotiate" && m.Inside != "" {
			a.note.Mechanism = m.Inside
		}
		if !m.Credential {
			a.free(ctx, m)
			continue
		}
		if item, over := a.spend(ctx, m, budget); over {
			return item
		}
	}
}

// prepare completes the note.
func (a *Attempt) prepare(note evidence.Logon) {
	note.Scheme = a.traits.Scheme
	if a.traits.Inside != "" {
		note.Mechanism = a.traits.Inside
	}
	if note.Account == "" {
		note.Account = a.client.Credential.User
	}
	a.note, a.channel.Wanted = note, note.Binding
	if a.question == nil {
		a.question = &a.client.Question
	}
}

// message is what is to be sent next.
func (a *Attempt) message(ctx context.Context) (Message, error) {
	if a.next != nil || a.Lost != nil {
		m := a.next
		a.next = nil
		if m == nil {
			m = &Message{}
		}
		return *m, nil
	}
	token := a.token
	a.token = nil
	return a.mechanism.Next(ctx, token)
}

// spend sends a message that may hold a credential. It is over unless the server
// asks for more and the mechanism has it.
func (a *Attempt) spend(ctx context.Context, m Message, budget Budget) (item evidence.Item, over bool) {
	if m.Binding != "" {
		a.note.Binding = m.Binding
	}
	if !a.spent {
		if why := budget.Begin(); why != nil {
			return a.stop(evidence.Skipped, why, budget), true
		}
		a.spent = true
	}
	sent := a.send(ctx, m)
	undecided := false
	if r := sent.Item.Response; r != nil && r.Status == 401 {
		token, challenge := serverToken(r.Status, sent.Challenges, a.traits.Scheme)
		undecided = m.proof && challenge.Detail == nil
		a.note.NewChallenge = undecided
		switch {
		case undecided || token == nil || a.mechanism.Done():
		case a.sent == maxMessages:
			a.note.Detail, undecided = evidence.Say(evidence.WhyStillAsks), true // a 401 with a token is a question, not a refusal
		default:
			next, err := a.mechanism.Next(ctx, token)
			if err == nil && next.Value != "" {
				a.next = &next
				return a.client.Recorder.Add(sent.Item), false
			}
			if err != nil {
				a.note.Detail = detailOf(evidence.WhyMessageNotMade, err)
				undecided = a.note.Detail.Is(evidence.WhyTokenTimeout)
			}
		}
	}
	return a.settle(sent.Item, undecided, budget), true
}

// send posts a message that may hold a credential, and makes known what of it may
// not be seen if a server repeats it.
func (a *Attempt) send(ctx context.Context, m Message) ews.Sent {
	recorder := a.client.Recorder
	for _, s := range m.Secrets {
		recorder.Hide(s)
	}
	if m.Mark != nil {
		recorder.HideMark(m.Mark)
	}
	recorder.Expose()
	sent := a.client.Send(ctx, a.conn, ews.Leg{
		Step: evidence.StepLogon, UserAgent: a.userAgent, Authorization: m.Value, Described: m.Described, Question: a.question, Credential: true,
		ID: a.id, At: a.at, Cookies: a.cookies,
	})
	a.conn, a.id = sent.Conn, ""
	a.sent++
	return sent
}

// settle writes down how the logon ended. undecided is a 401 that asks for
// another message rather than refusing.
func (a *Attempt) settle(item evidence.Item, undecided bool, budget Budget) evidence.Item {
	note := a.note
	note.Result = evidence.Unfinished
	if r := item.Response; r != nil {
		note.Status = r.Status
		switch {
		case undecided:
		case r.Status == 401: // whatever its body says
			note.Result = evidence.Refused
		case item.EWS.Answered(), item.Discovery.Answered():
			note.Result = evidence.Accepted
		}
	}
	if item.Request == nil {
		note.Result, note.Detail = evidence.Skipped, evidence.Say(evidence.WhyNothingSent)
	} else {
		note.Counted = budget.End(note.Result)
	}
	if note.Result != evidence.Accepted {
		a.Close()
	}
	item.Logon, a.Lost = &note, evidence.Say(evidence.WhyHandshakeFinished)
	return a.client.Recorder.Add(item)
}

// stop ends a sign-in before its deciding message. Whether it counts depends on
// what was sent of it.
func (a *Attempt) stop(result evidence.Result, why *evidence.Detail, budget Budget) evidence.Item {
	a.Close()
	note := a.note
	note.Result, note.Detail = result, why
	if a.spent {
		note.Result = evidence.Unfinished
		note.Counted = budget.End(evidence.Unfinished)
	} else {
		note.Binding = "" // it was never made
	}
	item := evidence.Item{ID: a.id, Step: a.client.Step(evidence.StepSkipped), Address: a.client.Address, At: time.Now(), Logon: &note}
	if a.question.Purpose != "" {
		item.Request = a.client.Unsent(*a.question, a.userAgent)
	}
	return a.client.Recorder.Add(item)
}

// Close ends the connection of an attempt that left no session.
func (a *Attempt) Close() {
	if a != nil {
		a.conn.Close()
		a.conn = nil
	}
}
