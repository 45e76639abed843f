package dynamics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// A file as a whole is refused in a sentence.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		text    string
		problem string
		says    string
	}{
		{"PK\x03\x04\x14\x00", "encoding", "CSV UTF-8"},
		{"<?xml version=\"1.0\"?><Workbook/>", "encoding", "Excel"},
		{"\nName  Mail\n----  ----\nAnna  a@contoso.com\n", "delimiter", "Export-Csv"},
		{"mail,\x00\na,1\n", "encoding", "byte order mark"},
		{"sep=;\r\n", Empty, "sep="},
		{`{"error":{"code":"0x80060888","message":"Could not find ` + `\u001b[31m` + strings.Repeat("x", 1000) + `"}}`, "json", `an error of the Web API: "Could not find \x1b[31m`},
		{`{"error":{"message":"No rights"}}`, "json", `"No rights"; correct`},
	} {
		_, err := Open(strings.NewReader(c.text))
		var e *Error
		if !errors.As(err, &e) || e.Problem != c.problem || !strings.Contains(e.Error(), c.says) || len(e.Error()) > 600 {
			t.Errorf("%.40q: %v", c.text, err)
		}
	}
}

// What is not UTF-8 is read as Windows-1252, and the reader is told.
func TestWindows1252(t *testing.T) {
	table, err := Open(strings.NewReader("mail,Stra\xdfe\na,\xe4\n\x80,b\n"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for row, err := range table.Rows() {
		list = append(list, told(len(list)+1, row, err))
	}
	if diff := cmp.Diff([]string{`1 line 2 ["a" "ä"]`, `2 line 3 ["€" "b"]`}, list); diff != "" || table.Header[1] != "Straße" {
		t.Error(diff, table.Header)
	}
	if !strings.Contains(table.Note(), "Windows-1252") {
		t.Errorf("note %q", table.Note())
	}
}

// Files as other tools write them: the column of addresses is found, and what it
// holds is an address.
func TestAddressColumnOfOtherTools(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"FetchXML leaves out what is empty", `{"value":[{"name":"Queue"},{"name":"Anna","emailaddress":"anna@contoso.com"}]}`, "|anna@contoso.com"},
		{"inside a body", `{"statusCode":200,"headers":{"a":"b"},"body":{"@odata.context":"x","value":[{"emailaddress":"anna@contoso.com"}]}}`, "anna@contoso.com"},
		{"one object a line", "{\"mail\":\"a@contoso.com\"}\n{\"name\":\"b\",\"mail\":\"b@contoso.com\"}\n", "a@contoso.com|b@contoso.com"},
		{"attributes of the SDK", `[{"LogicalName":"mailbox","Attributes":[{"Key":"name","Value":"Anna"},{"Key":"emailaddress","Value":"anna@contoso.com"},{"Key":"statecode","Value":{"Value":0}}]}]`, "anna@contoso.com"},
		{"a list of addresses", `[{"name":"Anna","proxyAddresses":["smtp:ann@contoso.com","SMTP:anna@contoso.com"]}]`, "anna@contoso.com"},
		{"an address as an object", `[{"Name":"Anna","PrimarySmtpAddress":{"Local":"anna","Domain":"contoso.com","Address":"anna@contoso.com"}}]`, "anna@contoso.com"},
		{"a row inside a row", `{"results":[{"mailbox":{"emailaddress":"anna@contoso.com"}}]}`, "anna@contoso.com"},
		{"Graph", `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users(mail)","value":[{"mail":"anna@contoso.com"}]}`, "anna@contoso.com"},
		{"Export-Csv with a type", "#TYPE Microsoft.Exchange.Data.Directory.Management.Mailbox\r\n\"Alias\",\"PrimarySmtpAddress\",\"WindowsEmailAddress\"\r\n\"anna\",\"anna@contoso.com\",\"other@contoso.com\"\r\n", "anna@contoso.com"},
		{"a proxy address", "Name,WindowsEmailAddress\nAnna,SMTP:anna@contoso.com\n", "anna@contoso.com"},
		{"German", "Name;E-Mail-Adresse;Benutzername\nAnna;anna@contoso.com;a@contoso.com\n", "anna@contoso.com"},
		{"French, in the code page of Windows", "Nom;Adresse \xe9lectronique\nAnna;anna@contoso.com\n", "anna@contoso.com"},
		{"UTF-16 without a mark", "m\x00a\x00i\x00l\x00\n\x00a\x00@\x00b\x00.\x00d\x00e\x00\n\x00", "a@b.de"},
		{"UTF-16 without a mark, the other order", "\x00m\x00a\x00i\x00l\x00\n\x00a\x00@\x00b\x00.\x00d\x00e\x00\n", "a@b.de"},
		{"a name before the address", "Email Address\n\"Anna <anna@contoso.com>\"\n", "anna@contoso.com"},
		{"a heading nobody knows", "Naam;Postvak\nAnna;anna@contoso.com\n", "anna@contoso.com"},
		{
			"an object for each attribute", `[{"Key":"mail","Value":"a@contoso.com"},{"Key":"x","Value":""},{"Key":"x","Value":"1"},` +
				`{"Key":"mail","Type":"String","Value":"b@contoso.com"}]`, "a@contoso.com|b@contoso.com",
		},
		{"a row with Key and Value", `[{"Key":"1","Value":"x","mail":"a@contoso.com"},{"Key":"2","Value":"y","mail":"b@contoso.com"}]`, "a@contoso.com|b@contoso.com"},
		{"bars, no heading", "Anna|anna@contoso.com\nBob|bob@contoso.com\n", "anna@contoso.com|bob@contoso.com"},
		{"no heading", "Anna,anna@contoso.com\nBob,bob@contoso.com\n", "anna@contoso.com|bob@contoso.com"},
		{"a list alone", "anna@contoso.com\nbob@contoso.com\n", "anna@contoso.com|bob@contoso.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := Open(strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			column, err := table.AddressColumn()
			if err != nil {
				t.Fatal(err, table.Header)
			}
			var list []string
			for row, err := range table.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, address.Clean(row.Cells[column]))
			}
			if got := strings.Join(list, "|"); got != c.want {
				t.Errorf("%s, want %s (%q)", got, c.want, table.Header)
			}
		})
	}
}

