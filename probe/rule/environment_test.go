package rule

import (
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// read is an answer of Dynamics, with what is wrong with it.
func read(step evidence.Step, d evidence.Dataverse, problem *evidence.Detail) option {
	return func(b *builder) {
		d.Visible = d.Visible || problem == nil
		b.rec.Target.Cloud = true
		b.add(evidence.Item{
			Step: step, Response: &evidence.Response{Status: 200}, Dataverse: &d,
			Cloud: &evidence.Cloud{Host: "contoso.crm4.dynamics.com", Detail: problem, Problem: problem.String()},
		})
		b.rec.Items[len(b.rec.Items)-1].Address = ""
	}
}

var (
	annasRecord = read(evidence.StepDataverseMailboxes, evidence.Dataverse{
		Set: "mailboxes", Rows: 1, Mailbox: &evidence.DynamicsMailbox{Address: anna, Status: &evidence.Option{Number: 2, Label: "Failure"}},
	}, nil)
	nobodysRecord = read(evidence.StepDataverseMailboxes, evidence.Dataverse{Set: "mailboxes"}, nil)
	noAlerts      = read(evidence.StepDataverseAlerts, evidence.Dataverse{Set: "tracelogs", Privilege: "prvReadTraceLog"}, evidence.Say("privilege-missing", "prvReadTraceLog"))
)

// nowhere: no endpoint is named.
func nowhere(b *builder) { b.rec.Target.URL, b.rec.Target.Host = "", "" }

func alerting(text string) option {
	return read(evidence.StepDataverseAlerts, evidence.Dataverse{Set: "tracelogs", Alerts: []evidence.DynamicsAlert{{Number: 7, Level: 3, Text: text, Count: 2}}}, nil)
}

func TestUnreadable(t *testing.T) {
	token := func(b *builder) {
		b.add(evidence.Item{Step: evidence.StepDataverseToken, Token: &evidence.Token{Problem: "no token: AADSTS7000222"}})
	}
	noToken := read(evidence.StepDataverseMailboxes, evidence.Dataverse{Set: "mailboxes"}, evidence.Say("no-token-here"))
	for name, c := range map[string]struct {
		rec  evidence.Record
		says string // in the detail; "" the code does not hold
	}{
		"all is read":                   {record(annasRecord, alerting("")), ""},
		"a privilege":                   {record(annasRecord, noAlerts), "prvReadTraceLog"},
		"an older environment":          {record(annasRecord, read(evidence.StepDataverseAlerts, evidence.Dataverse{Absent: true}, evidence.Say("answered", 404))), ""},
		"nothing is there":              {record(read(evidence.StepDataverseMailboxes, evidence.Dataverse{Set: "mailboxes", Absent: true}, evidence.Say("answered", 404))), "404"},
		"no application user":           {record(read(evidence.StepDataverseMailboxes, evidence.Dataverse{NoUser: true}, evidence.Say("no-application-user"))), "0x80072560"},
		"no token":                      {record(token, noToken), "AADSTS7000222"},
		"no tenant":                     {record(looked(evidence.StepCloudDynamics, evidence.Cloud{Problem: "no Bearer"}), noToken), "--dynamics-tenant"},
		"cut after some rows":           {record(read(evidence.StepDataverseMailboxes, evidence.Dataverse{Set: "mailboxes", Rows: 500}, evidence.Say("answer-ends-early"))), "after 500 rows"},
		"read at the second try":        {record(noAlerts, alerting("")), ""},
		"nobody, and nothing to check":  {record(mailbox(anna), nowhere, nobodysRecord), "no mailbox record with this address"},
		"no profile, nothing to check":  {record(mailbox(anna), nowhere, annasRecord), "names no email server profile"},
		"nobody, but there is a target": {with(itOpens, nobodysRecord), ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := found(Judge(c.rec).Findings, "dynamics-unreadable")
			switch {
			case (f == nil) != (c.says == ""):
				t.Fatalf("%+v", f)
			case f != nil && (!strings.Contains(f.Detail, c.says) || strings.Contains(f.Summary+f.Detail, "There is an error")):
				t.Errorf("%s; %s", f.Summary, f.Detail)
			}
		})
	}
}

