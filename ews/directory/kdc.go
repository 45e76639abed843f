package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/kerberos"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// KDC asks the KDCs of the client's realm. Its steps follow each other: each uses
// what the one before it learnt.
type KDC struct {
	*Client
	// Keytab has the key that the account proves itself with; nil: it is the password.
	Keytab []byte

	places []place
	asked  *evidence.Item
	hint   *kerberos.KRBError
	offset time.Duration // KDC's clock minus this one's
	tgt    *kerberos.Ticket
}

// enoughSkew is the difference of clocks from which messages are made by the
// KDC's clock, as MIT's and Microsoft's clients do: with its own, the account
// would pay a logon to hear of a skew that is known already.
const enoughSkew = time.Minute

// Ask sends the AS-REQ without pre-authentication, once: asked again, it gives
// the same item. It carries no secret and counts nothing.
func (k *KDC) Ask(ctx context.Context) evidence.Item {
	if k.asked == nil {
		k.asked = new(k.ask(ctx))
	}
	return *k.asked
}

func (k *KDC) ask(ctx context.Context) evidence.Item {
	controllers, missing := k.kdcs(ctx)
	if missing != nil {
		return *missing
	}
	item := evidence.Item{ID: k.Recorder.Begin(), Step: evidence.StepKDCAsk, At: time.Now(), Kerberos: &evidence.Kerberos{Realm: k.Realm}}
	client, err := kerberos.ClientPrincipal(k.Credential.User, k.Realm)
	var request kerberos.Request
	if err == nil {
		item.Kerberos.Principal = client.String()
		request, err = kerberos.NewASRequest(client)
	}
	if err != nil {
		item.Kerberos.Problem, item.Kerberos.Detail = evidence.NoController, evidence.Say("kerberos-failed", err)
		return k.Recorder.Add(item)
	}
	var fail *evidence.Failure
	if k.places, fail = k.addresses(ctx, controllers); len(k.places) == 0 {
		item.Error = fail
		item.Kerberos.Problem, item.Kerberos.Detail = evidence.NoAnswer, evidence.Say("no-address", controllers[0], fail)
		return k.Recorder.Add(item)
	}
	answer := k.exchange(ctx, &item, request)
	k.hint = answer.Error
	item.Kerberos.Unasked = answer.WithoutPreauth
	if t := item.Kerberos.Time; t != nil {
		if skew := time.Duration(*item.Kerberos.ClockSkewMS) * time.Millisecond; skew.Abs() > enoughSkew {
			k.offset = skew
		}
	}
	return k.Recorder.Add(item)
}

// Asked is the item of Ask, nil before it was called.
func (k *KDC) Asked() *evidence.Item { return k.asked }

