package dynamics

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

func yes() *bool { b := true; return &b }

func no() *bool { b := false; return &b }

func opt(n int, label string) *evidence.Option { return &evidence.Option{Number: n, Label: label} }

// hybrid is one profile in all the ways in which it can be exported.
var hybrid = &evidence.Profile{
	Name: "Contoso, on premises", ServerType: opt(2, "Exchange Server (Hybrid)"), AutoDiscover: no(), SameForOutgoing: yes(),
	Incoming: evidence.ProfileSide{
		Location: "https://mail.contoso.com/EWS/Exchange.asmx", Port: 443, Protocol: opt(3, "Basic"),
		Credentials: opt(1, "Credentials Specified in Email Server Profile"), Impersonation: yes(), User: "svc-crm@contoso.com",
	},
	Tenant: "1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a",
}

var (
	hybridLogical = `name,servertype,useautodiscover,usesamesettingsforoutgoingconnections,incomingserverlocation,incomingportnumber,incomingauthenticationprotocol,incomingcredentialretrieval,incominguseimpersonation,incomingusername,exchangeonlinetenantid
"Contoso, on premises",2,0,1,https://mail.contoso.com/EWS/Exchange.asmx,443,3,1,1,svc-crm@contoso.com,1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a
`
	hybridDisplay = `(Do Not Modify) Email Server Profile,(Do Not Modify) Row Checksum,(Do Not Modify) Modified On,Name,Email Server Type,Auto Discover Server Location,Use Same Settings for Outgoing Connection,Incoming Email Server Location,Incoming Email Port,Incoming Authentication Protocol,Incoming Email Credential Retrieval,Use Impersonation for Incoming Email,Incoming Email User Name,Exchange Online Tenant Id,"Owner, or Team"
0aa0,abc==,2026-01-01,"Contoso, on premises",Exchange Server (Hybrid),No,Yes,https://mail.contoso.com/EWS/Exchange.asmx,443,Basic,Credentials Specified in Email Server Profile,Yes,svc-crm@contoso.com,1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a,Anna
`
	hybridJSON = `{
  "@odata.context": "https://contoso.crm4.dynamics.com/api/data/v9.2/$metadata#emailserverprofiles(name,servertype)/$entity",
  "@odata.etag": "W/\"1\"",
  "name": "Contoso, on premises",
  "servertype@OData.Community.Display.V1.FormattedValue": "Exchange Server (Hybrid)",
  "servertype": 2,
  "useautodiscover": false, "usesamesettingsforoutgoingconnections": true,
  "incomingserverlocation": "https://mail.contoso.com/EWS/Exchange.asmx", "incomingportnumber": 443,
  "incomingauthenticationprotocol": 3, "incomingcredentialretrieval": 1, "incominguseimpersonation": true,
  "incomingusername": "svc-crm@contoso.com", "outgoingusername": null,
  "exchangeonlinetenantid": "1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a",
  "owninguser": {"fullname": "Anna"}
}`
)

func semicolons(s string) string {
	return strings.NewReplacer(",", ";", `"Contoso, on premises"`, `"Contoso, on premises"`, `"Owner, or Team"`, `Owner, or Team`).Replace(s)
}

func utf16File(s string, order binary.AppendByteOrder) string {
	raw := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(s)) {
		raw = order.AppendUint16(raw, u)
	}
	return string(raw)
}

