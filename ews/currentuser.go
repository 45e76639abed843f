package ews

import (
	"bytes"
	"context"
	"encoding/base64"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// maxMessages is how many messages of its own a sign-in may take. NTLM needs
// two, Kerberos one, and one that SPNEGO turns from Kerberos to NTLM three.
const maxMessages = 4

// signIn is a sign-in by a security context under way.
type signIn struct {
	client            *Client
	scheme, userAgent string
	tokens            *tokens
	conn              *wire.Conn
	tls               *evidence.TLS // until the leg that opened the connection is written
	note              evidence.Logon
	settle            Settle
	endPoint          []byte // what the binding is made of, nil for none
	spent             bool   // a token that may hold a credential was sent
}

// CurrentUser signs in as the user who runs the program, with the tokens of a
// security context: leg by leg on one connection, until EWS answers, refuses
// or a leg fails. A leg that carries no more than an NTLM type 1 is written as
// in a Handshake, the last one becomes the logon. note says which channel
// binding to use; it is completed and becomes the item's logon.
func (c *Client) CurrentUser(ctx context.Context, scheme, userAgent string, open OpenContext, spn string, note evidence.Logon, settle Settle) evidence.Item {
	note.Scheme = scheme
	opened, fail := c.open(ctx)
	if fail != nil {
		return c.unopened(opened, fail, note, settle)
	}
	var endPoint []byte
	if note.Binding == evidence.BindingRight && opened.Conn.Leaf != nil {
		endPoint, _ = ntlm.EndPoint(opened.Conn.Leaf) // without one none is sent
	}
	if endPoint == nil {
		note.Binding = evidence.BindingNone
	}
	s := &signIn{
		client: c, scheme: scheme, userAgent: userAgent, conn: opened.Conn, tls: opened.TLS, note: note, settle: settle, endPoint: endPoint,
		tokens: &tokens{open: func() (SecurityContext, error) { return open(scheme, spn, endPoint) }},
	}
	defer func() {
		s.tokens.close()
		s.conn.Close()
	}()
	return s.run(ctx)
}

func (s *signIn) run(ctx context.Context) evidence.Item {
	m := s.tokens.next(ctx, nil)
	for sent := 1; ; sent++ {
		switch {
		case m.err != nil:
			return s.stop(evidence.Skipped, detailOf(evidence.WhyMessageNotMade, m.err))
		case len(m.token) == 0:
			return s.stop(evidence.Skipped, evidence.Say(evidence.WhyNoToken))
		case sent > maxMessages:
			return s.stop(evidence.Unfinished, evidence.Say(evidence.WhyStillAsks))
		case s.conn == nil || sent > 1 && !s.conn.Fit(SettleTime):
			return s.stop(evidence.Unfinished, evidence.Say(evidence.WhyServerEnded))
		}
		o := lookAt(m.token)
		if o.mechanism != "" && s.scheme == "Negotiate" {
			s.note.Mechanism = o.mechanism
		}
		if ntlm.Type(o.ntlm) == ntlm.TypeAuthenticate {
			s.note.Binding = s.bindingOf(o.ntlm)
		}
		item := s.send(ctx, o, m.token)
		var next *made
		if o.credential() {
			item, next = s.judge(ctx, o, item, m.done, sent)
		} else {
			item, next = s.first(ctx, item)
		}
		if next == nil {
			return item
		}
		m = *next
	}
}

// bindingOf reads from a type 3 what the security package really sent: given no
// binding, Windows announces sixteen zeros.
func (s *signIn) bindingOf(message []byte) string {
	switch sent := ntlm.SentBinding(message); {
	case sent == nil:
		return evidence.BindingNone
	case bytes.Equal(sent, ntlm.ZeroBinding()):
		return evidence.BindingZero
	case s.endPoint != nil && bytes.Equal(sent, ntlm.ChannelBinding(s.endPoint)):
		return evidence.BindingRight
	}
	return evidence.BindingForeign
}

// send posts one token. The envelope goes with everything but a type 1, which
// cannot be the last message.
func (s *signIn) send(ctx context.Context, o outside, token []byte) evidence.Item {
	l := leg{
		step: evidence.StepNTLMNegotiate, userAgent: s.userAgent,
		authorization: s.scheme + " " + base64.StdEncoding.EncodeToString(token), described: o.described(s.scheme),
	}
	if o.credential() {
		l.step, l.call, l.question, l.credential = evidence.StepLogon, &s.client.Call, s.client.question, true
		s.client.hideToken(o, token)
		s.client.Recorder.Expose()
		s.spent = true
	}
	item, conn := s.client.send(ctx, s.conn, l)
	s.conn = conn
	if item.TLS == nil {
		item.TLS, s.tls = s.tls, nil
	}
	return item
}

// first finishes the leg of a type 1: the server's challenge, and what the
// security context answers to it.
func (s *signIn) first(ctx context.Context, item evidence.Item) (evidence.Item, *made) {
	var token []byte
	if item.Response != nil {
		decodeChallenge(&item, s.scheme)
		token = serverToken(item.Response, s.scheme)
	}
	item = s.client.Recorder.Add(item)
	switch {
	case item.Error != nil:
		return s.stop(evidence.Unfinished, item.Error.Said()), nil
	case item.Response.Status != 401 || token == nil:
		return s.stop(evidence.Unfinished, item.NTLM.Detail), nil
	}
	m := s.tokens.next(ctx, token)
	if m.err != nil && item.NTLM.Detail != nil {
		return s.stop(evidence.Unfinished, item.NTLM.Detail), nil
	}
	return item, &m
}

// judge finishes the leg of a credential: the end of the sign-in, unless the
// server asks for more and the security context has it.
func (s *signIn) judge(ctx context.Context, o outside, item evidence.Item, done bool, sent int) (evidence.Item, *made) {
	undecided := false
	if r := item.Response; r != nil && r.Status == 401 {
		token := serverToken(r, s.scheme)
		if o.ntlm != nil && token != nil {
			raw, _ := readChallenge(r, s.scheme)
			s.note.NewChallenge = raw != nil
			undecided = raw != nil
		}
		switch {
		case undecided || token == nil || done:
		case sent == maxMessages:
			// A 401 with a token is a question, not a refusal.
			s.note.Detail, undecided = evidence.Say(evidence.WhyStillAsks), true
		default:
			m := s.tokens.next(ctx, token)
			if m.err == nil && len(m.token) > 0 {
				return s.client.Recorder.Add(item), &m
			}
			if m.err != nil {
				s.note.Detail = detailOf(evidence.WhyMessageNotMade, m.err)
				undecided = s.note.Detail.Is(evidence.WhyTokenTimeout)
			}
		}
	}
	s.client.settleAs(&item, s.note, undecided, s.settle)
	item = s.client.Recorder.Add(item)
	s.client.keep(item, s.conn)
	s.conn = nil // the session's, or closed
	return item, nil
}

// stop ends a sign-in before its deciding message. What was sent of it decides
// whether it counts.
func (s *signIn) stop(result evidence.Result, why *evidence.Detail) evidence.Item {
	note := s.note
	note.Account, note.Detail = s.client.Credential.User, why
	note.Result = result
	if s.spent {
		note.Result = evidence.Unfinished
		note.Counted = s.settle(evidence.Unfinished)
	} else {
		note.Binding = "" // it was never made
		note.Counted = s.settle(evidence.Skipped)
	}
	return s.client.Recorder.Add(evidence.Item{Step: evidence.StepSkipped, Address: s.client.Address, At: time.Now(), Logon: &note})
}
