package standin

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
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

// place is a folder that every mailbox has. Those of answers.yaml stand each after the
// one that it is in.
type place struct {
	Name    string // the distinguished name, or one of the stand-in's own
	Above   string // the folder that it is in, "" for none
	Display string
	Class   string
	Kind    string // the element that describes it
}

// findPlace finds the folder that an identifier means.
func findPlace(f folder) (place, bool) {
	name := f.ID
	if !f.distinguished() {
		_, name = readFolderID(f.ID)
	}
	i := slices.IndexFunc(words().Places, func(p place) bool { return p.Name == name && (!f.distinguished() || !strings.Contains(name, "/")) })
	if i < 0 {
		return place{}, false
	}
	return words().Places[i], true
}

// listing is what FindFolder answers: a part of the folders that there are.
type listing struct {
	Folders   []*described
	To, Total int // of the part its end, and how many there are
}

// below are the folders in p, with "Deep" also those in them.
func (p place) below(mailbox, traversal string, want page) *listing {
	inside := []string{p.Name}
	var found []*described
	for _, q := range words().Places {
		if slices.Contains(inside, q.Above) {
			found = append(found, q.described(mailbox))
			if traversal == "Deep" {
				inside = append(inside, q.Name)
			}
		}
	}
	from, to := min(max(want.Offset, 0), len(found)), len(found)
	if want.Most > 0 {
		to = min(from+want.Most, to)
	}
	return &listing{found[from:to], to, len(found)}
}

// described is a folder of a mailbox as an answer describes it.
type described struct {
	Kind, Class, Display, ID, ParentID string
	Children                           int
}

func (p place) described(mailbox string) *described {
	d := &described{Kind: p.Kind, Class: p.Class, Display: p.Display, ID: folderID(mailbox, p.Name)}
	if p.Above != "" {
		d.ParentID = folderID(mailbox, p.Above)
	}
	for _, q := range words().Places {
		if q.Above == p.Name {
			d.Children++
		}
	}
	return d
}

// folderPrefix begins every identifier, as Exchange's do.
const folderPrefix = "AAMkA"

// folderID is the identifier of a folder, whose beginning belongs to the mailbox.
func folderID(mailbox, name string) string {
	return folderPrefix + base64.StdEncoding.EncodeToString([]byte(mailbox+"\x00"+name))
}

// readFolderID takes an identifier apart, as far as it is one.
func readFolderID(id string) (mailbox, name string) {
	rest, _ := strings.CutPrefix(id, folderPrefix)
	raw, _ := base64.StdEncoding.DecodeString(rest)
	mailbox, name, _ = strings.Cut(string(raw), "\x00")
	return mailbox, name
}

// owner is the mailbox whose folder an identifier means, "" where it does not say.
func (f folder) owner() (mailbox string) {
	if !f.distinguished() {
		mailbox, _ = readFolderID(f.ID)
	}
	return mailbox
}