// A mailbox of another profile, an inactive one and one that is not synchronized
// are set aside; what the file does not say is no reason.
func TestAside(t *testing.T) {
	for _, c := range []struct{ text, profile, want string }{
		{"Email Address,Server Profile\na@b.de,Other\n", "Mine", `the server profile is "Other"`},
		{"Email Address,Server Profile\na@b.de,mine\n", "Mine", ""},
		{"Email Address,Server Profile\na@b.de,\n", "Mine", ""},
		{"Email Address,Server Profile\na@b.de,Other\n", "", ""},
		{"Email Address,Status\na@b.de,Inactive\n", "", "inactive"},
		{"Email Address,Incoming Email,Outgoing Email\na@b.de,None,None\n", "", "every delivery method is None"},
		{"Email Address,Incoming Email,Outgoing Email\na@b.de,None,Server-Side Synchronization or Email Router\n", "", ""},
		{`[{"emailaddress":"a@b.de","statecode":1}]`, "", "inactive"},
		{
			`[{"Attributes":[{"Key":"emailaddress","Value":"a@b.de"},{"Key":"statecode","Value":{"Value":1}}],` +
				`"FormattedValues":[{"Key":"statecode","Value":"Ei käytössä"}]}]`, "", "inactive",
		},
		{`[{"emailaddress":"a@b.de","_emailserverprofile_value":"0b5f7c1e-43d2-4a8f-b6c0-91e2d47f3a65","_emailserverprofile_value@OData.Community.Display.V1.FormattedValue":"Other"}]`, "Mine", `the server profile is "Other"`},
		{`[{"emailaddress":"a@b.de","_emailserverprofile_value":"0b5f7c1e-43d2-4a8f-b6c0-91e2d47f3a65"}]`, "Mine", ""},
	} {
		table, err := Open(strings.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		for row, err := range table.Rows() {
			if got := table.Aside(row, c.profile); err != nil || got != c.want {
				t.Errorf("%s: %q, want %q (%v)", c.text, got, c.want, err)
			}
		}
	}
}

// One page of an answer is told from a whole one, wherever it says so.
func TestMore(t *testing.T) {
	for text, want := range map[string]bool{
		`{"value":[{"mail":"a"}],"@odata.nextLink":"https://x"}`:                true,
		`{"@odata.nextLink":"https://x","value":[{"mail":"a"}]}`:                true,
		`{"value":[{"mail":"a"}],"@Microsoft.Dynamics.CRM.morerecords":true}`:   true,
		`{"value":[{"mail":"a"}],"@Microsoft.Dynamics.CRM.morerecords":false}`:  false,
		`{"value":[{"mail":"a","@odata.nextLink":"x"}],"@odata.nextLink":null}`: false,
		`{"@odata.context":"x","value":[{"mail":"a"}]}`:                         false,
		`[{"mail":"a"}]`: false,
		"mail\na\n":      false,
	} {
		table, err := Open(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range table.Rows() {
			if err != nil {
				t.Error(err)
			}
		}
		if table.More() != want {
			t.Errorf("%s: more: %t", text, !want)
		}
	}
}

// A header without rows is known before the rows are read, and looking for the
// first takes none away.
func TestEmpty(t *testing.T) {
	for text, want := range map[string]int{"mail\n": 0, "mail": 0, "mail\r\n\r\n\r\n": 0, "mail\na\n": 1, "mail\n\na\n": 2, `[{"mail":"a"}]`: 1} {
		table, err := Open(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		empty := table.Empty()
		n := 0
		for range table.Rows() {
			n++
		}
		if n != want || empty != (want == 0) {
			t.Errorf("%q: empty: %t, %d rows", text, empty, n)
		}
	}
}

// Rows come out as they come in: nothing waits for what may be long in coming.
func TestRowsAsTheyCome(t *testing.T) {
	for _, lines := range [][]string{
		{"mail,x\n", "a,1\n", "b,2\n"},
		{"mail\r\n", "a\r\n", "b\r\n"},
		{"sep=,\nmail,x\n", "a,1\n", "b,2\n"},
		{`[{"mail":"a"}`, `,{"mail":"b"}`},
	} {
		out, in := io.Pipe()
		arrived := make(chan string, 10)
		go func() {
			table, err := Open(out)
			if err != nil {
				t.Error(err)
				return
			}
			if _, ok := table.source.(*csvFile); ok {
				arrived <- "the header"
			}
			for row, err := range table.Rows() {
				arrived <- told(0, row, err)
			}
		}()
		for _, line := range lines {
			if _, err := io.WriteString(in, line); err != nil {
				t.Fatal(err)
			}
			select {
			case <-arrived:
			case <-time.After(10 * time.Second):
				t.Fatalf("nothing came of %q in %q", line, lines)
			}
		}
		in.Close()
	}
}

// told is a row in short: number, line, and its cells or what is wrong.
func told(number int, row Row, err error) string {
	var e *Error
	switch {
	case errors.As(err, &e):
		return fmt.Sprintf("%d line %d %s", number, e.Line, e.Problem)
	case err != nil:
		return err.Error()
	}
	return fmt.Sprintf("%d line %d %q", number, row.Line, row.Cells)
}

func rowsOf(t *testing.T, text string, wanted ...string) []string {
	t.Helper()
	table, err := Open(strings.NewReader(text), wanted...)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for row, err := range table.Rows() {
		list = append(list, told(len(list)+1, row, err))
	}
	return list
}

// A damaged row is an error with its line, and the rows after it are read.
func TestRows(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"plain", "mail,x\na,1\nb,2", []string{`1 line 2 ["a" "1"]`, `2 line 3 ["b" "2"]`}},
		{"one column", "mail\na\nb\n", []string{`1 line 2 ["a"]`, `2 line 3 ["b"]`}},
		{"one column, an empty line", "mail\na\n\nb\n\n", []string{`1 line 2 ["a"]`, `2 line 3 [""]`, `3 line 4 ["b"]`}},
		{"too wide, too narrow", "mail,x\na,1,2\nb\nc,3\n", []string{"1 line 2 too-wide", "2 line 3 too-narrow", `3 line 4 ["c" "3"]`}},
		{"empty lines between", "mail,x\n\n\na,1\n\n", []string{"1 line 2 too-narrow", "2 line 3 too-narrow", `3 line 4 ["a" "1"]`}},
		{"a row of nothing", "mail;x\n;\na;1\n", []string{`1 line 2 ["" ""]`, `2 line 3 ["a" "1"]`}},
		{"tabs and nothing", "mail\tx\n\t\na\t1\n", []string{`1 line 2 ["" ""]`, `2 line 3 ["a" "1"]`}},
		{"lines inside a cell", "mail,x\n\"a\r\nb\",1\nc,2\n", []string{`1 line 2 ["a\nb" "1"]`, `2 line 4 ["c" "2"]`}},
		{"quoted quote and comma", "mail,x\n\"a \"\"b\"\", c\",1\n", []string{`1 line 2 ["a \"b\", c" "1"]`}},
		{"a separator behind the header", "mail,x,\na,b\nc,d,\ne\n", []string{`1 line 2 ["a" "b" ""]`, `2 line 3 ["c" "d" ""]`, "3 line 4 too-narrow"}},
		{"blanks around quotes", "mail , x\na , \"b, \"\"c\"\"\" \nd,\"e\" f\n", []string{`1 line 2 ["a " "b, \"c\""]`, "2 line 3 quote"}},
		{"ends inside a cell", "mail,x\na,1\n\"b,2\nc,3\nd,4", []string{`1 line 2 ["a" "1"]`, "2 line 3 quote", `3 line 4 ["c" "3"]`, `4 line 5 ["d" "4"]`}},
		{"ends inside the last cell", "mail,x\na,1\nb,\"2", []string{`1 line 2 ["a" "1"]`, "2 line 3 quote"}},
		{"not closed, others are", "mail,x\n\"a,1\nb,2\n\"c\",3\nd,4\n", []string{"1 line 2 quote", `2 line 3 ["b" "2"]`, `3 line 4 ["c" "3"]`, `4 line 5 ["d" "4"]`}},
		{"inches", "mail,x\na,5\" disk\nb,2\nc,3\n", []string{"1 line 2 quote", `2 line 3 ["b" "2"]`, `3 line 4 ["c" "3"]`}},
		{"inches twice", "mail,x\na,5\" disk\nb,3\" disk\nc,3\n", []string{"1 line 2 quote", "2 line 3 quote", `3 line 4 ["c" "3"]`}},
		{"no UTF-8", "mail,x\n\xff,1\nb,2\n", []string{`1 line 2 ["ÿ" "1"]`, `2 line 3 ["b" "2"]`}},
		{"JSON", "{\"value\":[\n{\"mail\":\"a\",\"x\":1,\"o\":{\"p\":[]}},\n\n {\"x\":null,\"mail\":\"b\",\"y\":2},\n7,\n{\"mail\":true}]}", []string{`1 line 2 ["a" "1"]`, `2 line 4 ["b" ""]`, "3 line 5 json", `4 line 6 ["true" ""]`}},
		{"JSON cut", "{\"value\":[\n{\"mail\":\"a\",\"x\":1},\n{\"mail\":\"b\"", []string{`1 line 2 ["a" "1"]`, "2 line 3 json"}},
		{"JSON cut in a row", "[\n{\"mail\":\"a\"},\n{\"ma", []string{`1 line 2 ["a"]`, "2 line 3 json"}},
		{"a NUL", "mail,x\na,1\nb\x00,2\nc,\x00\nd,4\n", []string{`1 line 2 ["a" "1"]`, "2 line 3 encoding", "3 line 4 encoding", `4 line 5 ["d" "4"]`}},
		{"Excel names the separator", "sep=;\r\nmail;x\r\na,b;1\r\n", []string{`1 line 3 ["a,b" "1"]`}},
		{"Excel names a bar", "\"sep=|\"\nmail|x\na,b|1\n", []string{`1 line 3 ["a,b" "1"]`}},
		{"Excel has filled it up", "sep=,,\nmail,x,y\na,1,2\n", []string{`1 line 3 ["a" "1" "2"]`}},
		{"a column that is called so", "sep=x\tmail\n1\ta\n", []string{`1 line 2 ["1" "a"]`}},
		{"carriage returns", "mail,x\ra,1\r\"b\nc\",2\rd,3", []string{`1 line 2 ["a" "1"]`, `2 line 3 ["b\nc" "2"]`, `3 line 5 ["d" "3"]`}},
		{"a carriage return in a cell", "mail,\"x\ry\"\r\na,1\r\n", []string{`1 line 2 ["a" "1"]`}},
		{"two carriage returns and a line end", "mail,x\r\r\na,1\r\n", []string{`1 line 2 ["a" "1"]`}},
		{"JSON that ends in words", "[{\"mail\":\"a\"}] thanks", []string{`1 line 1 ["a"]`, "2 line 1 json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, rowsOf(t, c.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDelimiter(t *testing.T) {
	for _, c := range []struct {
		header string
		wanted []string
		want   []string
	}{
		{"a,b;c,d", nil, []string{"a", "b;c", "d"}},
		{"a;b,c;d", nil, []string{"a", "b,c", "d"}},
		{"Name;Appointments, Contacts, and Tasks Status", nil, []string{"Name", "Appointments, Contacts, and Tasks Status"}},
		{"upn;first, second, third", []string{"UPN"}, []string{"upn", "first, second, third"}},
		{`"a,b,c";d`, nil, []string{"a,b,c", "d"}},
		{"a\tb", nil, []string{"a", "b"}},
		{"mail", nil, []string{"mail"}},
		{" mail , x ", nil, []string{"mail", "x"}},
		{"Name|UserPrincipalName", nil, []string{"Name", "UserPrincipalName"}},
	} {
		table, err := Open(strings.NewReader(c.header+"\n"), c.wanted...)
		if err != nil {
			t.Errorf("%q: %v", c.header, err)
			continue
		}
		if diff := cmp.Diff(c.want, table.Header); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.header, diff)
		}
	}
	if _, err := Open(strings.NewReader("name|servertype\n")); err == nil {
		t.Error("bars are taken for one column")
	}
}

func TestColumn(t *testing.T) {
	table, err := Open(strings.NewReader("(Do Not Modify) Mail,Primary Mail,UPN\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"primarymail": 1, " PRIMARY mail": 1, "upn": 2, "(Do Not Modify) Mail": -1, "mail": -1, "": -1} {
		got, ok := table.Column(name)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q is column %d, want %d", name, got, want)
		}
	}
}

// An error of reading ends the rows and is given as it is.
func TestReadingFails(t *testing.T) {
	broken := errors.New("the disk is gone")
	for _, text := range []string{"mail,x\na,1\n", "mail,x\na,1\n\"b", `[{"mail":"a"}`} {
		table, err := Open(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		if err == nil {
			n := 0
			for _, rowErr := range table.Rows() {
				if n++; n > 3 {
					t.Fatal("it does not end")
				}
				err = rowErr
			}
		}
		if !errors.Is(err, broken) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Open(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// The column of addresses is found under every name that Dynamics gives it, and a
// table of something else is not taken for one of mailboxes.
func TestAddressColumn(t *testing.T) {
	for text, want := range map[string]int{
		"(Do Not Modify) Mailbox;Name;Email Address;Server Profile\nx;Anna;anna@contoso.com;Hybrid\n":       2,
		"name,emailaddress,emailserverprofile\nAnna,anna@contoso.com,Hybrid\n":                              1,
		`{"@odata.context":"x$metadata#mailboxes(name)","value":[{"name":"Anna","emailaddress":"a@b.de"}]}`: 1,
		"SMTP\nanna@contoso.com\n":             0,
		"name,E-Mail\nAnna,anna@contoso.com\n": 1,
	} {
		table, err := Open(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if at, err := table.AddressColumn(); err != nil || at != want {
			t.Errorf("%q: column %d, %v", text, at, err)
		}
	}
	for text, want := range map[string]string{
		"name,ewsurl\nx,y\n": "columns",
		`{"@odata.context":"x$metadata#emailserverprofiles","value":[{"emailaddress":"a"}]}`: "other-entity",
		"mail,smtp\na,b\n":                  "columns",
		"emailaddress,Email Address\na,b\n": "columns",
	} {
		table, err := Open(strings.NewReader(text))
		if err == nil {
			_, err = table.AddressColumn()
		}
		var e *Error
		if !errors.As(err, &e) || e.Problem != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// repeated is a file that goes on for long without being kept anywhere.
type repeated struct {
	head, row, tail string
	rows            int
	buffer          bytes.Buffer
	begun           bool
}

func (r *repeated) Read(p []byte) (int, error) {
	if !r.begun {
		r.begun = true
		r.buffer.WriteString(r.head)
	}
	for r.buffer.Len() < len(p) && r.rows > 0 {
		r.buffer.WriteString(r.row)
		if r.rows--; r.rows == 0 {
			r.buffer.WriteString(r.tail)
		}
	}
	return r.buffer.Read(p)
}

// Memory does not grow with the file, whatever is in it.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	long := strings.Repeat("x", 1000)
	for name, file := range map[string]*repeated{
		"rows":            {head: "mail,x\n", row: "a," + long + "\n", rows: 25_000},
		"never closed":    {head: "mail,x\n\"", row: "a," + long + "\n", rows: 25_000},
		"one quote a row": {head: "mail,x\n", row: "\"a," + long + "\n", rows: 25_000},
		"one line":        {head: "mail,x\n", row: long, rows: 25_000},
		"one quoted line": {head: "mail,x\n\"", row: long, rows: 25_000},
		"empty lines":     {head: "mail\n", row: strings.Repeat("\n", 1000), rows: 1_000, tail: "a"},
		"JSON rows":       {head: "[{}", row: ",{\"mail\":\"" + long + "\"}\n", rows: 25_000, tail: "]"},
		"JSON value":      {head: "[{\"mail\":\"", row: long, rows: 25_000},
		"JSON spaces":     {head: "[{}", row: strings.Repeat(" \n", 500), rows: 25_000},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			n, most := 0, uint64(0)
			table, err := Open(file)
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Problem != "too-long" {
					t.Fatal(err)
				}
				return
			}
			for range table.Rows() {
				if n++; n%5_000 == 1 {
					runtime.GC()
					runtime.ReadMemStats(&after)
					most = max(most, after.HeapAlloc)
				}
			}
			if most > before.HeapAlloc+12<<20 {
				t.Errorf("%d MiB more after %d rows", (most-before.HeapAlloc)>>20, n)
			}
		})
	}
}

// Every line is read or complained of once, in order, and nothing is invented.
func FuzzRows(f *testing.F) {
	for _, seed := range []string{"mail,x\na,1\n\"b,2\nc,3\n", "mail\n\n\n\"\"\"", "a;b\n\";\n\"\";\"\n", "[{\"a\":1},\n2]", "{\"value\":[{\"a\":\"\\u0000\"}]}", "a\n\r\n\"x\ry\"\r\nz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Open(strings.NewReader(text))
		if err != nil {
			return
		}
		line, n := 0, 0
		for row, err := range table.Rows() {
			if n++; n > len(text)+1 {
				t.Fatalf("row %d of %q", n, text)
			}
			var e *Error
			if errors.As(err, &e) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(row.Cells) != len(table.Header) || row.Line < line || row.Line > strings.Count(text, "\n")+strings.Count(text, "\r")+1 {
				t.Errorf("line %d after %d, %d cells: %q", row.Line, line, len(row.Cells), text)
			}
			line = row.Line
		}
	})
}
