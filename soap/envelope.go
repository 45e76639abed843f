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

	// The schema fixes the order of these children; a wrong order is
	// ErrorSchemaValidation.
	find := envelope.CreateElement("s:Body").CreateElement("m:FindFolder")
	find.CreateAttr("Traversal", "Shallow")
	find.CreateElement("m:FolderShape").CreateElement("t:BaseShape").SetText("IdOnly")
	view := find.CreateElement("m:IndexedPageFolderView")
	view.CreateAttr("MaxEntriesReturned", "1")
	view.CreateAttr("Offset", "0")
	view.CreateAttr("BasePoint", "Beginning")
	folder := find.CreateElement("m:ParentFolderIds").CreateElement("t:DistinguishedFolderId")
	folder.CreateAttr("Id", "inbox")
	if !c.Impersonate && c.Mailbox != "" {
		folder.CreateElement("t:Mailbox").CreateElement("t:EmailAddress").SetText(c.Mailbox)
	}

	// Writing into memory cannot fail, and the tree above has no element that
	// etree refuses to write.
	body, err := doc.WriteToBytes()
	if err != nil {
		panic("soap: FindFolder: " + err.Error())
	}
	return body
}
