package signin

import (
	"context"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// byBearer is what adding a mechanism takes here: its traits and its message.
func byBearer(token string) Way {
	return way(Traits{Scheme: "Bearer", EachRequest: true, Secret: "token"}, func(ews.Credential) Mechanism {
		return OneMessage(func(*Channel) (Message, error) {
			return Message{Value: "Bearer " + token, Described: "Bearer, value not kept", Credential: true, Secrets: [][]byte{[]byte(token)}}, nil
		})
	})
}

// A mechanism that the driver has never seen is carried, counted, hidden and kept
// for further calls like any other.
func TestAddedMechanism(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL21haWwifQ.c2lnbmF0dXJl"
	s := &script{play: play{answers: []string{"200", "200", "401"}}}
	client := s.client(t)
	b := &bench{Client: client}
	way := byBearer(token)
	item := b.finishWith(bounded(t), way.Begin(bounded(t), client, agent), evidence.Logon{}, way)
	if l := item.Logon; l.Result != evidence.Accepted || l.Scheme != "Bearer" || item.Request.Authorization != "Bearer, value not kept" || b.begun != 1 {
		t.Fatalf("%+v, %d begun", l, b.begun)
	}
	for i, want := range []evidence.Result{evidence.Accepted, evidence.Refused} {
		further := b.follow.Ask(bounded(t), ews.Question{Purpose: evidence.OwnInbox}, b)
		if further == nil || further.Logon.Result != want || b.begun != i+2 || len(b.settled) != i+2 {
			t.Errorf("call %d: %+v, %d begun, settled %v", i+1, further, b.begun, b.settled)
		}
	}
	if b.follow.Ask(bounded(t), ews.Question{Purpose: evidence.OwnInbox}, b) != nil {
		t.Error("a call after a refusal")
	}
	if len(s.seen) != 3 || s.seen[0] != "Bearer "+token || s.seen[1] != s.seen[0] {
		t.Errorf("the server saw %q", s.seen)
	}
	encoded, err := evidence.Encode(client.Recorder.Items())
	if err != nil || strings.Contains(string(encoded), token) {
		t.Errorf("%v: %s", err, encoded)
	}
	if client.Recorder.Secrets.Clean("you sent "+token) == "you sent "+token {
		t.Error("the token is not known as a secret")
	}
}

// A sign-in that is renewed and made again is one logon to the budget, which is told how
// it ended.
func TestRenewedSignInIsOneLogon(t *testing.T) {
	s := &script{play: play{answers: []string{"401 expired", "200"}}}
	b := &bench{Client: s.client(t)}
	way := byBearer("eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL21haWwifQ.c2lnbmF0dXJl")
	way.Renewal = func(context.Context) func(context.Context) bool { return func(context.Context) bool { return true } }
	item := (&Session{way: way, client: b.Client, userAgent: agent}).SignIn(bounded(t), ews.Question{}, b)
	if item.Logon.Result != evidence.Accepted || len(s.seen) != 2 || b.begun != 1 || len(b.settled) != 1 || b.settled[0] != evidence.Accepted {
		t.Errorf("%+v, %d requests, %d begun, settled %v", item.Logon, len(s.seen), b.begun, b.settled)
	}
}
