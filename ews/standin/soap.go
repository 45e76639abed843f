package standin

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// Namespaces of the Exchange Web Services. They look like addresses with http,
// and are names: the https variants in some documents are wrong.
const (
	soapNamespace     = "http://schemas.xmlsoap.org/soap/envelope/"
	messagesNamespace = "http://schemas.microsoft.com/exchange/services/2006/messages"
)

const (
	xmlType        = "text/xml; charset=utf-8"
	xmlDeclaration = `<?xml version="1.0" encoding="utf-8"?>`
)

// maxFolders bounds what a request may ask for.
const maxFolders = 100

var errNotSOAP = errors.New("no SOAP envelope with an operation")

// call is what the stand-in understands of a request.
type call struct {
	operation
	impersonating bool
	impersonated  string   // the address in ExchangeImpersonation
	folders       []folder // of FindFolder and GetFolder, in the order of the request
}

// operation is the element in the body.
type operation struct {
	XMLName   xml.Name
	Traversal string    `xml:"Traversal,attr"` // of FindFolder: Shallow, Deep
	Page      page      `xml:"IndexedPageFolderView"`
	Parents   folderIDs `xml:"ParentFolderIds"`
	Folders   folderIDs `xml:"FolderIds"`
	Entry     string    `xml:"UnresolvedEntry"` // of ResolveNames
	Converted []struct {
		Owner string `xml:"Mailbox,attr"`
	} `xml:"SourceIds>AlternateId"` // of ConvertId
}

// page is which part of the result is wanted.
type page struct {
	Offset int `xml:"Offset,attr"`
	Most   int `xml:"MaxEntriesReturned,attr"` // 0 all
}

// folderIDs are identifiers of folders: a distinguished one is a name such as inbox.
type folderIDs struct {
	List []folder `xml:",any"`
}

type folder struct {
	XMLName xml.Name
	ID      string `xml:"Id,attr"`
	Mailbox string `xml:"Mailbox>EmailAddress"` // "" for the caller's own
}

func (f folder) distinguished() bool { return f.XMLName.Local == "DistinguishedFolderId" }

// parseCall reads a SOAP request. It refuses a document type, which no client of
// EWS sends, and anything that is not well formed.
func parseCall(body []byte) (*call, error) {
	var envelope struct {
		XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
		Acting  *struct {
			As struct {
				Names []struct {
					Text string `xml:",chardata"`
				} `xml:",any"`
			} `xml:"ConnectingSID"`
		} `xml:"Header>ExchangeImpersonation"`
		Body struct {
			Operations []operation `xml:",any"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	if err := xml.Unmarshal(body, &envelope); err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if len(envelope.Body.Operations) == 0 || bytes.Contains(body, []byte("<!DOCTYPE")) {
		return nil, errNotSOAP
	}
	c := &call{operation: envelope.Body.Operations[0], impersonating: envelope.Acting != nil}
	if c.impersonating {
		for _, name := range envelope.Acting.As.Names {
			c.impersonated += strings.TrimSpace(name.Text)
		}
	}
	if c.folders = append(c.Parents.List, c.Folders.List...); len(c.folders) > maxFolders {
		return nil, errNotSOAP
	}
	for i := range c.folders {
		c.folders[i].Mailbox = strings.TrimSpace(c.folders[i].Mailbox)
	}
	c.Entry = strings.TrimSpace(c.Entry)
	return c, nil
}

// escape makes text safe inside XML and HTML.
func escape(text string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text)) // a strings.Builder takes everything
	return escaped.String()
}
