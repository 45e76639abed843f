package probe

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/soap"
)

// The mailbox call itself rides on the logons (FindFolder, as Dynamics' Test
// Connection makes it). What it leaves open is asked afterwards, by calls that
// read only and need no new sign-in. Where it leaves nothing open, nothing is
// asked: the plain good case stays at its round trips.

// passingPause is waited before a call that failed for a passing reason is
// made once more.
const passingPause = time.Second

// followUp makes the calls that the answer to the logons at n leaves needed.
func (n *node) followUp(ctx context.Context) {
	if len(n.session.Accepted) == 0 {
		return
	}
	defer n.session.Close()
	ctx, cancel := context.WithTimeout(ctx, max(n.Config.Timeout/3, time.Second)) // they explain, they do not decide
	defer cancel()
	f := &followUp{node: n, answer: n.answer()}
	for _, call := range n.plan.further {
		call.make(f, ctx)
	}
}

// followUp makes the further calls at one address.
type followUp struct {
	*node
	answer *evidence.Item // to the call for the mailbox
}

// answer is the accepted logon whose answer speaks for the mailbox: that of the
// profile's own scheme before any other.
func (n *node) answer() *evidence.Item {
	own, s := n.Config.ownSchemes()[0], &n.session
	answer := &s.Accepted[0]
	for i := range s.Accepted {
		if strings.EqualFold(s.Accepted[i].Logon.Scheme, own) {
			answer = &s.Accepted[i]
		}
	}
	return answer
}

// ask makes one further call and returns its answer, nil if there is none.
func (f *followUp) ask(ctx context.Context, q ews.Question) *evidence.Item {
	budget := f.account.Budget(ctx, lockout.Use{At: f.Config.URL})
	defer budget.Close()
	item := f.session.Ask(ctx, q, budget)
	if item == nil || !item.EWS.Answered() {
		return nil
	}
	return item
}

func opened(item *evidence.Item) bool {
	return item != nil && item.EWS.Code == soap.CodeNoError && item.EWS.Class != soap.ClassError
}

// again repeats the call once after an error that may pass.
func (f *followUp) again(ctx context.Context) {
	if !soap.Passing(f.answer.EWS.Code) || !ews.Sleep(ctx, passingPause) {
		return
	}
	if item := f.ask(ctx, ews.Question{Purpose: evidence.AgainLater, Call: f.client.Question.Call}); item != nil {
		f.answer = item
	}
}

// otherAgents asks, after Exchange refused the tool's own user agent at the
// logon and let one of Dynamics' pass, how it takes the others: synchronization
// and Test Connection have different ones.
func (f *followUp) otherAgents(ctx context.Context) {
	if f.refusedAtLogon == nil {
		return
	}
	for _, agent := range f.Config.DynamicsAgents {
		if agent != f.userAgent && !slices.Contains(f.refusedAtLogon, agent) {
			f.ask(ctx, ews.Question{Purpose: evidence.OtherAgent, Call: f.client.Question.Call, UserAgent: agent})
		}
	}
}

// owner finds out, after a call without impersonation was answered well,
// whether the answer was about the named mailbox: where the name gets lost on
// the way, the caller's own answers instead.
func (f *followUp) owner(ctx context.Context) {
	if !opened(f.answer) || strings.EqualFold(f.Config.Mailbox, f.Config.User) {
		return
	}
	if own := f.ask(ctx, ews.Question{Purpose: evidence.OwnInbox}); opened(own) {
		f.ask(ctx, ews.Question{Purpose: evidence.NamedInbox, Call: soap.Call{Mailbox: f.Config.Mailbox}})
	}
}

// primaryAddress asks the address book which address is the primary one, once
// in a run: after the mailbox was not found, and after a success where that
// needs no more round trips than the longest plain case (else primaryBeside).
func (f *followUp) primaryAddress(ctx context.Context) {
	short := len(f.session.Accepted) == 1 || !f.Config.Impersonate
	if !soap.NotHere(f.answer.EWS.Code) && !(opened(f.answer) && short) {
		return
	}
	if len(f.answer.EWS.Resolved) == 1 || !f.once(primaryAsked) {
		return // the refusal named it
	}
	f.ask(ctx, ews.Question{Purpose: evidence.PrimaryAddress, Call: soap.Call{Mailbox: f.Config.Mailbox}})
}

// primaryBeside asks the address book while another logon is on its way, so that
// it costs no round trip of waiting: after Basic opened the mailbox by
// impersonation, where an alias opens it as the primary address does. Both
// count as sent.
func (t *signIns) primaryBeside(ctx context.Context, l Logon) (wait func()) {
	s := &t.session
	if len(s.Accepted) == 0 || l.When != ToProve || !t.was(Basic, "", evidence.Accepted) || !t.Config.Impersonate || t.Config.Mailbox == "" ||
		t.begun[primaryAsked] || !opened(t.answer()) {
		return func() {}
	}
	budget := t.account.Budget(ctx, lockout.Use{At: t.Config.URL, Room: 2})
	end := s.Beside(ctx, ews.Question{Purpose: evidence.PrimaryAddress, Call: soap.Call{Mailbox: t.Config.Mailbox}}, budget)
	if end == nil {
		return func() {}
	}
	t.once(primaryAsked)
	return func() {
		end()
		budget.Close()
	}
}

// testConnection asks, once in a run, what Dynamics' Test Connection would ask:
// it takes the profile's user name for a mailbox address and impersonates it.
func (f *followUp) testConnection(ctx context.Context) {
	if f.once(testAsked) {
		f.ask(ctx, ews.Question{Purpose: evidence.TestConnection, Call: soap.Call{Mailbox: f.Config.User, Impersonate: true}})
	}
}

// isUPN: of the form that Dynamics can take for an address.
func isUPN(user string) bool { return !strings.Contains(user, `\`) && strings.Contains(user, "@") }

// furtherCall is a row of the plan: a call that may follow an accepted logon.
type furtherCall struct {
	Words   string
	planned bool
	make    func(*followUp, context.Context) // where the answer leaves it needed
}

func (c Config) furtherCalls() []furtherCall {
	asTest := !c.CurrentUser && !isUPN(c.User)
	inboxes := "GetFolder for the account's own inbox and the mailbox's, to tell one from the other"
	agents := "FindFolder under Dynamics' other user agents, only after a 403 to a logon"
	return slices.DeleteFunc([]furtherCall{
		{"FindFolder once more, only after an error that often passes", true, (*followUp).again},
		{agents, !c.NoUserAgentProbe, (*followUp).otherAgents},
		{inboxes, c.Mailbox != "" && !c.Impersonate, (*followUp).owner},
		{"ResolveNames for the mailbox's address: which address is the primary one", c.Mailbox != "", (*followUp).primaryAddress},
		{"FindFolder impersonating the user name, as Dynamics' Test Connection does", asTest, (*followUp).testConnection},
	}, func(f furtherCall) bool { return !f.planned })
}
