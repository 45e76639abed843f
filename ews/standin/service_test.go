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
	refusing := everyScheme.but(func(b *Behaviour) { b.Aliases = AliasesRefused })
	forgetful := everyScheme.but(func(b *Behaviour) { b.Aliases = AliasesUnknown })
	resolve := func(address string) string {
		return soapCall("", `<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>smtp:`+address+`</m:UnresolvedEntry></m:ResolveNames>`)
	}
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
		{"alias impersonated", good, UPN, findInbox(impersonate(AliasAddress), ""), 200, "NoError"},
		{"alias delegated", good, UPN, findInbox("", mailboxOf(AliasAddress)), 200, "NoError"},
		{"alias impersonated, refused", refusing, UPN, findInbox(impersonate(AliasAddress), ""), 500, "ErrorNonPrimarySmtpAddress"},
		{"alias delegated, refused", refusing, UPN, findInbox("", mailboxOf(AliasAddress)), 200, "ErrorNonPrimarySmtpAddress"},
		{"primary where aliases are refused", refusing, UPN, findInbox(impersonate(Mailbox), ""), 200, "NoError"},
		{"alias impersonated, unknown", forgetful, UPN, findInbox(impersonate(AliasAddress), ""), 500, "ErrorNonExistentMailbox"},
		{"alias delegated, unknown", forgetful, UPN, findInbox("", mailboxOf(AliasAddress)), 200, "ErrorNonExistentMailbox"},
		{"alias in the address book", forgetful, UPN, resolve(AliasAddress), 200, "NoError"},
		{"remote mailbox", good, UPN, findInbox(impersonate(RemoteMailbox), ""), 500, "ErrorNonExistentMailbox"},
		{"remote mailbox in the address book", good, UPN, resolve(RemoteMailbox), 200, "NoError"},
		{"in scope, impersonated", good, UPN, findInbox(impersonate(ScopedMailbox), ""), 200, "NoError"},
		{"in scope, without rights", good, UPN, findInbox("", mailboxOf(ScopedMailbox)), 200, "ErrorAccessDenied"},
		{"out of scope, with rights", good, UPN, findInbox("", mailboxOf(SharedMailbox)), 200, "NoError"},
		{"out of scope, impersonated", good, UPN, findInbox(impersonate(SharedMailbox), ""), 500, "ErrorImpersonateUserDenied"},
		{"disabled account", good, UPN, findInbox(impersonate(DisabledMailbox), ""), 200, "ErrorAccountDisabled"},
		{"offline", good, UPN, findInbox("", mailboxOf(OfflineMailbox)), 200, "ErrorMailboxStoreUnavailable"},
		{"moving", good, UPN, findInbox(impersonate(MovingMailbox), ""), 200, "ErrorMailboxMoveInProgress"},
		{"busy", busy, UPN, findInbox("", ""), 500, "ErrorServerBusy"},
		{"odd", odd, UPN, findInbox("", ""), 200, "ErrorCorruptData"},
		{"an operation that only Exchange carries out", good, UPN, soapCall("", `<m:GetUserPhoto/>`), 500, "ErrorInvalidOperation"},
		{"no such folder", good, UPN, soapCall("", `<m:GetFolder><m:FolderIds><t:FolderId Id="x"/></m:FolderIds></m:GetFolder>`), 200, "ErrorFolderNotFound"},
		{"unknown operation", good, UPN, soapCall("", `<m:DeleteEverything/>`), 500, "ErrorSchemaValidation"},
		{"operation of a foreign name space", good, UPN, strings.Replace(findInbox("", ""), messagesNamespace, "https://example.org/", 1), 500, "ErrorSchemaValidation"},
		{"no folder", good, UPN, soapCall("", `<m:FindFolder/>`), 500, "ErrorSchemaValidation"},
		{"empty", good, UPN, "", 400, ""},
		{"empty Body", good, UPN, soapCall("", ""), 400, ""},
		{"malformed", good, UPN, "<s:Envelope", 400, ""},
		{"document type", good, UPN, "<!DOCTYPE x>" + findInbox("", ""), 400, ""},
		{"no envelope", good, UPN, "<x/>", 400, ""},
		{"too deep", good, UPN, soapCall("", strings.Repeat("<m:x>", 10001)+strings.Repeat("</m:x>", 10001)), 500, "ErrorSchemaValidation"},
		{"too many folders", good, UPN, soapCall("", "<m:GetFolder><m:FolderIds>"+strings.Repeat(`<t:FolderId Id="x"/>`, 101)+"</m:FolderIds></m:GetFolder>"), 400, ""},
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

