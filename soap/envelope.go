package soap

import "github.com/beevik/etree"

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
// XML declaration. Characters that XML cannot carry become U+FFFD.
func FindFolder(c Call) []byte {
	doc, body := request(c)

	// The schema fixes the order of these children; a wrong order is
	// ErrorSchemaValidation.
	find := body.CreateElement("m:FindFolder")
	find.CreateAttr("Traversal", "Shallow")
	find.CreateElement("m:FolderShape").CreateElement("t:BaseShape").SetText("IdOnly")
	view := find.CreateElement("m:IndexedPageFolderView")
	view.CreateAttr("MaxEntriesReturned", "1")
	view.CreateAttr("Offset", "0")
	view.CreateAttr("BasePoint", "Beginning")
	inbox(find.CreateElement("m:ParentFolderIds"), c)
	return written(doc)
}

// GetFolder returns the request for the identifier of c's inbox itself. Two
// inboxes with one identifier are one mailbox, which is how an answer about the
// caller's own is told from one about the mailbox that was named. As FindFolder
// it reads only.
func GetFolder(c Call) []byte {
	doc, body := request(c)
	get := body.CreateElement("m:GetFolder")
	get.CreateElement("m:FolderShape").CreateElement("t:BaseShape").SetText("IdOnly")
	inbox(get.CreateElement("m:FolderIds"), c)
	return written(doc)
}

// ResolveNames returns the request for the address book's entry that has the
// address, primary or not. The prefix asks for exactly this address, where
// without one names that begin alike would match too. ActiveDirectory alone is
// searched: the default looks through the caller's own contacts as well, for
// which it would need a mailbox.
func ResolveNames(address string) []byte {
	doc, body := request(Call{})
	resolve := body.CreateElement("m:ResolveNames")
	resolve.CreateAttr("ReturnFullContactData", "false")
	resolve.CreateAttr("SearchScope", "ActiveDirectory")
	resolve.CreateElement("m:UnresolvedEntry").SetText("smtp:" + address)
	return written(doc)
}

// request is an envelope with its header, and the body to be filled.
func request(c Call) (*etree.Document, *etree.Element) {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="utf-8"`)
	envelope := doc.CreateElement("s:Envelope")
	envelope.CreateAttr("xmlns:s", nsSOAP11)
	envelope.CreateAttr("xmlns:t", nsTypes)
	envelope.CreateAttr("xmlns:m", nsMessages)

	header := envelope.CreateElement("s:Header")
	header.CreateElement("t:RequestServerVersion").CreateAttr("Version", "Exchange2010")
	if c.Impersonate && c.Mailbox != "" {
		header.CreateElement("t:ExchangeImpersonation").
			CreateElement("t:ConnectingSID").
			CreateElement("t:SmtpAddress").SetText(c.Mailbox)
	}
	return doc, envelope.CreateElement("s:Body")
}

// inbox names the folder. Without the Mailbox child a server silently takes the
// caller's own.
func inbox(in *etree.Element, c Call) {
	folder := in.CreateElement("t:DistinguishedFolderId")
	folder.CreateAttr("Id", "inbox")
	if !c.Impersonate && c.Mailbox != "" {
		folder.CreateElement("t:Mailbox").CreateElement("t:EmailAddress").SetText(c.Mailbox)
	}
}

// written is the document as bytes. Writing into memory cannot fail, and the
// trees above have no element that etree refuses to write.
func written(doc *etree.Document) []byte {
	body, err := doc.WriteToBytes()
	if err != nil {
		panic("soap: " + err.Error())
	}
	return body
}
