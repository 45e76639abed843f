package signin

import (
	"context"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Finish spends the credential. note says which channel binding to use; it is
// completed and becomes the item's logon. An attempt is finished once.
func (a *Attempt) Finish(ctx context.Context, note evidence.Logon, budget Budget) evidence.Item {
	if a.mechanism.Close != nil {
		defer a.mechanism.Close()
	}
	a.prepare(note)
	if a.sent == 0 && a.next == nil && a.Lost == nil {
		if failed := a.connect(ctx); failed != nil {
			return a.settle(*failed, false, nil)
		}
		m, err := a.mechanism.Next(ctx, &a.channel, nil)
		if err != nil {
			return a.stop(evidence.Skipped, detailOf("message-not-made", err), budget)
		}
		a.next = &m
	}
	for {
		m, err := a.message(ctx)
		switch {
		case a.Lost != nil:
			return a.stop(evidence.Unfinished, a.Lost, budget)
		case err != nil:
			return a.stop(evidence.Skipped, detailOf("message-not-made", err), budget)
		case m.Value == "":
			return a.stop(evidence.Skipped, evidence.Say("no-token"), budget)
		case a.sent == maxMessages:
			return a.stop(evidence.Unfinished, evidence.Say("still-asks"), budget)
		case !a.Kept():
			return a.stop(evidence.Unfinished, evidence.Say("server-ended"), budget)
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
	return a.mechanism.Next(ctx, &a.channel, token)
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
		case undecided || token == nil || m.last:
		case a.sent == maxMessages:
			a.note.Detail, undecided = evidence.Say("still-asks"), true // a 401 with a token is a question, not a refusal
		default:
			next, err := a.mechanism.Next(ctx, &a.channel, token)
			if err == nil && next.Value != "" {
				a.next = &next
				return a.client.Recorder.Add(sent.Item), false
			}
			if err != nil {
				a.note.Detail = detailOf("message-not-made", err)
				undecided = a.note.Detail.Is("token-timeout")
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
		recorder.Secrets.AddBytes(s)
	}
	if m.Mark != nil {
		recorder.Secrets.AddMark(m.Mark)
	}
	recorder.Expose()
	a.cookies.Join(a.client.Cookies) // set by other answers since the first message
	sent := a.client.Send(ctx, a.conn, ews.Request{
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
		case r.Status == 403 && a.traits.Scheme == "Bearer" && !item.EWS.Answered(): // RFC 6750 3.1, insufficient_scope
			note.Result = evidence.Refused
		case r.Status == 401, r.Status == 456: // whatever its body says; 456 is Microsoft's for a locked account
			note.Result = evidence.Refused
		case item.EWS.Answered(), item.Discovery.Answered():
			note.Result = evidence.Accepted
		}
	}
	if item.Request == nil {
		note.Result, note.Detail = evidence.Skipped, evidence.Say("nothing-sent")
	} else {
		note.Counted = budget.End(note.Result)
	}
	if note.Result != evidence.Accepted {
		a.Close()
	}
	item.Logon, a.Lost = &note, evidence.Say("handshake-finished")
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
