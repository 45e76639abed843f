package soap

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestCaptures reads every recorded body. A body that is not in the table must
// be refused as no XML or no EWS answer, never read as one.
func TestCaptures(t *testing.T) {
	const invalid = "The request failed schema validation: "
	fault := func(code, message string) Answer {
		return Answer{EWS: evidence.EWS{Kind: KindFault, Code: code, Message: message}}
	}
	refused := func(operation, code, message, version string) Answer {
		return Answer{EWS: evidence.EWS{Kind: KindResponse, Operation: operation, Class: ClassError, Code: code, Message: message, Version: version}}
	}
	with := func(a Answer, change func(*Answer)) Answer {
		change(&a)
		return a
	}
	const schema = "http://schemas.microsoft.com/exchange/services/2006/"
	want := map[string]Answer{
		"sp-001": fault("ErrorImpersonateUserDenied", "The account does not have permission to impersonate the requested user."),
		"sp-003": with(fault("ErrorNonExistentMailbox", "SMTP 地址没有与其关联的邮箱。"), func(a *Answer) {
			a.Values = map[string]string{"SmtpAddress": "user@contoso.com"}
		}),
		"sp-005": with(fault("ErrorServerBusy", "The server cannot service this request right now. Try again later."), func(a *Answer) {
			a.BackOffMS = 297749
		}),
		"sp-007": fault("ErrorSchemaValidation", invalid+"The '"+schema+"messages:ConfigurationName' element is invalid - "+
			"The value 'UUnifiedMessagingConfiguration' is invalid according to its datatype '"+schema+"types:ServiceConfigurationType' - "+
			"The Enumeration constraint failed."),
		"sp-009": with(fault("ErrorSchemaValidation", invalid+"The required attribute 'Id' is missing."), func(a *Answer) {
			a.Values = map[string]string{"LineNumber": "1", "LinePosition": "472", "Violation": "The required attribute 'Id' is missing."}
		}),
		"sp-011": refused("GetFolder", "ErrorNonExistentMailbox", "Mailbox does not exist.", "15.20.1471.20"),
		"sp-013": refused("ResolveNames", "ErrorNameResolutionNoResults", "No results were found.", "15.1.2176.12"),
		"sp-015": refused("FindItem", "ErrorMissingEmailAddress", "When making a request as an account that does not have a mailbox, "+
			"you must specify the mailbox primary SMTP address for any distinguished folder Ids.", ""),
		"sp-017": {EWS: evidence.EWS{Kind: KindResponse, Operation: "GetFolder", Class: ClassSuccess, Code: CodeNoError, Version: "8.0.628.0"}, FolderID: "AQApA="},
		"sp-019": refused("ResolveNames", "ErrorNameResolutionNoResults", "No results were found.", "8.0.685.8"),
		"sp-021": refused("ConvertId", "ErrorInvalidSmtpAddress", "The SMTP address format is invalid.", "15.1.2345.6789"),
		"sp-023": refused("FindFolder", "ErrorTooManyObjectsOpened", "Too many concurrent connections opened.", ""),
	}
	for _, c := range readCaptures(t) {
		got, err := Parse([]byte(c.Body))
		expected, is := want[c.ID]
		if is && err != nil {
			t.Errorf("%s: %v", c.ID, err)
		}
		if !is && !errors.Is(err, ErrNotXML) && !errors.Is(err, ErrNotSOAP) {
			t.Errorf("%s: no EWS answer, yet error %v", c.ID, err)
		}
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.ID, diff)
		}
		delete(want, c.ID)
	}
	for id := range want {
		t.Errorf("%s: not among the captures", id)
	}
}

// The frames in which the cases below put what they are about.
func inBody(inner string) string {
	return `<s:Envelope xmlns:s="` + nsSOAP11 + `"><s:Body>` + inner + `</s:Body></s:Envelope>`
}

func findFolderResponse(messages string) string {
	return inBody(`<m:FindFolderResponse xmlns:m="` + nsMessages + `"><m:ResponseMessages>` + messages + `</m:ResponseMessages></m:FindFolderResponse>`)
}

