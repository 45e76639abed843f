package finding

import (
	"cmp"
	"strings"
	"testing"
)

func TestReadPasted(t *testing.T) {
	for _, c := range []struct{ name, text, host, user, mailbox, shows string }{
		{"URL of EWS", "GET https://other.contoso.com/owa/ then https://EX7.fabrikam.com:8443/ews/exchange.asmx", "ex7.fabrikam.com:8443", "", "", ""},
		{"scheme twice", "https://https://ex7.fabrikam.com/owa//EWS/Exchange.asmx", "ex7.fabrikam.com", "", "", ""},
		{"URL in a URL", "Location: https://ex7.fabrikam.com/owa/auth/logon.aspx?url=https://ex8.fabrikam.com/EWS/Exchange.asmx", "ex7.fabrikam.com", "", "", ""},
		{"Host field", "> POST /EWS/Exchange.asmx HTTP/1.1\n> Host: ex7.fabrikam.com", "ex7.fabrikam.com", "", "", ""},
		{"Python", "HTTPSConnectionPool(host='ex7.fabrikam.com', port=443)", "ex7.fabrikam.com", "", "", ""},
		{"Exchange Online", "https://outlook.office365.com/EWS/Exchange.asmx", "", "", "", ""},
		{"documentation", "see https://learn.microsoft.com/exchange/ and https://github.com/contoso/ews/issues/1", "", "", "", ""},
		{"account and mailbox", "user 'FABRIKAM\\svc-crm' opens bo@fabrikam.com", "", `FABRIKAM\svc-crm`, "bo@fabrikam.com", ""},
		{"log of IIS", `POST /EWS/Exchange.asmx - 443 FABRIKAM\svc-crm 203.0.113.9 CRM/9.0 - 401 1 2148074254 15`, "", `FABRIKAM\svc-crm`, "", ""},
		{"UPN", "username=svc-crm@fabrikam.com, mailbox bo@fabrikam.com", "", "svc-crm@fabrikam.com", "bo@fabrikam.com", ""},
		{"path of Windows", `user C:\Python\lib`, "", "", "", ""},
		{"dictionary of Python", "{'Server': 'Microsoft-IIS/10.0', 'X-FEServer': 'EX01', 'X-CalculatedBETarget': 'ex02.fabrikam.com'}", "", "", "", "EX01 ex02.fabrikam.com"},
		{"log of DavMail", `wire - http-outgoing-0 << "X-FEServer: EX01[\r][\n]"`, "", "", "", "EX01 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, sample := ReadPasted(c.text), Sample()
			if p.Host != c.host || p.Names.Site != cmp.Or(c.host, sample.Site) {
				t.Errorf("host %q, site %q; want %q", p.Host, p.Names.Site, c.host)
			}
			if p.Names.User != cmp.Or(c.user, sample.User) || p.Names.Mailbox != cmp.Or(c.mailbox, sample.Mailbox) {
				t.Errorf("user %q, mailbox %q; want %q, %q", p.Names.User, p.Names.Mailbox, c.user, c.mailbox)
			}
			if got := p.FrontEnd + " " + p.BackEnd; got != cmp.Or(c.shows, " ") || p.Shows() != (c.shows != "") {
				t.Errorf("shows %q, want %q", got, c.shows)
			}
		})
	}
}

func TestPastedNamesFitACommand(t *testing.T) {
	for _, text := range []string{
		"X-FEServer: EX01; Remove-Mailbox anna", "X-FEServer: \x1b[31mEX01 $(id)",
		"https://ex7$HOME.contoso.com/EWS/Exchange.asmx", "user=anna`id`@contoso.com", `user CONTOSO\anna";id`,
	} {
		n := ReadPasted(text).Names
		for _, name := range []string{n.Server, n.Site, n.User, n.Mailbox} {
			if name != "<SERVER>" && strings.ContainsAny(name, " ;$`\"'<>\x1b()") {
				t.Errorf("%q gives %q", text, name)
			}
		}
	}
}
