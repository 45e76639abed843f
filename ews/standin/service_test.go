package standin

import (
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
)

func TestService(t *testing.T) {
	good := everyScheme
	noRole := everyScheme.but(func(b *Behaviour) { b.ImpersonationDenied = true })
	busy := everyScheme.but(func(b *Behaviour) { b.FaultCode = "ErrorServerBusy" })
	odd := everyScheme.but(func(b *Behaviour) { b.FolderCode = "ErrorCorruptData" })
	inbox := func(operation string) string {
		return soapCall("", `<m:`+operation+`><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:`+operation+`>`)
	}
	tests := []struct {
		name      string
		behaviour Behaviour
		user      string
		body      string
		status    int
		code      string // ResponseCode, or faultcode; "" for no body
	}{
		{"own folders", good, UPN, findInbox("", ""), 200, "NoError"},
		{"own folder", good, UPN, inbox("GetFolder"), 200, "NoError"},
		{"time zones", good, UPN, soapCall("", `<m:GetServerTimeZones ReturnFullTimeZoneData="false"><m:Ids><t:Id>UTC</t:Id></m:Ids></m:GetServerTimeZones>`), 200, "NoError"},
		{"known name", good, UPN, soapCall("", `<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>smtp:`+Mailbox+`</m:UnresolvedEntry></m:ResolveNames>`), 200, "NoError"},
		{"unknown name", good, UPN, soapCall("", `<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>`+UnknownMailbox+`</m:UnresolvedEntry></m:ResolveNames>`), 200, "ErrorNameResolutionNoResults"},
		{"dummy conversion", good, UPN, soapCall("", `<m:ConvertId DestinationFormat="EntryId"><m:SourceIds><t:AlternateId Format="EwsId" Id="DUMMY" Mailbox="DUMMY"/></m:SourceIds></m:ConvertId>`), 200, "ErrorInvalidSmtpAddress"},
		{"no mailbox", good, NoMailboxUser, findInbox("", ""), 200, "ErrorMissingEmailAddress"},
		{"no mailbox, impersonating", good, NoMailboxUser, findInbox(impersonate(Mailbox), ""), 200, "NoError"},
		{"no mailbox, time zones", good, NoMailboxUser, soapCall("", `<m:GetServerTimeZones/>`), 200, "NoError"},
		{"impersonated", good, UPN, findInbox(impersonate(Mailbox), ""), 200, "NoError"},
		{"impersonated by primary address", good, UPN, findInbox(strings.ReplaceAll(impersonate(Mailbox), "SmtpAddress", "PrimarySmtpAddress"), ""), 200, "NoError"},
		{"impersonated by principal name", good, UPN, findInbox(strings.ReplaceAll(impersonate(Mailbox), "SmtpAddress", "PrincipalName"), ""), 200, "NoError"},
		{"impersonated unknown", good, UPN, findInbox(impersonate(UnknownMailbox), ""), 500, "ErrorNonExistentMailbox"},
		{"impersonated as Dynamics does with a domain", good, UPN, findInbox(impersonate(User), ""), 500, "ErrorNonExistentMailbox"},
		{"impersonated out of scope", good, UPN, findInbox(impersonate(OutOfScopeMailbox), ""), 500, "ErrorImpersonateUserDenied"},
		{"impersonated without the role", noRole, UPN, findInbox(impersonate(Mailbox), ""), 500, "ErrorImpersonateUserDenied"},
		{"impersonated without the role, bare", noRole.but(func(b *Behaviour) { b.FaultsAs200 = true }), UPN, findInbox(impersonate(Mailbox), ""), 200, "ErrorImpersonateUserDenied"},
		{"delegated", good, UPN, findInbox("", mailboxOf(Mailbox)), 200, "NoError"},
		{"delegated unknown", good, UPN, findInbox("", mailboxOf(UnknownMailbox)), 200, "ErrorNonExistentMailbox"},
		{"delegated without a right", good, UPN, findInbox("", mailboxOf(OutOfScopeMailbox)), 200, "ErrorAccessDenied"},
		{"offline", good, UPN, findInbox("", mailboxOf(OfflineMailbox)), 200, "ErrorMailboxStoreUnavailable"},
		{"moving", good, UPN, findInbox(impersonate(MovingMailbox), ""), 200, "ErrorMailboxMoveInProgress"},
		{"busy", busy, UPN, findInbox("", ""), 500, "ErrorServerBusy"},
		{"odd", odd, UPN, findInbox("", ""), 200, "ErrorCorruptData"},
		{"unknown operation", good, UPN, soapCall("", `<m:DeleteEverything/>`), 500, "ErrorSchemaValidation"},
		{"operation of a foreign name space", good, UPN, strings.Replace(findInbox("", ""), messagesNamespace, "https://example.org/", 1), 500, "ErrorSchemaValidation"},
		{"no folder", good, UPN, soapCall("", `<m:FindFolder/>`), 500, "ErrorSchemaValidation"},
		{"empty", good, UPN, "", 400, ""},
		{"empty Body", good, UPN, soapCall("", ""), 400, ""},
		{"malformed", good, UPN, "<s:Envelope", 400, ""},
		{"document type", good, UPN, "<!DOCTYPE x>" + findInbox("", ""), 400, ""},
		{"no envelope", good, UPN, "<x/>", 400, ""},
		{"too deep", good, UPN, soapCall("", strings.Repeat("<m:x>", 100)+strings.Repeat("</m:x>", 100)), 400, ""},
		{"too many folders", good, UPN, soapCall("", "<m:GetFolder>"+strings.Repeat(`<t:FolderId Id="x"/>`, 101)+"</m:GetFolder>"), 400, ""},
	}
	codes := regexp.MustCompile(`ResponseCode[^>]*>([A-Za-z]+)<|<faultcode>([A-Za-z]+)<`)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, test.behaviour)
			answer := post(t, newClient(t, s, 0), s.URL(), basic(test.user, Password), test.body)
			found := ""
			if match := codes.FindStringSubmatch(answer.text); match != nil {
				found = match[1] + match[2]
			}
			if answer.StatusCode != test.status || found != test.code {
				t.Errorf("got %d %q, want %d %q\n%s", answer.StatusCode, found, test.status, test.code, answer.text)
			}
			if answer.text != "" {
				if err := xml.Unmarshal([]byte(answer.text), new(struct{})); err != nil {
					t.Errorf("the answer is not well formed: %v\n%s", err, answer.text)
				}
			}
			if answer.Header.Get("X-BEServer") == "" || answer.Header.Get("X-CalculatedBETarget") != "ex01.contoso.com" {
				t.Errorf("headers %v", answer.Header)
			}
		})
	}
}

