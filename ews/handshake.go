package ews

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// SettleTime is how long an idle connection is watched before it is trusted
// with another message: a server that hangs up does so right after its answer.
const SettleTime = 2 * time.Millisecond

// Handshake is an NTLM sign-in between its second and third message, on the
// connection where alone it can be finished.
type Handshake struct {
	Item evidence.Item    // the type 1 leg, with the decoded challenge
	Lost *evidence.Detail // why it cannot be finished; nil: it can

	client    *Client
	conn      *wire.Conn
	scheme    string
	spnego    bool // the messages travel inside SPNEGO
	userAgent string
	challenge []byte
	question  *Question // asked instead of the client's own call
}

// NTLMNegotiate opens a connection and sends type 1 under scheme (NTLM, or
// Negotiate for raw NTLM inside it). It carries no credential and counts
// nothing. The caller closes the handshake.
func (c *Client) NTLMNegotiate(ctx context.Context, scheme, userAgent string) *Handshake {
	h := c.beginHandshake(ctx, scheme, userAgent, false)
	if scheme != "Negotiate" || h.challenge != nil || h.Item.NTLM == nil || h.Item.Response.Status != 401 {
		return h
	}
	// Some servers take NTLM in Negotiate only as SPNEGO has it.
	wrapped := c.NTLMInSPNEGO(ctx, userAgent)
	if wrapped.challenge == nil {
		wrapped.Lost = spnegoProblem(h.Lost, wrapped.Lost)
	}
	h.Close()
	return wrapped
}

func (c *Client) beginHandshake(ctx context.Context, scheme, userAgent string, wrapped bool) *Handshake {
	h := &Handshake{client: c, scheme: scheme, userAgent: userAgent, spnego: wrapped}
	item, conn, raw := c.typeOne(ctx, nil, h, evidence.StepNTLMNegotiate)
	h.Item, h.conn, h.challenge = c.Recorder.Add(item), conn, raw
	switch {
	case item.Error != nil:
		h.Lost = item.Error.Said()
	case raw == nil:
		h.Lost = item.NTLM.Detail
	case conn == nil:
		h.Lost = evidence.Say(evidence.WhyServerEnded)
	}
	return h
}

// typeOne sends the first message of h, on conn or a new connection.
func (c *Client) typeOne(ctx context.Context, conn *wire.Conn, h *Handshake, step evidence.Step) (evidence.Item, *wire.Conn, []byte) {
	scheme, described := h.scheme, h.scheme+", NTLM type 1"
	message, err := ntlm.NegotiateMessage()
	if err == nil && h.spnego {
		message, err = spnego.WrapInit(spnego.NTLM, message)
		described += " inside SPNEGO"
	}
	if err != nil { // only if go-ntlmssp changed
		return evidence.Item{Step: c.step(step), Address: c.Address, At: time.Now(), Error: evidence.Fail(evidence.Malformed, "write", evidence.WhyMessageNotMade, err)}, nil, nil
	}
	item, conn := c.send(ctx, conn, leg{
		step: step, userAgent: h.userAgent,
		authorization: scheme + " " + base64.StdEncoding.EncodeToString(message), described: described,
	})
	if item.Response == nil {
		return item, conn, nil
	}
	raw := decodeChallenge(&item, scheme)
	// Whoever answers in SPNEGO is answered in it.
	h.spnego = h.spnego || item.NTLM.SPNEGO
	item.NTLM.SPNEGO = h.spnego
	return item, conn, raw
}

// decodeChallenge writes down what the answer to a type 1 says and returns the
// NTLM message in it, nil if there is none.
func decodeChallenge(item *evidence.Item, scheme string) []byte {
	raw, decoded := readChallenge(item.Response, scheme)
	item.NTLM = decoded
	if decoded.Time != nil {
		arrived := time.Now()
		if f := item.Timing.FirstByte; f != nil {
			arrived = arrived.Add(-time.Duration(*f/2) * time.Millisecond)
		}
		skew := decoded.Time.Sub(arrived).Milliseconds()
		decoded.ClockSkewMS = &skew
	}
	return raw
}

// readChallenge finds and decodes the type 2 message. Step two lists the other
// schemes beside it, and the message need not come first: the value whose
// parameter is an NTLM message is taken.
func readChallenge(r *evidence.Response, scheme string) ([]byte, *evidence.NTLM) {
	n := &evidence.NTLM{Scheme: scheme}
	if r.Status != 401 {
		n.Detail = evidence.Say(evidence.WhyType1Answered, r.Status)
		return nil, n
	}
	n.Detail = evidence.Say(evidence.WhyNoChallenge)
	for _, offer := range challenge.Parse(r.Header("WWW-Authenticate")) {
		if !offer.Is(scheme) || offer.Token == "" {
			continue
		}
		opened, err := openToken(offer.Token)
		var c ntlm.Challenge
		if err == nil {
			c, err = ntlm.Decode(opened.message)
		}
		if err != nil {
			n.Detail = unreadableChallenge(err)
			continue
		}
		n = describeChallenge(scheme, c)
		n.SPNEGO = opened.wrapped
		return opened.message, n
	}
	return nil, n
}

