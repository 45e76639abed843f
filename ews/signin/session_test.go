package signin

import (
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/soap"
)

// signed makes the logons named, and returns what they leave.
func (b *bench) signed(t *testing.T, schemes ...string) *FollowUp {
	t.Helper()
	for _, scheme := range schemes {
		if scheme == "Basic" {
			b.basic(t, nil, evidence.Logon{})
			continue
		}
		h := ByNTLM(scheme).Begin(bounded(t), b.Client, agent)
		b.finish(t, h, evidence.Logon{Binding: evidence.BindingRight})
		h.Close() // the connection is the session's now
	}
	if len(b.follow.Accepted) != len(schemes) {
		t.Fatalf("the session: %+v", b.follow)
	}
	t.Cleanup(b.follow.Close)
	return &b.follow
}

// TestFurtherCalls: what carries a further call, and what it costs.
func TestFurtherCalls(t *testing.T) {
	forgetting := everyScheme
	forgetting.ForgetsSignIn = true
	for _, test := range []struct {
		name      string
		behaviour standin.Behaviour
		schemes   []string
		steps     string // of three calls
		begun     int    // how often at least the credential was asked for
	}{
		{"NTLM signs in the connection", everyScheme, []string{"NTLM"}, "signed-in signed-in signed-in", 0},
		{"it is preferred to the password", everyScheme, []string{"Basic", "NTLM"}, "signed-in signed-in signed-in", 0},
		{"Basic takes the password again", everyScheme, []string{"Basic"}, "logon/Basic logon/Basic logon/Basic", 3},
		{"a connection that is not kept, beside Basic", forgetting, []string{"Basic", "NTLM"}, "logon/Basic logon/Basic logon/Basic", 3},
		{"a connection that is not kept", forgetting, []string{"NTLM"}, "logon/NTLM logon/NTLM logon/NTLM", 3},
		{"inside Negotiate", forgetting, []string{"Negotiate"}, "logon/Negotiate logon/Negotiate logon/Negotiate", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, test.behaviour)
			b.Question.Call = soap.Call{Mailbox: standin.Mailbox}
			s := b.signed(t, test.schemes...)
			before, already := len(b.settled), b.begun
			var steps []string
			for _, q := range []ews.Question{
				{Purpose: evidence.OwnInbox},
				{Purpose: evidence.NamedInbox, Call: soap.Call{Mailbox: standin.Mailbox}},
				{Purpose: evidence.PrimaryAddress, Call: soap.Call{Mailbox: standin.AliasAddress}},
			} {
				item := s.Ask(bounded(t), q, b)
				if item == nil || item.EWS == nil || item.EWS.Code != "NoError" || item.Request.Purpose != q.Purpose || item.Response.Body != "" {
					t.Fatalf("%s: %+v", q.Purpose, item)
				}
				step := string(item.Step)
				if item.Logon != nil {
					step += "/" + item.Logon.Scheme
				}
				steps = append(steps, step)
			}
			begun := b.begun - already
			if got := strings.Join(steps, " "); got != test.steps || begun < test.begun || test.begun == 0 && begun > 0 || len(b.settled)-before != begun {
				t.Errorf("%s, %d times the credential, %d settled; want %s, %d", got, begun, len(b.settled)-before, test.steps, test.begun)
			}
			var seen []string
			for _, q := range b.server.View().Requests {
				if q.Operation != "" {
					seen = append(seen, q.Operation+" "+q.Mailbox)
				}
			}
			want := strings.Repeat("FindFolder "+standin.Mailbox+", ", len(test.schemes)) + "GetFolder , GetFolder " + standin.Mailbox + ", ResolveNames "
			if got := strings.Join(seen, ", "); got != want {
				t.Errorf("the server was asked %s, want %s", got, want)
			}
			b.noSecret(t)
		})
	}
}

// TestWhatFurtherCallsTell: folders are told apart by name, and the address book
// names the primary address.
func TestWhatFurtherCallsTell(t *testing.T) {
	b := newBench(t, everyScheme)
	s := b.signed(t, "NTLM")
	b.held = evidence.Say("limit-reached")
	ask := func(p evidence.Purpose, mailbox string) *evidence.EWS {
		item := s.Ask(bounded(t), ews.Question{Purpose: p, Call: soap.Call{Mailbox: mailbox}}, b)
		if item == nil {
			t.Fatalf("%s was not asked", p)
		}
		return item.EWS
	}
	own, again := ask(evidence.OwnInbox, ""), ask(evidence.NamedInbox, standin.UPN)
	other := ask(evidence.NamedInbox, standin.Mailbox)
	if own.Folder == "" || own.Folder != again.Folder || own.Folder == other.Folder || strings.Contains(own.Folder, "AAMk") {
		t.Errorf("own %q, own by name %q, another's %q", own.Folder, again.Folder, other.Folder)
	}
	e := ask(evidence.PrimaryAddress, standin.AliasAddress).Resolved
	if len(e) != 1 || e[0].Address != standin.Mailbox || e[0].Type != "Mailbox" || e[0].Holds == nil || !*e[0].Holds {
		t.Errorf("resolved %+v", e)
	}
	if e := ask(evidence.PrimaryAddress, standin.UnknownMailbox); e.Code != "ErrorNameResolutionNoResults" || len(e.Resolved) != 0 {
		t.Errorf("%+v", e)
	}
	if item := s.Ask(bounded(t), ews.Question{Purpose: evidence.OtherAgent, UserAgent: "CRM/9.2"}, b); item.Request.UserAgent != "CRM/9.2" {
		t.Errorf("%+v", item.Request)
	}
}

// TestNoFurtherCalls: without an accepted logon there is no session; a call that
// needs the credential is not made when it may not; one that was refused is the
// last; and a closed session asks nothing.
func TestNoFurtherCalls(t *testing.T) {
	question := ews.Question{Purpose: evidence.OwnInbox}

	b := newBench(t, everyScheme).as(standin.UPN, standin.WrongPassword)
	b.basic(t, nil, evidence.Logon{})
	if len(b.follow.Accepted) > 0 || b.follow.Ask(bounded(t), question, b) != nil {
		t.Error("a refused logon leaves a session")
	}
	b.follow.Close() // of nothing

	b = newBench(t, everyScheme)
	s := b.signed(t, "Basic")
	b.held = evidence.Say("limit-reached")
	if s.Ask(bounded(t), question, b) != nil {
		t.Error("the credential was sent although it may not be")
	}
	b.held = nil
	b.Credential.Password = standin.WrongPassword // as if it had been changed meanwhile
	if item := s.Ask(bounded(t), question, b); item == nil || item.Logon.Result != evidence.Refused {
		t.Errorf("%+v", item)
	}
	if s.Ask(bounded(t), question, b) != nil {
		t.Error("another try after a refusal")
	}
	if n := b.server.View().BadLogons; n != 1 {
		t.Errorf("%d bad logons", n)
	}

	b = newBench(t, everyScheme)
	s = b.signed(t, "NTLM")
	s.Close()
	s.Close()
	if s.Ask(bounded(t), question, b) != nil {
		t.Error("a closed session asks")
	}
}