func TestReadProfile(t *testing.T) {
	list := func(s string) string {
		return `{"@odata.context":"https://contoso.crm4.dynamics.com/api/data/v9.2/$metadata#emailserverprofiles","value":[` + s + `]}`
	}
	bare := strings.Replace(hybridJSON, `"@odata.context": "https://contoso.crm4.dynamics.com/api/data/v9.2/$metadata#emailserverprofiles(name,servertype)/$entity",`, "", 1)
	for name, text := range map[string]string{
		"logical names":            hybridLogical,
		"display names":            hybridDisplay,
		"odd case and spaces":      strings.Replace(hybridDisplay, "Incoming Email Server Location", "INCOMING\u00a0EMAIL  server location", 1),
		"schema names":             strings.Replace(hybridLogical, "incomingserverlocation", "IncomingServerLocation", 1),
		"semicolons":               semicolons(hybridDisplay),
		"tabs":                     strings.ReplaceAll(semicolons(hybridLogical), ";", "\t"),
		"byte order mark":          "\ufeff" + hybridDisplay,
		"byte order mark, quoted":  "\ufeff\"name\"" + strings.TrimPrefix(semicolons(hybridLogical), "name"),
		"CRLF":                     strings.ReplaceAll(hybridDisplay, "\n", "\r\n"),
		"no final line end":        strings.TrimSuffix(hybridLogical, "\n"),
		"empty lines at the end":   hybridLogical + "\r\n\r\n",
		"empty rows, as Excel's":   hybridLogical + ",,,,,,,,,,\n",
		"UTF-16, little endian":    utf16File(hybridDisplay, binary.LittleEndian),
		"UTF-16, big endian":       utf16File(semicolons(hybridDisplay), binary.BigEndian),
		"one object":               hybridJSON,
		"one object, with a mark":  "\ufeff\n " + hybridJSON + "\n\n",
		"object without a context": bare,
		"list":                     list(hybridJSON),
		"list alone":               "[" + hybridJSON + "]",
		"list, context last":       `{"value":[` + bare + `],"@odata.context":"x$metadata#emailserverprofiles"}`,
		"JSON in UTF-16":           utf16File(hybridJSON, binary.LittleEndian),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadProfile(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			want := *hybrid
			if strings.HasPrefix(name, "tabs") || strings.Contains(name, "quoted") {
				want.Name = got.Name // semicolons and tabs in a name are the test's own doing
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadProfileRefuses(t *testing.T) {
	const two = "name,servertype\n"
	for _, c := range []struct {
		name, text string
		want       string // problem, line and column
		says       string
	}{
		{"nothing", "", "empty 0 ", ""},
		{"white space", "\r\n  \n", "empty 0 ", ""},
		{"a header alone", two, "empty 0 ", "a header but no profile"},
		{"empty list", `{"value":[]}`, "empty 0 ", ""},
		{"bars", "name|servertype\nx|2\n", "delimiter 1 ", ""},
		{"colons", "name:servertype\nx:2\n", "delimiter 1 ", ""},
		{"other columns", "foo,bar\n1,2\n", "columns 1 ", "incomingserverlocation"},
		{"German columns", "Name;Art des E-Mail-Servers\nx;y\n", "columns 1 ", "Web API"},
		{"mailboxes", "Name,Email Address\nAnna,anna@contoso.com\n", "columns 1 ", "mailboxes"},
		{"a column twice", "name,servertype,Email Server Type\nx,2,2\n", "columns 1 Email Server Type", "servertype"},
		{"too wide", two + "x,2,3\n", "too-wide 2 ", "3 cells, the header 2"},
		{"too narrow", two + "x\n", "too-narrow 2 servertype", "1 cells, the header 2"},
		{"an empty line between", two + "\nx,2\n", "too-narrow 2 servertype", ""},
		{"a name over two lines, then too narrow", "name,servertype,x\n\"a\nb\",2,\nx,2\n", "too-narrow 4 x", ""},
		{"quote inside", two + "the \"old\" one,2\n", "quote 2 ", ""},
		{"quote after the end", two + "\"x\"y,2\n", "quote 2 ", ""},
		{"never closed", two + "\"x,2\n", "quote 2 ", "the file ends"},
		{"header never closed", "name,\"servertype\n", "quote 1 ", "header"},
		{"two profiles", two + "first,2\nsecond,2\n", "several 3 ", `"first" and "second"`},
		{"two without names", "servertype,useautodiscover\n2,0\n0,1\n", "several 3 ", "line 2"},
		{"two objects", `{"value":[{"name":"first","servertype":2},` + "\n" + `{"name":"second","servertype":2}]}`, "several 2 ", `"first" and "second"`},
		{"list of numbers", `[1,2]`, "json 1 ", "no object"},
		{"value of numbers", `{"value":["x"]}`, "json 1 ", "no object"},
		{"value is no list", `{"value":{"x":"x"}}`, "delimiter 1 ", ""},
		{"other objects", `[{"a":1}]`, "delimiter 1 ", ""},
		{"other objects, more columns", `[{"a":1,"b":2}]`, "columns 1 ", ""},
		{"cut", "{\n\"name\":\"x\",\n\"servertype\":2", "json 3 ", "too early"},
		{"cut in a value", `{"name":"x","serv`, "json 1 ", "too early"},
		{"cut list", `{"value":[{"name":"x","servertype":2}`, "json 1 ", "too early"},
		{"no JSON", `{"name": nobody}`, "json 1 ", "no JSON"},
		{"another follows", hybridJSON + `{"name":"y","servertype":2}`, "several 13 ", "more than one profile"},
		{"words follow", hybridJSON + `thanks`, "json 13 ", ""},
		{"mailboxes by JSON", `{"@odata.context":"https://x/$metadata#mailboxes(name)","value":[{"name":"x","servertype":2}]}`, "other-entity 0 ", "mailboxes"},
		{"type of another", `{"@odata.type":"#Microsoft.Dynamics.CRM.account","name":"x","servertype":2}`, "other-entity 0 ", "account"},
		{"context last, of another", `{"value":[{"name":"x","servertype":2}],"@odata.context":"https://x/$metadata#accounts"}`, "other-entity 0 ", "accounts"},
		{"label unknown", "name,Incoming Authentication Protocol\nx,Kerberos\n", "option 2 Incoming Authentication Protocol", "3 Basic"},
		{"German label", "name,incomingauthenticationprotocol\nx,Automatisch\n", "option 2 incomingauthenticationprotocol", ""},
		{"negative", "name,servertype\nx,-1\n", "option 2 servertype", ""},
		{"label by JSON", `{"name":"x","servertype":"Lotus Notes"}`, "option 1 servertype", ""},
		{"maybe", "name,useautodiscover\nx,maybe\n", "option 2 useautodiscover", ""},
		{"port", "name,incomingportnumber\nx,https\n", "option 2 incomingportnumber", ""},
		{"port too high", "name,incomingportnumber\nx,70000\n", "option 2 incomingportnumber", ""},
		{"host and path", "name,incomingserverlocation\nx,mail.contoso.com/EWS\n", "url 2 incomingserverlocation", "https://"},
		{"a word", "name,incomingserverlocation\nx,mail\n", "url 2 incomingserverlocation", "https://"},
		{"ftp", "name,incomingserverlocation\nx,ftp://mail.contoso.com/\n", "url 2 incomingserverlocation", ""},
		{"spaces", "name,incomingserverlocation\nx,https://mail contoso com/\n", "url 2 incomingserverlocation", ""},
		{"escape", "name,incomingserverlocation\nx,https://mail.contoso.com/%zz\n", "url 2 incomingserverlocation", ""},
		{"no host", "name,outgoingserverlocation\nx,https:///EWS/Exchange.asmx\n", "url 2 outgoingserverlocation", ""},
		{"port of the URL", "name,incomingserverlocation\nx,https://mail.contoso.com:99999/\n", "url 2 incomingserverlocation", ""},
		{"fragment", "name,incomingserverlocation\nx,https://mail.contoso.com/EWS#x\n", "url 2 incomingserverlocation", ""},
		{"password in the URL", "name,incomingserverlocation\nx,https://svc:S3cret@mail.contoso.com/\n", "url 2 incomingserverlocation", "password"},
		{"colon", "name,incomingusername\nx,svc:S3cret\n", "user 2 incomingusername", "colon"},
		{"two signs", "name,incomingusername\nx,svc@S3cret@contoso.com\n", "user 2 incomingusername", ""},
		{"half a name", "name,outgoingusername\nx,CONTOSO\\\n", "user 2 outgoingusername", ""},
		{"control character", "name,incomingusername\nx,svc\x01S3cret\n", "user 2 incomingusername", ""},
		{"a mailbox's error alone", "name,lastsyncerror\nx,y\n", "columns 1 ", ""},
		{"endless line", "name,servertype\n" + strings.Repeat("x", 2*maxRecord) + ",2\n", "too-long 2 ", ""},
		{"endless value", `{"name":"` + strings.Repeat("x", 4*maxRecord) + `"}`, "too-long 1 ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := ReadProfile(strings.NewReader(c.text))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%v, %v", p, err)
			}
			if got := fmt.Sprintf("%s %d %s", e.Problem, e.Line, e.Column); got != c.want {
				t.Errorf("%s, want %s (%v)", got, c.want, err)
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "S3cret") || strings.ContainsAny(err.Error(), "\n\x01") {
				t.Errorf("%v, should say %q", err, c.says)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	for value, want := range map[string]int{
		"2": 2, "Exchange Server (Hybrid)": 2, "exchange server(hybrid)": 2, "Exchange Server": 0, "Exchange Online": 3, "Other (POP3/SMTP)": 1, "17": 17,
	} {
		p, err := ReadProfile(strings.NewReader("servertype;name\n" + value + ";x\n"))
		if err != nil || p.ServerType.Number != want || p.ServerType.Label == "" {
			t.Errorf("%q: %+v, %v", value, p, err)
		}
	}
	p, err := ReadProfile(strings.NewReader(`{"servertype":17,"servertype@OData.Community.Display.V1.FormattedValue":"Exchange on the Moon"}`))
	if err != nil || *p.ServerType != *opt(17, "Exchange on the Moon") {
		t.Errorf("an option of the future: %+v, %v", p, err)
	}
	p, err = ReadProfile(strings.NewReader("Name,Auto Discover Server Location,Incoming Email Port,Use Impersonation for Outgoing Email\nx,Ja,\"1,143\",FALSE\n"))
	if err != nil || !*p.AutoDiscover || p.Incoming.Port != 1143 || *p.Outgoing.Impersonation {
		t.Errorf("%+v, %v", p, err)
	}
}

// A location of a POP3 server is a host name, and what Dynamics wrote down is
// kept within limits.
func TestProfileTexts(t *testing.T) {
	long := strings.Repeat("ä", 3000)
	p, err := ReadProfile(strings.NewReader("name,servertype,incomingserverlocation,lasttestresponse,lastcrmmessage\nx,1,pop.contoso.com,\"" + long + "\",\"one\ntwo \"\"three\"\"\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Incoming.Location != "pop.contoso.com" || p.LastTest.Message != "one\ntwo \"three\"" {
		t.Errorf("%+v", p)
	}
	if r := p.LastTest.Response; len(r) > maxText+3 || !strings.HasSuffix(r, "ä…") {
		t.Errorf("%d bytes, ending %q", len(r), r[len(r)-6:])
	}
}

func TestAuth(t *testing.T) {
	for _, c := range []struct {
		protocol, retrieval, server, want string
	}{
		{"Basic", "1", "2", "basic"},
		{"NTLM", "1", "0", "ntlm"},
		{"Negotiate", "", "2", "negotiate"},
		{"Auto Detect", "1", "2", "auto"},
		{"OAuth", "1", "2", "oauth"},
		{"Auto Detect", "6", "2", "oauth"},
		{"", "7", "2", "oauth"},
		{"", "2", "3", "oauth"},
		{"", "1", "2", ""},
		{"9", "1", "2", ""},
		{"Basic", "1", "1", ""},
	} {
		p, err := ReadProfile(strings.NewReader(fmt.Sprintf("name,incomingauthenticationprotocol,incomingcredentialretrieval,servertype\nx,%s,%s,%s\n", c.protocol, c.retrieval, c.server)))
		if err != nil || p.Auth() != c.want {
			t.Errorf("%+v: %q, %v", c, p.Auth(), err)
		}
	}
	var none *evidence.Profile
	if none.Auth() != "" || none.Tokens() || none.OtherProtocol() {
		t.Error("no profile has settings")
	}
}

func FuzzReadProfile(f *testing.F) {
	for _, seed := range []string{hybridLogical, hybridDisplay, semicolons(hybridDisplay), hybridJSON, `{"value":[` + hybridJSON + `]}`, "\ufeffname\tservertype\n\"x\ty\"\t2", "[1]"} {
		f.Add([]byte(seed))
		f.Add([]byte(utf16File(seed, binary.LittleEndian)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ReadProfile(strings.NewReader(string(raw)))
		if err == nil {
			if len(p.Name) > maxName+3 || len(p.LastTest.Response) > maxText+3 {
				t.Error("a text without bounds")
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.Text == "" || e.Line < 0 {
			t.Errorf("%v", err)
		}
	})
}

// The file of the columns numbers options as the record does.
func TestOptionsHaveTheirNumbers(t *testing.T) {
	for column, want := range map[string]map[int]string{
		"servertype": {
			evidence.ServerExchange: "Exchange Server", evidence.ServerPOP3: "Other (POP3/SMTP)", evidence.ServerHybrid: "Exchange Server (Hybrid)",
			evidence.ServerOnline: "Exchange Online (Hybrid)", evidence.ServerIMAP: "IMAP/SMTP",
		},
		"outgoingauthenticationprotocol": {evidence.ProtocolNTLM: "NTLM", evidence.ProtocolOAuth: "OAuth"},
		"incomingcredentialretrieval": {
			evidence.CredentialsProfile: "Credentials Specified in Email Server Profile", evidence.CredentialsHybridModern: "Exchange Hybrid Modern Auth (HMA)",
		},
	} {
		for number, label := range want {
			if got := knownColumns().Profile[column].Options[number][0]; got != label {
				t.Errorf("%s %d is %s, not %s", column, number, got, label)
			}
		}
	}
}