// ResolveNames names the primary address, and GetFolder the inbox it is.
func TestAddressesLeadToOneMailbox(t *testing.T) {
	s := start(t, everyScheme)
	client := newClient(t, s, 0)
	ask := func(body string) string { return post(t, client, s.URL(), basic(UPN, Password), body).text }
	for address, want := range map[string]string{AliasAddress: Mailbox, Mailbox: Mailbox, RemoteMailbox: RemoteMailbox} {
		answer := ask(soapCall("", `<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>smtp:`+address+`</m:UnresolvedEntry></m:ResolveNames>`))
		if !strings.Contains(answer, "<t:EmailAddress>"+want+"</t:EmailAddress>") {
			t.Errorf("%s: %s", address, answer)
		}
	}
	folder := func(mailbox string) string {
		return ask(soapCall("", `<m:GetFolder><m:FolderIds><t:DistinguishedFolderId Id="inbox">`+mailbox+`</t:DistinguishedFolderId></m:FolderIds></m:GetFolder>`))
	}
	if alias, primary, own := folder(mailboxOf(AliasAddress)), folder(mailboxOf(Mailbox)), folder(""); alias != primary || own == primary {
		t.Errorf("alias %s\nprimary %s\nown %s", alias, primary, own)
	}
}

// A mailbox that gets lost is the caller's own; a passing fault passes; and a
// policy on agents is asked only of those who are signed in.
func TestServiceSwitches(t *testing.T) {
	lost := start(t, everyScheme.but(func(b *Behaviour) { b.LosesMailbox = true }))
	client := newClient(t, lost, 0)
	if named, own := post(t, client, lost.URL(), basic(UPN, Password), findInbox("", mailboxOf(Mailbox))), post(t, client, lost.URL(), basic(UPN, Password), findInbox("", "")); named.text != own.text {
		t.Errorf("named %s\nown %s", named.text, own.text)
	}
	passing := start(t, everyScheme.but(func(b *Behaviour) { b.FaultCode, b.FaultOnce = "ErrorADUnavailable", true }))
	client = newClient(t, passing, 0)
	for i, want := range []int{500, 200, 200} {
		if got := post(t, client, passing.URL(), basic(UPN, Password), findInbox("", "")); got.StatusCode != want {
			t.Errorf("call %d: %d", i+1, got.StatusCode)
		}
	}
	policy := start(t, everyScheme.but(func(b *Behaviour) { b.AllowedAgents = []string{"CRM/"} }))
	client = newClient(t, policy, 0)
	if got := post(t, client, policy.URL(), "", findInbox("", "")).StatusCode; got != 401 {
		t.Errorf("anonymous: %d", got)
	}
	if got := post(t, client, policy.URL(), basic(UPN, Password), findInbox("", "")).StatusCode; got != 403 {
		t.Errorf("signed in: %d", got)
	}
}

func FuzzParseCall(f *testing.F) {
	f.Add([]byte(findInbox(impersonate(Mailbox), mailboxOf(Mailbox))))
	f.Add([]byte(xmlBomb()))
	f.Fuzz(func(t *testing.T, body []byte) {
		if c, err := parseCall(body); err == nil && c.XMLName.Local == "" {
			t.Error("no operation")
		}
	})
}