// TestCausesByDynamics: what Dynamics has makes causes likely that could not be looked
// at, and never outweighs what was seen.
func TestCausesByDynamics(t *testing.T) {
	const recreated = "NoUserFoundWithGivenClaims was the answer"
	for name, c := range map[string]struct {
		rec    evidence.Record
		number int
		want   finding.CauseStatus
		says   string
	}{
		"no record, the mailbox opens":  {with(itOpens, nobodysRecord), 1, finding.CauseLikely, "no mailbox " + anna},
		"no record, Exchange has none":  {with(notHere, nobodysRecord), 1, finding.CauseConfirmed, "no mailbox " + anna},
		"a record":                      {with(itOpens, annasRecord), 1, finding.CauseRuledOut, ""},
		"another address of the user":   {with(itOpens, annasRecord, read(evidence.StepDataverseUser, evidence.Dataverse{User: &evidence.DynamicsUser{Address: "a@b.c"}}, nil)), 1, finding.CauseRuledOut, "a@b.c"},
		"an alert of a re-created user": {with(itOpens, annasRecord, alerting(recreated)), 6, finding.CauseConfirmed, ""},
		"another user in Entra": {
			with(notHere, annasRecord, read(evidence.StepDataverseUser, evidence.Dataverse{User: &evidence.DynamicsUser{EntraID: contoso}}, nil),
				looked(evidence.StepCloudGraphUser, evidence.Cloud{Users: []evidence.CloudUser{{ID: fabrikam, PlansRead: true}}})), 6, finding.CauseLikely, "another user",
		},
		"an alert that fits many": {with(itOpens, annasRecord, alerting("returned 401 Unauthorized")), 6, finding.CauseNotChecked, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Judge(c.rec).Causes[c.number-1]; got.Status != c.want || !strings.Contains(got.Why, c.says) || strings.Contains(got.Why, "There is an error") {
				t.Errorf("%s: %s", got.Status, got.Why)
			}
		})
	}
}

func TestToldDynamics(t *testing.T) {
	profile := func(response string) option {
		return func(b *builder) {
			b.rec.Target.Profile = &evidence.Profile{LastTest: evidence.ProfileTest{Response: response}}
			b.add(evidence.Item{Step: evidence.StepProfile})
		}
	}
	const answer = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:ErrorNonExistentMailbox</faultcode>` +
		`<faultstring>no mailbox</faultstring><detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">ErrorNonExistentMailbox</e:ResponseCode>`
	for text, want := range map[string]Told{
		answer: {Code: "ErrorNonExistentMailbox"},
		"The request failed. The remote server returned an error: (401) Unauthorized.": {Status: 401},
		"ErrorImpersonateUserDenied: the account":                                      {Code: "ErrorImpersonateUserDenied"},
		"The Web application (403) Forbidden":                                          {Status: 403},
		"nothing of the kind, ErrorOfNobody":                                           {},
		"":                                                                             {},
	} {
		if got, known := ToldDynamics(record(profile(text))); got != want || known != (want != Told{}) {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestEnvironment: what is found in all of Dynamics, each with the command that looks
// into it.
func TestEnvironment(t *testing.T) {
	statuses := read(evidence.StepDataverseMailboxes, evidence.Dataverse{Statuses: []evidence.DynamicsStatus{
		{Status: &evidence.Option{Number: 2, Label: "Failure"}, Count: 7, Examples: []string{anna}}, {Status: &evidence.Option{Number: 1, Label: "Success"}, Count: 3},
	}}, nil)
	hybrid := evidence.Profile{Name: "P", ServerType: &evidence.Option{Number: 2, Label: "Exchange Server (Hybrid)"}, Incoming: evidence.ProfileSide{Location: "http://mail.contoso.com/ews"}}
	rec := record(statuses, noAlerts, read(evidence.StepDataverseProfiles, evidence.Dataverse{Profiles: []evidence.Profile{hybrid}}, nil))
	rec.Target.DynamicsURL, rec.Target.ProfileAuth, rec.Target.View = "https://contoso.crm4.dynamics.com", "basic", "inside"
	rec.Target.Given = &evidence.Given{DynamicsTokenFile: "token.txt"}
	var codes []string
	for _, f := range Environment(rec) {
		codes = append(codes, string(f.Code))
		if f.Code != "dynamics-unreadable" && (f.Status != finding.Warning || !strings.HasPrefix(f.Remedies[0].Command, "ewsprobe check --dynamics-url https://contoso.crm4.dynamics.com --dynamics-token-file token.txt --mailbox ")) {
			t.Errorf("%+v", f)
		}
	}
	if got := strings.Join(codes, " "); got != "dynamics-unreadable profile-contradiction inconclusive" {
		t.Error(got)
	}
	rec = record(statuses, alerting("The mailbox server returned ErrorImpersonateUserDenied"))
	if list := Environment(rec); len(list) != 1 || list[0].Code != "impersonation-denied" || list[0].Confidence != finding.Undetermined {
		t.Errorf("%+v", list)
	}
}
