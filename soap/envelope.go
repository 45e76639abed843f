package soap

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// Namespaces on the wire. Translated documentation shows https variants; no
// server was seen to send them.
const (
	nsSOAP11   = "http://schemas.xmlsoap.org/soap/envelope/"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
)

// Call is what a request asks for.
type Call struct {
	// Mailbox is the SMTP address of the mailbox whose inbox is asked for;
	// empty: the caller's own.
	Mailbox string
	// Impersonate reaches Mailbox by ExchangeImpersonation, as Dynamics does.
	// Without it the mailbox is named in the folder id: delegate access.
	// Without a Mailbox it means nothing.
	Impersonate bool
}

// FindFolder returns the request of c: a shallow FindFolder on the inbox that
// asks for the ids of at most one folder. It reads and changes nothing.
// Exchange2010 is the version that Dynamics asks for; every server since
// Exchange 2010 accepts it. The same call gives the same bytes: UTF-8 with an
// XML declaration. Characters that XML cannot carry become U+FFFD. The schema
// fixes the order of the children; a wrong order is ErrorSchemaValidation.
func FindFolder(c Call) []byte {
	return request(c, `<m:FindFolder Traversal="Shallow">`+idOnly+
		`<m:IndexedPageFolderView MaxEntriesReturned="1" Offset="0" BasePoint="Beginning"/>`+
		`<m:ParentFolderIds>`, inbox(c), `</m:ParentFolderIds></m:FindFolder>`)
}

// GetFolder returns the request for the identifier of c's inbox itself. Two
// inboxes with one identifier are one mailbox, which is how an answer about the
// caller's own is told from one about the mailbox that was named. As FindFolder
// it reads only.
func GetFolder(c Call) []byte {
	return request(c, `<m:GetFolder>`+idOnly+`<m:FolderIds>`, inbox(c), `</m:FolderIds></m:GetFolder>`)
}

// ResolveNames returns the request for the address book's entry that has the
// address, primary or not. The prefix asks for exactly this address, where
// without one names that begin alike would match too; the match is partial anyway
// (hr@contoso.com finds hr@contoso.com.au), so the entry's own addresses are asked for
// with the full contact data. ActiveDirectory alone is
// searched: the default looks through the caller's own contacts as well, for
// which it would need a mailbox.
func ResolveNames(address string) []byte {
	return request(Call{}, `<m:ResolveNames ReturnFullContactData="true" SearchScope="ActiveDirectory"><m:UnresolvedEntry>smtp:`,
		text(address), `</m:UnresolvedEntry></m:ResolveNames>`)
}

const (
	declaration = `<?xml version="1.0" encoding="utf-8"?>`
	idOnly      = `<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>`
)

// request is an envelope around a body.
func request(c Call, body ...string) []byte {
	header := ""
	if c.Impersonate && c.Mailbox != "" {
		header = `<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>` + text(c.Mailbox) +
			`</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`
	}
	var b bytes.Buffer
	b.Grow(1024)
	b.WriteString(declaration + `<s:Envelope xmlns:s="` + nsSOAP11 + `" xmlns:t="` + nsTypes + `" xmlns:m="` + nsMessages +
		`"><s:Header><t:RequestServerVersion Version="Exchange2010"/>`)
	b.WriteString(header)
	b.WriteString(`</s:Header><s:Body>`)
	for _, part := range body {
		b.WriteString(part)
	}
	b.WriteString(`</s:Body></s:Envelope>`)
	return b.Bytes()
}

// inbox names the folder. Without the Mailbox child a server silently takes the
// caller's own.
func inbox(c Call) string {
	if c.Impersonate || c.Mailbox == "" {
		return `<t:DistinguishedFolderId Id="inbox"/>`
	}
	return `<t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>` + text(c.Mailbox) +
		`</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`
}

// text is s as the text of an element.
func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}

// Namespaces of the requests of Autodiscover ([MS-OXDSCLI] 2.2, [MS-OXWSADISC] 2.2).
const (
	nsPOXRequest   = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
	nsPOXResponse  = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	nsAutodiscover = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
	nsAddressing   = "http://www.w3.org/2005/08/addressing"
)

// ActionGetUserSettings is the WS-Addressing action of GetUserSettings.
const ActionGetUserSettings = nsAutodiscover + "/Autodiscover/GetUserSettings"

// POXRequest asks autodiscover.xml for the settings of a mailbox. The same call
// gives the same bytes; characters that XML cannot carry become U+FFFD.
func POXRequest(mailbox string) []byte {
	return []byte(declaration + `<Autodiscover xmlns="` + nsPOXRequest + `"><Request><EMailAddress>` + text(mailbox) +
		`</EMailAddress><AcceptableResponseSchema>` + nsPOXResponse + `</AcceptableResponseSchema></Request></Autodiscover>`)
}

// GetUserSettings asks the service at url, autodiscover.svc, for what leads to
// EWS: both URLs, the primary address and the version. Exchange2010 is the
// version that every server since Exchange 2010 SP1 accepts.
func GetUserSettings(url, mailbox string) []byte {
	return []byte(declaration + `<soap:Envelope xmlns:soap="` + nsSOAP11 + `" xmlns:a="` + nsAutodiscover +
		`" xmlns:wsa="` + nsAddressing + `">` +
		`<soap:Header><a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion>` +
		`<wsa:Action>` + ActionGetUserSettings + `</wsa:Action><wsa:To>` + text(url) + `</wsa:To></soap:Header>` +
		`<soap:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>` + text(mailbox) +
		`</a:Mailbox></a:User></a:Users>` +
		`<a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>InternalEwsUrl</a:Setting>` +
		`<a:Setting>AutoDiscoverSMTPAddress</a:Setting></a:RequestedSettings>` +
		`</a:Request></a:GetUserSettingsRequestMessage></soap:Body></soap:Envelope>`)
}
