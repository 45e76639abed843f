package soap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

func resolveNamesResponse(class, code, resolutions string) string {
	return inBody(`<m:ResolveNamesResponse xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `"><m:ResponseMessages><m:ResolveNamesResponseMessage ResponseClass="` + class + `">` +
		`<m:ResponseCode>` + code + `</m:ResponseCode><m:ResolutionSet TotalItemsInView="1" IncludesLastItemInRange="true">` + resolutions +
		`</m:ResolutionSet></m:ResolveNamesResponseMessage></m:ResponseMessages></m:ResolveNamesResponse>`)
}

func resolution(address, routing, kind string) string {
	return `<t:Resolution><t:Mailbox><t:Name>n</t:Name><t:EmailAddress>` + address + `</t:EmailAddress><t:RoutingType>` + routing + `</t:RoutingType><t:MailboxType>` + kind + `</t:MailboxType></t:Mailbox></t:Resolution>`
}

// TestResolved has one answer of ResolveNames per line.
func TestResolved(t *testing.T) {
	const a = "anna@contoso.com"
	cases := []struct {
		name, body string
		want       []Entry
	}{
		{"one", resolveNamesResponse("Success", "NoError", resolution(a, "SMTP", "Mailbox")), []Entry{{Resolved: evidence.Resolved{Address: a, Type: "Mailbox"}}}},
		{"several", resolveNamesResponse("Warning", "ErrorNameResolutionMultipleResults", resolution(a, "SMTP", "Mailbox")+resolution("b@contoso.com", "SMTP", "Contact")), []Entry{{Resolved: evidence.Resolved{Address: a, Type: "Mailbox"}}, {Resolved: evidence.Resolved{Address: "b@contoso.com", Type: "Contact"}}}},
		{"none", resolveNamesResponse("Error", "ErrorNameResolutionNoResults", ""), nil},
		{"white space", resolveNamesResponse("Success", "NoError", resolution("\n "+a+" ", " SMTP ", " Mailbox ")), []Entry{{Resolved: evidence.Resolved{Address: a, Type: "Mailbox"}}}},
		{"no routing type", resolveNamesResponse("Success", "NoError", resolution(a, "", "Mailbox")), []Entry{{Resolved: evidence.Resolved{Address: a, Type: "Mailbox"}}}},
		{"not an SMTP address", resolveNamesResponse("Success", "NoError", resolution("/o=Contoso/cn=anna", "EX", "Mailbox")), []Entry{{Resolved: evidence.Resolved{Type: "Mailbox"}}}},
		{"an address of another kind", resolveNamesResponse("Success", "NoError", resolution(a, "EX", "Mailbox")), []Entry{{Resolved: evidence.Resolved{Type: "Mailbox"}}}},
		{"text in place of an address", resolveNamesResponse("Success", "NoError", resolution("your password is", "SMTP", "a b")), []Entry{{}}},
		{"an entry without a mailbox", resolveNamesResponse("Success", "NoError", "<t:Resolution/>"), nil},
		{"very many", resolveNamesResponse("Success", "NoError", strings.Repeat(resolution(a, "SMTP", "Mailbox"), MaxResolved+5)), func() []Entry {
			all := make([]Entry, MaxResolved)
			for i := range all {
				all[i] = Entry{Resolved: evidence.Resolved{Address: a, Type: "Mailbox"}}
			}
			return all
		}()},
	}
	for _, c := range cases {
		got, err := Parse([]byte(c.body))
		if diff := cmp.Diff(c.want, got.Entries); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", c.name, err, diff)
		}
	}
}

// TestPrimaryAddress: a refusal of an alias names the address to use, in a fault
// and in an answer per folder.
func TestPrimaryAddress(t *testing.T) {
	const value = `<t:Value xmlns:t="` + nsTypes + `" Name="Primary">anna@contoso.com</t:Value>`
	for name, body := range map[string]string{
		"fault": inBody(`<s:Fault><faultcode xmlns:a="` + nsTypes + `">a:ErrorNonPrimarySmtpAddress</faultcode><faultstring>x</faultstring><detail>` +
			`<e:ResponseCode xmlns:e="` + nsErrors + `">ErrorNonPrimarySmtpAddress</e:ResponseCode><e:MessageXml xmlns:e="` + nsErrors + `">` + value + `</e:MessageXml></detail></s:Fault>`),
		"response": findFolderResponse(`<m:X ResponseClass="Error"><m:ResponseCode>ErrorNonPrimarySmtpAddress</m:ResponseCode><m:MessageXml>` + value + `</m:MessageXml></m:X>`),
	} {
		if a, err := Parse([]byte(body)); err != nil || a.Code != "ErrorNonPrimarySmtpAddress" || a.Values["Primary"] != "anna@contoso.com" {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestPassing(t *testing.T) {
	for code, want := range map[string]bool{
		"ErrorADUnavailable": true, "ErrorInternalServerTransientError": true, "ErrorMailboxStoreUnavailable": true,
		"NoError": false, "ErrorServerBusy": false, "ErrorAccessDenied": false, "ErrorNonExistentMailbox": false, "": false,
	} {
		if got := Passing(code); got != want {
			t.Errorf("%s: %v", code, got)
		}
	}
}