// Logon proves the account's key to the KDC and, if it is accepted, keeps the
// ticket-granting ticket for Ticket. It is a use of the credential: the caller
// has asked the guard, and settle is told how it ended.
func (k *KDC) Logon(ctx context.Context, settle ews.Settle) evidence.Item {
	asked := k.Ask(ctx)
	note := evidence.Logon{Scheme: evidence.SchemeKerberos, Account: k.Credential.User}
	end := func(item evidence.Item, result evidence.Result, why *evidence.Detail) evidence.Item {
		note.Result, note.Detail = result, why
		note.Counted = settle(result)
		item.Logon = &note
		return k.Recorder.Add(item)
	}
	item := evidence.Item{ID: k.Recorder.Begin(), Step: evidence.StepKDCLogon, Address: asked.Address, At: time.Now()}
	item.Kerberos = &evidence.Kerberos{Realm: k.Realm, Principal: asked.Kerberos.Principal}
	if k.Keytab != nil {
		// A keytab of somebody else is told before a controller that cannot be reached.
		if _, err := k.proof(); errors.Is(err, kerberos.ErrNoKey) && k.hint == nil {
			item.Kerberos.Problem, item.Kerberos.Detail = evidence.NoKey, evidence.Say("kerberos-failed", err)
			return end(item, evidence.Skipped, item.Kerberos.Detail)
		}
	}
	if k.hint == nil && !asked.Kerberos.Unasked {
		item.Kerberos = nil // its own step says what is wrong
		return end(item, evidence.Skipped, cmp.Or(asked.Kerberos.Detail, evidence.Say("kdc-unusable")))
	}
	if h := k.hint; h != nil && h.Code != kerberos.CodePreauthRequired {
		item.Kerberos = nil
		return end(item, evidence.Skipped, evidence.Say("kdc-refuses", h))
	}
	request, err := k.proof()
	switch {
	case errors.Is(err, kerberos.ErrNoKey), errors.Is(err, kerberos.ErrKeytab):
		item.Kerberos.Problem = evidence.NoKey
	case errors.Is(err, kerberos.ErrEnctype):
		item.Kerberos.Problem = evidence.NoAES
	case err != nil:
		item.Kerberos.Problem = evidence.Dishonest
	}
	if err != nil {
		item.Kerberos.Detail = evidence.Say("kerberos-failed", err)
		return end(item, evidence.Skipped, item.Kerberos.Detail)
	}
	k.Recorder.Secrets.AddBytes(request.Secret)
	k.Recorder.Expose()
	answer := k.exchange(ctx, &item, request)
	switch e := answer.Error; {
	case answer.Ticket != nil:
		k.tgt = answer.Ticket
		item.Kerberos.EncType = answer.Ticket.SessionEnctype
		return end(item, evidence.Accepted, nil)
	case e != nil && refuses[e.Code]:
		return end(item, evidence.Refused, nil)
	case e != nil:
		return end(item, evidence.Unfinished, evidence.Say("kdc-answered", e))
	case unreached(item.Error):
		return end(item, evidence.Skipped, item.Kerberos.Detail)
	}
	return end(item, evidence.Unfinished, item.Kerberos.Detail)
}

// refuses are the errors by which a KDC refuses the account or its key; the
// others are about the request, the service or the clock.
var refuses = map[int32]bool{
	kerberos.CodeClientUnknown: true, kerberos.CodeClientRevoked: true, kerberos.CodeKeyExpired: true,
	kerberos.CodeNameExpired: true, kerberos.CodePreauthFailed: true, kerberos.CodePolicy: true,
}

func (k *KDC) proof() (kerberos.Request, error) {
	client, err := kerberos.ClientPrincipal(k.Credential.User, k.Realm)
	if err != nil {
		return kerberos.Request{}, err
	}
	now := time.Now().Add(k.offset)
	if k.Keytab == nil {
		return kerberos.WithPassword(client, k.Credential.Password, k.hint, now)
	}
	keytab, err := kerberos.ReadKeytab(k.Keytab)
	if err != nil {
		return kerberos.Request{}, err
	}
	return kerberos.WithKeytab(client, keytab, k.hint, now)
}

// Ticket asks for the ticket of a service with the ticket-granting ticket that
// Logon or Cached got.
func (k *KDC) Ticket(ctx context.Context, spn string) (evidence.Item, *kerberos.Ticket) {
	item := evidence.Item{ID: k.Recorder.Begin(), Step: evidence.StepTicket, At: time.Now()}
	item.Kerberos = &evidence.Kerberos{Realm: k.Realm, Principal: k.tgt.Client.String(), Service: spn}
	give := func(problem evidence.Problem, why *evidence.Detail) (evidence.Item, *kerberos.Ticket) {
		item.Kerberos.Problem, item.Kerberos.Detail = problem, why
		return k.Recorder.Add(item), nil
	}
	service, err := kerberos.ServicePrincipal(spn, k.Realm)
	if err != nil {
		return give(evidence.NoTicket, evidence.Say("kerberos-failed", err))
	}
	if len(k.places) == 0 { // a cached ticket was not asked for
		controllers, missing := k.kdcs(ctx)
		if missing != nil {
			return *missing, nil
		}
		var fail *evidence.Failure
		if k.places, fail = k.addresses(ctx, controllers); len(k.places) == 0 {
			item.Error = fail
			return give(evidence.NoAnswer, evidence.Say("no-address", controllers[0], fail))
		}
	}
	request, err := kerberos.NewTGSRequest(*k.tgt, service, time.Now().Add(k.offset))
	if err != nil {
		return give(evidence.NoTicket, evidence.Say("kerberos-failed", err))
	}
	k.Recorder.Secrets.AddBytes(request.Secret)
	answer := k.exchange(ctx, &item, request)
	switch {
	case answer.Referral != "":
		return give(evidence.NoTicket, evidence.Say("other-realm", spn, answer.Referral))
	case answer.Ticket != nil:
		item.Kerberos.EncType = answer.Ticket.Enctype
		return k.Recorder.Add(item), answer.Ticket
	}
	return k.Recorder.Add(item), nil
}

