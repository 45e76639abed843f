package standin

import (
	"bytes"
	"embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"text/template"
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

// maxDepth and maxFolders bound what a request may ask for.
const (
	maxDepth   = 64
	maxFolders = 100
)

var errNotSOAP = errors.New("no SOAP envelope with an operation")

// call is what the stand-in understands of a request.
type call struct {
	operation xml.Name

	impersonating bool
	impersonated  string // the address in ExchangeImpersonation

	folders   []folder // of FindFolder and GetFolder, in the order of the request
	traversal string   // of FindFolder: Shallow, Deep
	page      page
	entry     string // of ResolveNames
	owner     string // the Mailbox attribute of ConvertId's first identifier
}

// folder is a folder identifier of a request.
type folder struct {
	id            string
	distinguished bool   // id is a name such as inbox
	mailbox       string // the address in Mailbox, "" for the caller's own
}

// page is which part of the result is wanted (IndexedPageFolderView).
type page struct {
	offset, most int // most: 0 all
}

// parseCall reads a SOAP request. It refuses a document type, which no client of
// EWS sends, and anything that is not well formed.
func parseCall(body []byte) (*call, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	c := &call{}
	var path []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the request: %w", err)
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, errNotSOAP
		case xml.StartElement:
			if len(path) >= maxDepth || len(path) < 2 && token.Name.Space != soapNamespace {
				return nil, errNotSOAP
			}
			path = append(path, token.Name.Local)
			if err := c.open(path, token); err != nil {
				return nil, err
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			c.text(path, strings.TrimSpace(string(token)))
		}
	}
	if c.operation.Local == "" {
		return nil, errNotSOAP
	}
	return c, nil
}

// open takes in the start of an element.
func (c *call) open(path []string, element xml.StartElement) error {
	name := element.Name.Local
	switch {
	case len(path) == 1 && name != "Envelope":
		return errNotSOAP
	case len(path) == 3 && path[1] == "Body" && c.operation.Local == "":
		c.operation, c.traversal = element.Name, attribute(element, "Traversal")
	case name == "ExchangeImpersonation" && len(path) == 3 && path[1] == "Header":
		c.impersonating = true
	case name == "DistinguishedFolderId" || name == "FolderId":
		if len(c.folders) >= maxFolders {
			return errNotSOAP
		}
		c.folders = append(c.folders, folder{id: attribute(element, "Id"), distinguished: name == "DistinguishedFolderId"})
	case name == "IndexedPageFolderView":
		c.page.offset, _ = strconv.Atoi(attribute(element, "Offset"))
		c.page.most, _ = strconv.Atoi(attribute(element, "MaxEntriesReturned"))
	case name == "AlternateId" && c.owner == "":
		c.owner = attribute(element, "Mailbox")
	}
	return nil
}

// text takes in the text of the element at path.
func (c *call) text(path []string, text string) {
	if text == "" || len(path) < 2 {
		return
	}
	parent := path[len(path)-2]
	switch path[len(path)-1] {
	case "SmtpAddress", "PrimarySmtpAddress", "PrincipalName", "SID":
		if parent == "ConnectingSID" {
			c.impersonated += text
		}
	case "EmailAddress":
		if parent == "Mailbox" && len(c.folders) > 0 {
			c.folders[len(c.folders)-1].mailbox += text
		}
	case "UnresolvedEntry":
		c.entry += text
	}
}

func attribute(element xml.StartElement, name string) string {
	for _, a := range element.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// escape makes text safe inside XML and HTML.
func escape(text string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text)) // a strings.Builder takes everything
	return escaped.String()
}

//go:embed *.tmpl
var formFiles embed.FS

// forms are the answers in XML.
var forms = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"xml": escape}).ParseFS(formFiles, "*.tmpl"))
})

// filled is an answer in one of the forms.
func (n *node) filled(status int, form string, data any) *response {
	var b strings.Builder
	if err := forms().ExecuteTemplate(&b, form, data); err != nil { // every test fills the forms
		panic("standin: " + err.Error())
	}
	return n.exchangeResponse(status).withBody(xmlType, b.String())
}
