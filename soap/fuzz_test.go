package soap

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// seeds gives a fuzz test the recorded bodies and the shapes of the tables.
func seeds(f *testing.F) {
	for _, c := range readCaptures(f) {
		f.Add([]byte(c.Body))
	}
	for _, s := range []string{
		findFolderResponse(message("Error", "ErrorX")),
		messageXML(`<t:Value Name="BackOffMilliseconds">1</t:Value><t:Value Name="A">b</t:Value>`),
		utf16Body(false, true, inBody("<Fault><faultcode>a:b</faultcode></Fault>")),
		utf16Body(true, false, inBody("<Fault><faultcode>a:b</faultcode></Fault>")),
		`<?xml version="1.0" encoding="latin1"?><Envelope><Body><Fault><Code><Value>` + "\xfc" + `</Value></Code></Fault></Body></Envelope>`,
		`<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`,
		pox(`<Account><Action>settings</Action><Protocol><Type>EXPR</Type><EwsUrl>https://x</EwsUrl></Protocol></Account>`),
		userSettings(`<ErrorCode>NoError</ErrorCode>`, `<ErrorCode>RedirectUrl</ErrorCode><RedirectTarget>https://x</RedirectTarget>`),
		`{"ErrorCode":"x","ErrorMessage":1}`,
		resolveNamesResponse("Success", "NoError", resolution("a@contoso.com", "SMTP", "Mailbox")+resolution("/o=x", "EX", "Mailbox")),
		inBody(`<m:GetFolderResponse xmlns:m="` + nsMessages + `"><m:ResponseMessages><m:X ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Folders><Folder><FolderId Id="AQ="/></Folder></m:Folders></m:X></m:ResponseMessages></m:GetFolderResponse>`),
	} {
		f.Add([]byte(s))
	}
}

// isBounded says whether s is one line of valid text of at most limit bytes.
func isBounded(s string, limit int) bool {
	return len(s) <= limit && utf8.ValidString(s) && !strings.ContainsAny(s, "\r\n\t\x00\x1b")
}

// FuzzParse: no panic; an error of the list and no answer, or a bounded answer;
// the same twice.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := Parse(body)
		if err != nil {
			known := false
			for _, e := range []error{ErrNotXML, ErrDoctype, ErrTooLarge, ErrTooDeep, ErrNotSOAP} {
				known = known || errors.Is(err, e)
			}
			if !known || !isBounded(err.Error(), 1000) || !cmp.Equal(a, Answer{}) {
				t.Fatalf("error %q beside %+v", err, a)
			}
			return
		}
		switch {
		case a.Kind != KindFault && a.Kind != KindResponse,
			a.Kind == KindFault && a.Class+a.Operation != "",
			a.Kind == KindResponse && a.Class+a.Code == "",
			!strings.Contains("  Success Warning Error ", " "+a.Class+" "),
			codeOf(a.Code) != a.Code, codeOf(a.InnerCode) != a.InnerCode,
			!isBounded(a.Message, MaxText), !isBounded(a.Operation, maxName),
			strings.Trim(a.Version, "0123456789.") != "" || len(a.Version) > len("65535.65535.65535.65535"),
			a.BackOffMS < 0 || a.BackOffMS > maxBackOff.Milliseconds(),
			len(a.Values) > MaxValues, len(a.Entries) > MaxResolved, len(a.FolderID) > MaxURL, usable(a.FolderID) != a.FolderID:
			t.Fatalf("out of bounds: %+v", a)
		}
		for _, r := range a.Entries {
			if r.Address != "" && !address.IsMailbox(r.Address) || codeOf(r.Type) != r.Type || !isBounded(r.Address, MaxText) {
				t.Fatalf("entry out of bounds: %+v", r)
			}
		}
		for name, value := range a.Values {
			if name == "" || codeOf(name) != name || !isBounded(value, MaxText) {
				t.Fatalf("value out of bounds: %q: %q", name, value)
			}
		}
		if again, err := Parse(body); err != nil || !cmp.Equal(a, again) {
			t.Fatalf("first %+v, then %+v, %v", a, again, err)
		}
	})
}

// FuzzParseDiscovery: as FuzzParse.
func FuzzParseDiscovery(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := ParseDiscovery(body)
		if err != nil {
			known := false
			for _, e := range []error{ErrNotXML, ErrDoctype, ErrTooLarge, ErrTooDeep, ErrNotDiscovery} {
				known = known || errors.Is(err, e)
			}
			if !known || !isBounded(err.Error(), 1000) || d != nil {
				t.Fatalf("error %q beside %+v", err, d)
			}
			return
		}
		if !slices.Contains([]string{evidence.DiscoveryPOX, evidence.DiscoverySOAP, evidence.DiscoveryJSON}, d.Form) {
			t.Fatalf("form %q", d.Form)
		}
		for _, code := range []string{d.ErrorCode, d.Action} {
			if codeOf(code) != code {
				t.Fatalf("not a code: %q", code)
			}
		}
		for _, text := range []string{d.RedirectAddr, d.RedirectURL, d.EwsURL, d.InternalEwsURL, d.PrimarySMTP} {
			if usable(text) != text || strings.Contains(text, " ") {
				t.Fatalf("not an address: %q", text)
			}
		}
		if !isBounded(d.Message, MaxText) {
			t.Fatalf("message out of bounds: %q", d.Message)
		}
		if again, err := ParseDiscovery(body); err != nil || !reflect.DeepEqual(d, again) {
			t.Fatalf("first %+v, then %+v, %v", d, again, err)
		}
	})
}