func describeChallenge(scheme string, c ntlm.Challenge) *evidence.NTLM {
	n := &evidence.NTLM{
		Scheme: scheme, TargetName: c.TargetName, NetBIOSDomain: c.NbDomain, NetBIOSComputer: c.NbComputer,
		DNSDomain: c.DNSDomain, DNSComputer: c.DNSName, DNSForest: c.DNSTree, OSBuild: c.Version, StandAlone: c.StandAlone(),
	}
	if !c.Time.IsZero() {
		n.Time = &c.Time
	}
	return n
}

// Serves says whether this is a handshake of that scheme and user agent. A nil
// handshake serves nothing.
func (h *Handshake) Serves(scheme, userAgent string) bool {
	return h != nil && h.scheme == scheme && h.userAgent == userAgent
}

// Challenged says whether type 1 was answered with a challenge, or not at all:
// where it was answered without one, asking again tells nothing new.
func (h *Handshake) Challenged() bool { return h.challenge != nil || h.Item.Response == nil }

// Kept says whether the connection still stands, so that type 3 may follow.
func (h *Handshake) Kept() bool {
	if h.Lost == nil && !h.conn.Fit(SettleTime) {
		h.Lost = evidence.Say(evidence.WhyServerEnded)
	}
	return h.Lost == nil
}

// Authenticate spends the credential: type 3 with the given channel binding
// (one of evidence.BindingRight and its like), together with the
// envelope. A handshake answers once; it is closed afterwards.
func (h *Handshake) Authenticate(ctx context.Context, binding string, note evidence.Logon, settle Settle) evidence.Item {
	c := h.client
	note.Scheme = h.scheme
	if h.scheme == "Negotiate" {
		note.Mechanism = evidence.MechanismNTLM
	}
	message, binding, err := h.message(binding)
	note.Binding = binding
	skip := func(err error) evidence.Item {
		h.Close()
		return c.skip(err, note, settle)
	}
	if err != nil {
		return skip(err)
	}
	c.hide(message)
	described := h.scheme + ", NTLM type 3, value not kept"
	if h.spnego {
		if message, err = spnego.WrapResponse(message); err != nil {
			return skip(err)
		}
		described = h.scheme + ", NTLM type 3 inside SPNEGO, value not kept"
	}
	c.Recorder.Expose()
	item, conn := c.send(ctx, h.conn, leg{
		step: evidence.StepLogon, userAgent: h.userAgent, call: &c.Call, question: h.question, credential: true,
		authorization: h.scheme + " " + base64.StdEncoding.EncodeToString(message), described: described,
	})
	h.conn, h.Lost = nil, evidence.Say(evidence.WhyHandshakeFinished) // the connection goes to the session, or is closed
	if item.Response != nil {
		raw, _ := readChallenge(item.Response, h.scheme)
		note.NewChallenge = raw != nil
	}
	c.settle(&item, note, settle)
	item = c.Recorder.Add(item)
	c.keep(item, conn)
	return item
}

// message makes type 3 and says which binding it really carries.
func (h *Handshake) message(binding string) ([]byte, string, error) {
	value, binding, err := channelBinding(h.conn, binding)
	if err != nil {
		value = nil // no hash is defined for this certificate: sent without
	}
	m, err := ntlm.AuthenticateMessage(h.challenge, h.client.Credential.User, h.client.Credential.Password, value)
	return m, binding, err
}

// hide makes the parts of type 3 known that could give the password back: its
// beginning, by which it is recognised, and the proof.
func (c *Client) hide(message []byte) {
	vault := c.Recorder.vault
	vault.AddMark(message[:12])
	if proof, err := ntlm.ProofString(message); err == nil {
		vault.AddBytes(proof)
	}
}

// Close ends the connection of a handshake that is not finished.
func (h *Handshake) Close() {
	if h != nil {
		h.conn.Close()
	}
}

// InSPNEGO says whether the messages travel inside SPNEGO. A nil handshake has
// none.
func (h *Handshake) InSPNEGO() bool { return h != nil && h.spnego }

// KeepTest sends two type 1 messages on one connection, inside SPNEGO or as they
// are: the second is answered only if the connection is kept, and by the same
// server. It costs no logon.
func (c *Client) KeepTest(ctx context.Context, scheme, userAgent string, wrapped bool) {
	h := &Handshake{scheme: scheme, userAgent: userAgent, spnego: wrapped}
	first, conn, _ := c.typeOne(ctx, nil, h, evidence.StepKeepTest)
	c.Recorder.Add(first)
	if conn == nil {
		return
	}
	second, conn, _ := c.typeOne(ctx, conn, h, evidence.StepKeepTest)
	conn.Close()
	c.Recorder.Add(second)
}