// Cached takes a ticket out of a credential cache: the service's, else one of
// the realm's KDC, with which the service's is asked for.
func (k *KDC) Cached(ctx context.Context, cache []byte, spn string) (evidence.Item, *kerberos.Ticket) {
	item := evidence.Item{ID: k.Recorder.Begin(), Step: evidence.StepTicket, At: time.Now()}
	item.Kerberos = &evidence.Kerberos{Realm: k.Realm, Service: spn}
	give := func(err error) (evidence.Item, *kerberos.Ticket) {
		item.Kerberos.Problem, item.Kerberos.Detail = evidence.NoTicket, evidence.Say("kerberos-failed", err)
		if errors.Is(err, kerberos.ErrExpired) {
			item.Kerberos.Problem = evidence.TicketExpired
		}
		return k.Recorder.Add(item), nil
	}
	stored, err := kerberos.ReadCCache(cache)
	if err != nil {
		return give(err)
	}
	item.Kerberos.Principal = stored.Client.String()
	now := time.Now()
	if service, err := kerberos.ServicePrincipal(spn, k.Realm); err == nil {
		if ticket, err := stored.Service(service, now); err == nil {
			item.Kerberos.EncType = ticket.Enctype
			return k.Recorder.Add(item), ticket
		}
	}
	tgt, err := stored.TGT(k.Realm, now)
	if err != nil {
		return give(err)
	}
	k.tgt = tgt
	k.Recorder.Add(item)
	return k.Ticket(ctx, spn)
}

// Token is what a ticket signs in to EWS with, made by the KDC's clock.
func (k *KDC) Token(ticket *kerberos.Ticket) signin.TokenMaker {
	return func(binding []byte) ([]byte, error) { return ticket.Token(binding, time.Now().Add(k.offset)) }
}

// exchange sends a request to the first KDC that can be connected to and enters
// the outcome in item. Once one was connected to, no other is asked: the request
// may have been counted there.
func (k *KDC) exchange(ctx context.Context, item *evidence.Item, request kerberos.Request) kerberos.Answer {
	fact := item.Kerberos
	var raw []byte
	step, cancel := context.WithTimeout(ctx, stepPatience)
	defer cancel()
	for i, p := range k.places {
		limited, cancel := context.WithTimeout(step, patience)
		item.Address = p.address
		raw, item.Timing, item.Error = wire.Exchange(limited, p.address, request.Raw, longestMessage)
		cancel()
		if !unreached(item.Error) {
			k.places = k.places[i : i+1]
			break
		}
		if step.Err() != nil {
			break
		}
	}
	switch f := item.Error; {
	case f != nil && f.Code == evidence.Interrupted: // no fault of the controller's
		fact.Detail = evidence.Say("check-stopped")
		return kerberos.Answer{}
	case f != nil:
		fact.Problem, fact.Detail = evidence.NoAnswer, evidence.Say("no-kerberos", item.Address, item.Error)
		return kerberos.Answer{}
	}
	received := time.Now()
	answer, err := request.Read(raw)
	if err != nil {
		fact.Problem, fact.Detail = evidence.Dishonest, evidence.Say("kerberos-failed", err)
		return kerberos.Answer{}
	}
	if e := answer.Error; e != nil {
		fact.Code, fact.Error, fact.Text = int(e.Code), e.Name, e.Text
		if e.Status != 0 {
			fact.NTStatus = fmt.Sprintf("0x%08X", e.Status)
		}
		if !e.Time.IsZero() {
			fact.Time, fact.ClockSkewMS = &e.Time, new(e.Time.Sub(received).Milliseconds())
		}
	}
	return answer
}
