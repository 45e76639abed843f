package rule

import (
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestCurrentUser: what a report says of a sign-in that Windows made by itself.
func TestCurrentUser(t *testing.T) {
	me := target(func(t *evidence.Target) { t.CurrentUser, t.User, t.ProfileAuth = true, `CONTOSO\me`, "negotiate" })
	inside := func(mechanism, binding string) logonOption {
		return func(i *evidence.Item) { i.Logon.Mechanism, i.Logon.Binding = mechanism, binding }
	}
	for _, c := range []struct {
		name string
		rec  evidence.Record
		want string   // code and confidence
		says []string // in the summary or the first finding's detail
		not  []string
	}{
		{"by Kerberos", record(me, ask("Negotiate"), logon("Negotiate", 200, inside("Kerberos", evidence.BindingRight))), "ok confirmed", []string{`CONTOSO\me signs in`, "by Kerberos in Negotiate", "Dynamics online can never use Kerberos"}, nil},
		{"by NTLM, the name is not the user's to fix", record(me, ask("Negotiate"), logon("Negotiate", 200, inside("NTLM", evidence.BindingRight))), "ok confirmed", []string{"by NTLM in Negotiate"}, nil},
		{
			"refused, bound", record(me, ask("Negotiate"), logon("Negotiate", 401, inside("NTLM", evidence.BindingRight))), "credentials-rejected undetermined",
			[]string{"by NTLM in Negotiate", "sent the channel binding", "if a device re-encrypts TLS", "proves nothing about the account"},
			[]string{"Dynamics needs the UPN"},
		},
		{
			"refused, unbound", record(me, ask("Negotiate"), logon("Negotiate", 401, inside("NTLM", evidence.BindingZero))), "credentials-rejected undetermined",
			[]string{"sent no channel binding", "Allow or Require", "this refusal proves nothing about the account"},
			nil,
		},
		{"by another mechanism", record(me, ask("Negotiate"), logon("Negotiate", 401, inside("NegoEx", evidence.BindingRight))), "credentials-rejected undetermined", []string{"by NegoEx in Negotiate"}, nil},
		{
			"no credentials", record(me, ask("Negotiate"), item(evidence.Item{Step: evidence.StepSkipped, Logon: &evidence.Logon{Scheme: "Negotiate", Result: evidence.Skipped, Why: "nobody is logged on"}})), "inconclusive undetermined",
			[]string{"nobody is logged on"},
			nil,
		},
	} {
		j := Judge(c.rec)
		if got := string(j.Verdict.Code) + " " + string(j.Verdict.Confidence); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		text := j.Verdict.Summary
		if len(j.Findings) > 0 {
			text += " " + j.Findings[0].Detail
		}
		for _, s := range c.says {
			if !strings.Contains(text, s) {
				t.Errorf("%s: it does not say %q: %s", c.name, s, text)
			}
		}
		for _, s := range c.not {
			if strings.Contains(text, s) {
				t.Errorf("%s: it says %q: %s", c.name, s, text)
			}
		}
		checkWhole(t, c.rec, j)
	}
}
