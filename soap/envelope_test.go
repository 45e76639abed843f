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
		{"markup in the address", Call{Mailbox: `<a&b">`, Impersonate: true}, frame(impersonation("&lt;a&amp;b&quot;&gt;"), inbox)},
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
