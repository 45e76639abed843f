package batch

import (
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// benched is a bench for an endpoint in order.
func benched() *bench {
	accepted := evidence.Item{Address: "10.0.0.11:443", Step: evidence.StepLogon, Logon: &evidence.Logon{Scheme: "Basic", Result: evidence.Accepted}}
	anonymous := evidence.Item{
		Address: "10.0.0.11:443", Step: evidence.StepAnonymous,
		Response: &evidence.Response{Status: 401, Headers: [][2]string{{"WWW-Authenticate", `Basic realm="mail.contoso.com"`}, {"X-FEServer", "EX01"}}},
	}
	return newBench(evidence.Record{
		Target: evidence.Target{URL: "https://mail.contoso.com/EWS/Exchange.asmx", Host: "mail.contoso.com", User: "svc-crm@contoso.com", ProfileAuth: "basic", View: "inside", Credentials: true},
		Items:  []evidence.Item{anonymous, accepted},
	}, accepted, true)
}

func answer(code string) evidence.Item {
	class, kind := "Success", "response"
	if code != "NoError" {
		class, kind = "", "fault"
	}
	return evidence.Item{
		Address: "10.0.0.11:443", Step: evidence.StepSignedIn, Request: &evidence.Request{Operation: "FindFolder"},
		Response: &evidence.Response{Status: 200}, EWS: &evidence.EWS{Kind: kind, Class: class, Code: code},
	}
}

func TestShapeOfAnAnswer(t *testing.T) {
	b := benched()
	timeout := evidence.Item{Address: "10.0.0.11:443", Step: evidence.StepSignedIn, Error: &evidence.Failure{Code: evidence.TimedOut, Phase: "read", Text: "no answer within the time"}}
	alias := answer("ErrorNonPrimarySmtpAddress")
	alias.EWS.Resolved = []evidence.Resolved{{Address: "anna.meier@contoso.com"}}
	for _, c := range []struct {
		item evidence.Item
		want string
		says string
	}{
		{answer("NoError"), "ok", "anna@contoso.com"},
		{answer("ErrorImpersonateUserDenied"), "impersonation-denied", "anna@contoso.com"},
		{answer("ErrorNonExistentMailbox"), "mailbox-not-found", "anna@contoso.com"},
		{alias, "mailbox-address-differs", "anna.meier@contoso.com"},
		{answer("ErrorMailboxMoveInProgress"), "mailbox-unavailable", ""},
		{answer("ErrorServerBusy"), "throttled", ""},
		{answer("ErrorAccountDisabled"), "exchange-error", "ErrorAccountDisabled"},
		{timeout, "timeout", ""},
	} {
		j := &job{row: Row{Number: 1, Address: "anna@contoso.com"}, last: c.item}
		if c.item.EWS.Answered() {
			j.answer = &c.item
		}
		s, err := b.shape(j)
		if err != nil {
			t.Fatal(err)
		}
		if s.Verdict.Code != finding.Code(c.want) || !strings.Contains(s.Summary("anna@contoso.com"), c.says) || strings.Contains(s.Summary("anna@contoso.com"), Stand) {
			t.Errorf("%s: %s %s", c.want, s.Verdict.Code, s.Summary("anna@contoso.com"))
		}
	}
}

// The mailbox of the first answer stands in no other row.
func TestShapeHoldsForAnyMailbox(t *testing.T) {
	b := benched()
	ok := answer("NoError")
	for _, mailbox := range []string{"crm@contoso.com", "anna@contoso.com"} {
		s, err := b.shape(&job{row: Row{Address: mailbox}, last: ok, answer: &ok})
		if err != nil {
			t.Fatal(err)
		}
		want := "svc-crm@contoso.com signs in to EWS on mail.contoso.com by Basic, and the mailbox " + mailbox + " answers"
		if got := s.Summary(mailbox); got != want {
			t.Errorf("%q", got)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	bench := benched()
	for name, item := range map[string]evidence.Item{"good": answer("NoError"), "denied": answer("ErrorImpersonateUserDenied")} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := bench.shape(&job{row: Row{Address: "anna@contoso.com"}, last: item, answer: &item}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