// What a call asked for is in the view, and identifiers tell mailboxes apart.
func TestMailboxesAreToldApart(t *testing.T) {
	s := start(t, everyScheme)
	client := newClient(t, s, 0)
	identifier := regexp.MustCompile(`FolderId Id="(.{30})`)
	id := func(body string) string {
		answer := post(t, client, s.URL(), basic(UPN, Password), body)
		return identifier.FindStringSubmatch(answer.text)[1]
	}
	own, impersonated, delegated := id(findInbox("", "")), id(findInbox(impersonate(Mailbox), "")), id(findInbox("", mailboxOf(Mailbox)))
	if own == impersonated || impersonated != delegated {
		t.Errorf("own %s, impersonated %s, delegated %s", own, impersonated, delegated)
	}
	var seen []Request
	for _, q := range s.View().Requests {
		seen = append(seen, Request{Operation: q.Operation, Mailbox: q.Mailbox, Impersonated: q.Impersonated})
	}
	want := []Request{{Operation: "FindFolder"}, {Operation: "FindFolder", Mailbox: Mailbox, Impersonated: true}, {Operation: "FindFolder", Mailbox: Mailbox}}
	if len(seen) != len(want) || seen[0] != want[0] || seen[1] != want[1] || seen[2] != want[2] {
		t.Errorf("seen %+v", seen)
	}
}

func FuzzParseCall(f *testing.F) {
	f.Add([]byte(findInbox(impersonate(Mailbox), mailboxOf(Mailbox))))
	f.Add([]byte(xmlBomb))
	f.Fuzz(func(t *testing.T, body []byte) {
		if c, err := parseCall(body); err == nil && c.operation.Local == "" {
			t.Error("no operation")
		}
	})
}
