package soap

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// TestFindFolder compares whole requests: order and names are the schema's.
func TestFindFolder(t *testing.T) {
	frame := func(header, folder string) string {
		return `<?xml version="1.0" encoding="utf-8"?>` +
			`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
			` xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"` +
			` xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">` +
			`<s:Header><t:RequestServerVersion Version="Exchange2010"/>` + header + `</s:Header>` +
			`<s:Body><m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>` +
			`<m:IndexedPageFolderView MaxEntriesReturned="1" Offset="0" BasePoint="Beginning"/>` +
			`<m:ParentFolderIds>` + folder + `</m:ParentFolderIds></m:FindFolder></s:Body></s:Envelope>`
	}
	const inbox = `<t:DistinguishedFolderId Id="inbox"/>`
	impersonation := func(address string) string {
		return `<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>` + address +
			`</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`
	}
	delegate := `<t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>u@contoso.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`
	cases := []struct {
		name string
		call Call
		want string
	}{
		{"own inbox", Call{}, frame("", inbox)},
		{"impersonation of nobody", Call{Impersonate: true}, frame("", inbox)},
		{"impersonation", Call{Mailbox: "u@contoso.com", Impersonate: true}, frame(impersonation("u@contoso.com"), inbox)},
		{"delegate", Call{Mailbox: "u@contoso.com"}, frame("", delegate)},
		{"markup in the address", Call{Mailbox: `<a&b">`, Impersonate: true}, frame(impersonation("&lt;a&amp;b&#34;&gt;"), inbox)},
		{"not a character of XML", Call{Mailbox: "a\x00b\xff", Impersonate: true}, frame(impersonation("a\uFFFDb\uFFFD"), inbox)},
	}
	for _, c := range cases {
		got := FindFolder(c.call)
		if string(got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if !bytes.Equal(got, FindFolder(c.call)) {
			t.Errorf("%s: not the same bytes twice", c.name)
		}
	}
}

// TestFurtherRequests compares the other two requests as wholes.
func TestFurtherRequests(t *testing.T) {
	frame := func(header, body string) string {
		return `<?xml version="1.0" encoding="utf-8"?>` +
			`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
			` xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"` +
			` xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">` +
			`<s:Header><t:RequestServerVersion Version="Exchange2010"/>` + header + `</s:Header>` +
			`<s:Body>` + body + `</s:Body></s:Envelope>`
	}
	get := func(folder string) string {
		return `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>` + folder + `</m:FolderIds></m:GetFolder>`
	}
	const inbox = `<t:DistinguishedFolderId Id="inbox"/>`
	cases := []struct {
		name string
		got  []byte
		want string
	}{
		{"own inbox", GetFolder(Call{}), frame("", get(inbox))},
		{"named inbox", GetFolder(Call{Mailbox: "u@contoso.com"}), frame("", get(`<t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>u@contoso.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`))},
		{
			"impersonated inbox", GetFolder(Call{Mailbox: "u@contoso.com", Impersonate: true}),
			frame(`<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>u@contoso.com</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`, get(inbox)),
		},
		{
			"address book", ResolveNames("u@contoso.com"),
			frame("", `<m:ResolveNames ReturnFullContactData="true" SearchScope="ActiveDirectory"><m:UnresolvedEntry>smtp:u@contoso.com</m:UnresolvedEntry></m:ResolveNames>`),
		},
		{
			"address book, markup in the address", ResolveNames(`<a&b>`),
			frame("", `<m:ResolveNames ReturnFullContactData="true" SearchScope="ActiveDirectory"><m:UnresolvedEntry>smtp:&lt;a&amp;b&gt;</m:UnresolvedEntry></m:ResolveNames>`),
		},
	}
	for _, c := range cases {
		if string(c.got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

// FuzzFurtherRequests: whatever the address, the requests are well-formed and
// hold no more than it.
func FuzzFurtherRequests(f *testing.F) {
	f.Add("user@contoso.com")
	f.Add(`CONTOSO\svc`)
	f.Add("]]><!-- &lt; ä\x0b")
	f.Fuzz(func(t *testing.T, mailbox string) {
		for _, request := range [][]byte{GetFolder(Call{Mailbox: mailbox}), GetFolder(Call{Mailbox: mailbox, Impersonate: true}), ResolveNames(mailbox)} {
			dec := xml.NewDecoder(bytes.NewReader(request))
			elements, texts := 0, 0
			for {
				token, err := dec.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				switch text := token.(type) {
				case xml.StartElement:
					elements++
				case xml.CharData:
					if string(text) != "IdOnly" {
						texts++
					}
				}
			}
			if elements > 13 || texts > 1 {
				t.Errorf("%d elements, %d texts in %s", elements, texts, request)
			}
		}
	})
}

// FuzzFindFolder: whatever the address, the request is well-formed and holds
// the address as text in one place.
func FuzzFindFolder(f *testing.F) {
	f.Add("user@contoso.com", true)
	f.Add(`CONTOSO\svc`, true)
	f.Add("]]><!-- &lt; ä\x0b", false)
	f.Fuzz(func(t *testing.T, mailbox string, impersonate bool) {
		dec := xml.NewDecoder(bytes.NewReader(FindFolder(Call{Mailbox: mailbox, Impersonate: impersonate})))
		var texts []string
		for {
			token, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if text, ok := token.(xml.CharData); ok && string(text) != "IdOnly" {
				texts = append(texts, string(text))
			}
		}
		if len(texts) > 1 {
			t.Errorf("address in %d pieces: %q", len(texts), texts)
		}
		if plain := strings.Trim(mailbox, "abcdefghijklmnopqrstuvwxyz@.<&>\"'") == ""; plain && mailbox != "" && mailbox != "IdOnly" && (len(texts) != 1 || texts[0] != mailbox) {
			t.Errorf("sent %q for %q", texts, mailbox)
		}
	})
}
