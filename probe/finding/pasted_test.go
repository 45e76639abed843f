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

// The last account of an event is the one that was refused; a machine is none.
func TestPastedEvent(t *testing.T) {
	for _, c := range []struct {
		text, account string
		byIIS         bool
	}{
		{"Event ID: 4625\nSubject:\n\tAccount Name:\t\tEX01$\n\tAccount Domain:\t\tCONTOSO\nFailed:\n\tAccount Name:\t\tsvc\n" +
			"\tAccount Domain:\t\tFABRIKAM\nCaller Process Name: C:\\Windows\\System32\\inetsrv\\w3wp.exe", `FABRIKAM\svc`, true},
		{"Event ID: 529 User Name: bo Domain: Logon Type: 3", "bo", false},
		{"4776 Logon Account: svc-crm@contoso.com Error Code: 0xC000006A", "svc-crm@contoso.com", false},
		{"Код события: 4625\n\tИмя учетной записи:\tivanov\n\tДомен учетной записи:\tCONTOSO", `CONTOSO\ivanov`, false},
		{`4776 Account di accesso: CONTOSO\svc`, `CONTOSO\svc`, false},
		{"Event ID: 4012 User name: anna", "", false},
		{"Event ID: 4625 Kontoname: - Kontoname: ANONYMOUS LOGON", "", false},
		{"The user name: anna of the form", "", false},
	} {
		p := ReadPasted(c.text)
		if p.Event != c.account || p.ByIIS != c.byIIS || p.Names.User != cmp.Or(c.account, Sample().User) {
			t.Errorf("%q: account %q, by IIS %t, user %q", c.text, p.Event, p.ByIIS, p.Names.User)
		}
	}
}

func TestPastedNamesFitACommand(t *testing.T) {
	for _, text := range []string{
		"X-FEServer: EX01; Remove-Mailbox anna", "X-FEServer: \x1b[31mEX01 $(id)",
		"https://ex7$HOME.contoso.com/EWS/Exchange.asmx", "user=anna`id`@contoso.com", `user CONTOSO\anna";id`,
		"Event ID: 4625 Account Name: anna;id Account Domain: $(id)",
	} {
		n := ReadPasted(text).Names
		for _, name := range []string{n.Server, n.Site, n.User, n.Mailbox} {
			if name != "<SERVER>" && strings.ContainsAny(name, " ;$`\"'<>\x1b()") {
				t.Errorf("%q gives %q", text, name)
			}
		}
	}
}