func message(class, code string) string {
	return `<m:FindFolderResponseMessage ResponseClass="` + class + `"><m:ResponseCode>` + code + `</m:ResponseCode></m:FindFolderResponseMessage>`
}

func messageXML(inner string) string {
	return findFolderResponse(`<m:X ResponseClass="Error"><m:ResponseCode>ErrorX</m:ResponseCode><m:MessageXml>` + inner + `</m:MessageXml></m:X>`)
}

func utf16Body(bigEndian, mark bool, s string) string {
	var b strings.Builder
	if mark {
		s = "\uFEFF" + s
	}
	for _, r := range s {
		low, high := byte(r), byte(r>>8)
		if bigEndian {
			low, high = high, low
		}
		b.Write([]byte{low, high})
	}
	return b.String()
}

// TestShapes has one answer per line in the shapes that servers give it. Want
// is "kind class code".
func TestShapes(t *testing.T) {
	const (
		plainFault = `<Fault><faultcode>ErrorCannotFindUser</faultcode><faultstring>x</faultstring></Fault>`
		soap12     = "http://www.w3.org/2003/05/soap-envelope"
		detail     = `<detail><e:ResponseCode xmlns:e="` + nsErrors + `">ErrorAccessDenied</e:ResponseCode></detail>`
	)
	cases := []struct{ name, body, want string }{
		{"fault without prefix and detail", inBody(plainFault), "fault  ErrorCannotFindUser"},
		{"fault with an odd prefix", strings.NewReplacer("<s:", "<SOAP-ENV:", "</s:", "</SOAP-ENV:", ":s=", ":SOAP-ENV=").Replace(inBody(plainFault)), "fault  ErrorCannotFindUser"},
		{"fault without any namespace", `<Envelope><Body>` + plainFault + `</Body></Envelope>`, "fault  ErrorCannotFindUser"},
		{"fault with undeclared prefixes", `<s:Envelope><s:Body><s:Fault><faultcode>a:ErrorX</faultcode></s:Fault></s:Body></s:Envelope>`, "fault  ErrorX"},
		{"fault after something else", inBody(`<x/>` + plainFault), "fault  ErrorCannotFindUser"},
		{"fault of SOAP, not of EWS", inBody(`<s:Fault><faultcode>SOAP:Server</faultcode><faultstring>x</faultstring></s:Fault>`), "fault  Server"},
		{"fault without a code", inBody(`<s:Fault/>`), "fault  "},
		{"fault whose code is text", inBody(`<s:Fault><faultcode>a:Something went wrong</faultcode></s:Fault>`), "fault  "},
		{"fault with white space in the code", inBody("<s:Fault><faultcode>\n a:ErrorServerBusy \n</faultcode></s:Fault>"), "fault  ErrorServerBusy"},
		{"detail before faultcode", inBody(`<s:Fault><faultcode>s:Client</faultcode>` + detail + `</s:Fault>`), "fault  ErrorAccessDenied"},
		{"empty ResponseCode", inBody(`<s:Fault><faultcode>s:Client</faultcode><detail><ResponseCode> </ResponseCode></detail></s:Fault>`), "fault  Client"},
		{"code in CDATA", inBody(`<s:Fault><faultcode><![CDATA[a:ErrorX]]></faultcode></s:Fault>`), "fault  ErrorX"},
		{"code behind a comment", inBody(`<s:Fault><!-- <!DOCTYPE x> --><faultcode>a:ErrorX</faultcode></s:Fault>`), "fault  ErrorX"},
		{"SOAP 1.2 fault with an EWS code", `<s:Envelope xmlns:s="` + soap12 + `"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>a:ErrorX</s:Value></s:Subcode></s:Code></s:Fault></s:Body></s:Envelope>`, "fault  ErrorX"},
		{"SOAP 1.2 fault with an EWS detail", `<s:Envelope xmlns:s="` + soap12 + `"><s:Body><s:Fault>` + detail + `</s:Fault></s:Body></s:Envelope>`, "fault  ErrorAccessDenied"},

		{"success", findFolderResponse(message("Success", "NoError")), "response Success NoError"},
		{"error among successes", findFolderResponse(message("Success", "NoError") + message("Error", "ErrorX") + message("Error", "ErrorY")), "response Error ErrorX"},
		{"warning before success", findFolderResponse(message("Warning", "ErrorW") + message("Success", "NoError")), "response Warning ErrorW"},
		{"class missing, NoError", findFolderResponse(`<m:X><m:ResponseCode>NoError</m:ResponseCode></m:X>`), "response Success NoError"},
		{"class missing, an error", findFolderResponse(message("Success", "NoError") + `<m:X><m:ResponseCode>ErrorX</m:ResponseCode></m:X>`), "response Error ErrorX"},
		{"class unknown", findFolderResponse(message("Splendid", "ErrorX")), "response Error ErrorX"},
		{"class without a code", findFolderResponse(`<m:X ResponseClass="Success"/>`), "response Success "},
		{"code with white space", findFolderResponse(message("Error", "\n\t ErrorX\n")), "response Error ErrorX"},
		{"class on the response itself", inBody(`<GetServiceConfigurationResponse ResponseClass="Success" xmlns="` + nsMessages + `"><ResponseCode>NoError</ResponseCode></GetServiceConfigurationResponse>`), "response Success NoError"},
		{"class on the response, error inside", inBody(`<GetServiceConfigurationResponse ResponseClass="Success" xmlns="` + nsMessages + `"><ResponseCode>NoError</ResponseCode><ResponseMessages><M ResponseClass="Error"><ResponseCode>ErrorX</ResponseCode></M></ResponseMessages></GetServiceConfigurationResponse>`), "response Error ErrorX"},
		{"free/busy", inBody(`<GetUserAvailabilityResponse xmlns="` + nsMessages + `"><FreeBusyResponseArray><FreeBusyResponse><ResponseMessage ResponseClass="Error"><ResponseCode>ErrorMailRecipientNotFound</ResponseCode></ResponseMessage></FreeBusyResponse></FreeBusyResponseArray></GetUserAvailabilityResponse>`), "response Error ErrorMailRecipientNotFound"},
		{"response without a namespace", inBody(`<FindFolderResponse><ResponseMessages><M ResponseClass="Success"><ResponseCode>NoError</ResponseCode></M></ResponseMessages></FindFolderResponse>`), "response Success NoError"},
		{"response in a wrong envelope", strings.ReplaceAll(findFolderResponse(message("Success", "NoError")), nsSOAP11, "urn:x"), "response Success NoError"},

		{"UTF-8 with a byte order mark", "\xEF\xBB\xBF" + inBody(plainFault), "fault  ErrorCannotFindUser"},
		{"blank lines before the declaration", "\r\n\r\n<?xml version=\"1.0\"?>" + inBody(plainFault), "fault  ErrorCannotFindUser"},
		{"UTF-16 little endian", utf16Body(false, true, `<?xml version="1.0" encoding="utf-16"?>`+inBody(plainFault)), "fault  ErrorCannotFindUser"},
		{"UTF-16 big endian", utf16Body(true, true, inBody(plainFault)), "fault  ErrorCannotFindUser"},
		{"UTF-16 without a mark", utf16Body(false, false, inBody(plainFault)), "fault  ErrorCannotFindUser"},
		{"Latin-1", `<?xml version="1.0" encoding="ISO-8859-1"?>` + strings.Replace(inBody(plainFault), ">x<", ">\xFC<", 1), "fault  ErrorCannotFindUser"},
	}
	for _, c := range cases {
		a, err := Parse([]byte(c.body))
		if got := a.Kind + " " + a.Class + " " + a.Code; err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

// TestRefused has one unreadable body per line with the error that names it.
func TestRefused(t *testing.T) {
	const bomb = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>`
	// What a server that sends the request back gives away.
	echo := string(FindFolder(Call{Mailbox: "user@contoso.com", Impersonate: true}))
	cases := []struct {
		name, body string
		want       error
		says       string
	}{
		{"empty", "", ErrNotXML, "empty body"},
		{"blank", " \r\n", ErrNotXML, "empty body"},
		{"plain text", "Access denied", ErrNotXML, "text outside"},
		{"JSON", `{"a":1}`, ErrNotXML, ""},
		{"binary", "\x00\x01\x02\xff", ErrNotXML, ""},
		{"cut off", inBody("<x/>")[:90], ErrNotXML, "unexpected EOF"},
		{"wrong nesting", "<a><b></a></b>", ErrNotXML, "closed by"},
		{"two roots", "<a/><b/>", ErrNotXML, "2 root elements"},
		{"text after the root", "<a/>b", ErrNotXML, "text outside"},
		{"only a comment", "<!-- a -->", ErrNotXML, "0 root elements"},
		{"unknown entity", "<a>&nbsp;</a>", ErrNotXML, "entity"},
		{"not UTF-8", "<a>\xff</a>", ErrNotXML, "invalid UTF-8"},
		{"unknown charset", `<?xml version="1.0" encoding="ebcdic"?><a/>`, ErrNotXML, `"ebcdic" is not read`},
		{"odd UTF-16", utf16Body(false, true, "<a/>") + "x", ErrNotXML, "odd number"},
		{"XML bomb", bomb, ErrDoctype, "DOCTYPE"},
		{"UTF-16 bomb", utf16Body(true, true, bomb), ErrDoctype, "DOCTYPE"},
		{"HTML page", "<!DOCTYPE html><html><body>Sign in</body></html>", ErrDoctype, "DOCTYPE html"},
		{"stylesheet", `<?xml version="1.0"?><?xml-stylesheet href="x"?><a/>`, ErrDoctype, "xml-stylesheet"},
		{"declaration inside", `<a><?xml version="1.0"?></a>`, ErrDoctype, ""},
		{"depth", strings.Repeat("<a>", MaxDepth+1), ErrTooDeep, "64 levels"},
		{"bytes", inBody(strings.Repeat(" ", MaxBytes)), ErrTooLarge, "1048576 bytes"},
		{"elements", "<a>" + strings.Repeat("<a/>", MaxTokens/2) + "</a>", ErrTooLarge, "tags"},
		{"attributes", "<a" + strings.Repeat(` a=""`, MaxTokens+1) + "/>", ErrTooLarge, "attributes in a tag"},
		{"HTML that is XML", `<html xmlns="http://www.w3.org/1999/xhtml"/>`, ErrNotSOAP, "<html>"},
		{"root named to confuse", "<a\u202eb/>", ErrNotXML, ""},
		{"fault as root", `<s:Fault><faultcode>ErrorX</faultcode></s:Fault>`, ErrNotSOAP, "<s:Fault>"},
		{"no body", `<s:Envelope xmlns:s="` + nsSOAP11 + `"/>`, ErrNotSOAP, "without a body"},
		{"empty envelope", inBody(""), ErrNotSOAP, "empty body"},
		{"echo", echo, ErrNotSOAP, "<m:FindFolder>"},
		{"another service", inBody(`<LoginResponse xmlns="urn:x"><ResponseCode>0</ResponseCode></LoginResponse>`), ErrNotSOAP, "<LoginResponse>"},
		{"fault of another SOAP version", `<s:Envelope xmlns:s="urn:x"><s:Body><s:Fault><faultcode>s:Server</faultcode></s:Fault></s:Body></s:Envelope>`, ErrNotSOAP, "urn:x"},
		{"nothing in the messages", findFolderResponse(""), ErrNotSOAP, "FindFolderResponse"},
	}
	for _, c := range cases {
		a, err := Parse([]byte(c.body))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %v saying %q", c.name, err, c.want, c.says)
		}
		if diff := cmp.Diff(Answer{}, a); diff != "" {
			t.Errorf("%s: answer beside the error: %s", c.name, diff)
		}
	}
}

// TestVersion has one header per line.
func TestVersion(t *testing.T) {
	cases := []struct{ name, info, want string }{
		{"attributes", `<ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="11" Version="V2017_07_11"/>`, "15.2.1544.11"},
		{"elements", `<ServerVersionInfo><MajorVersion>14</MajorVersion><MinorVersion> 3 </MinorVersion><MajorBuildNumber>123</MajorBuildNumber><MinorBuildNumber>4</MinorBuildNumber></ServerVersionInfo>`, "14.3.123.4"},
		{"prefix", `<t:ServerVersionInfo MajorVersion="15" MinorVersion="0" MajorBuildNumber="847" MinorBuildNumber="4040"/>`, "15.0.847.4040"},
		{"build missing", `<ServerVersionInfo MajorVersion="8" MinorVersion="1" Version="Exchange2007_SP1"/>`, "8.1"},
		{"only a schema tag", `<ServerVersionInfo Version="V2_23"/>`, ""},
		{"no number", `<ServerVersionInfo MajorVersion="15" MinorVersion="x"/>`, ""},
		{"no header entry", ``, ""},
	}
	for _, c := range cases {
		body := strings.Replace(findFolderResponse(message("Success", "NoError")), "<s:Body>", "<s:Header>"+c.info+"</s:Header><s:Body>", 1)
		if a, err := Parse([]byte(body)); err != nil || a.Version != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, a.Version, err, c.want)
		}
	}
}

// TestMessageXML has one value per line and the answer it leaves its mark in.
func TestMessageXML(t *testing.T) {
	cases := []struct {
		name, inner string
		want        Answer
	}{
		{"inner code", `<t:Value Name="InnerErrorResponseCode">ErrorMoved</t:Value>`, Answer{EWS: evidence.EWS{InnerCode: "ErrorMoved"}}},
		{"back-off", `<t:Value Name="BackOffMilliseconds"> 299984 </t:Value>`, Answer{EWS: evidence.EWS{BackOffMS: 299984}}},
		{"back-off of a day", `<t:Value Name="BackOffMilliseconds">86400000</t:Value>`, Answer{EWS: evidence.EWS{BackOffMS: 86400000}}},
		{"back-off over a day", `<t:Value Name="BackOffMilliseconds">86400001</t:Value>`, Answer{}},
		{"negative back-off", `<t:Value Name="BackOffMilliseconds">-1</t:Value>`, Answer{}},
		{"back-off that is no number", `<t:Value Name="BackOffMilliseconds">soon</t:Value>`, Answer{}},
		{"back-off beyond 64 bits", `<t:Value Name="BackOffMilliseconds">99999999999999999999</t:Value>`, Answer{}},
		{"first of a name", `<t:Value Name="A">1</t:Value><t:Value Name="A">2</t:Value>`, Answer{Values: map[string]string{"A": "1"}}},
		{"name that is no name", `<t:Value Name="a b">1</t:Value><t:Value>2</t:Value>`, Answer{}},
		{"long value", `<t:Value Name="A">` + strings.Repeat("ü", MaxText) + `</t:Value>`, Answer{Values: map[string]string{"A": strings.Repeat("ü", MaxText/2)}}},
	}
	for _, c := range cases {
		c.want.Kind, c.want.Operation, c.want.Class, c.want.Code = KindResponse, "FindFolder", ClassError, "ErrorX"
		got, err := Parse([]byte(messageXML(c.inner)))
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", c.name, err, diff)
		}
	}
	many := ""
	for i := range 2 * MaxValues {
		many += `<t:Value Name="V` + strings.Repeat("I", i) + `">1</t:Value>`
	}
	if got, err := Parse([]byte(messageXML(many))); err != nil || len(got.Values) != MaxValues {
		t.Errorf("%d values, %v; want %d", len(got.Values), err, MaxValues)
	}
}

// TestMessageIsOneLine: what a terminal must not see is gone.
func TestMessageIsOneLine(t *testing.T) {
	cases := []struct{ text, want string }{
		{"one\n\t two\u0085three", "one two three"},
		{"bell\u009d and \u202eturn", "bell and turn"},
		{strings.Repeat("é", MaxText), strings.Repeat("é", MaxText/2)},
		{strings.Repeat("x", MaxText-1) + "é", strings.Repeat("x", MaxText-1)},
	}
	for _, c := range cases {
		a, err := Parse([]byte(inBody(`<s:Fault><faultcode>x</faultcode><faultstring>` + c.text + `</faultstring></s:Fault>`)))
		if err != nil || a.Message != c.want {
			t.Errorf("%q: %q, %v; want %q", c.text, a.Message, err, c.want)
		}
	}
}
