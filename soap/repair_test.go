package soap

import (
	"errors"
	"strings"
	"testing"
)

// TestRepaired has answers of EWS that are not well-formed XML, and what can be read
// of them.
func TestRepaired(t *testing.T) {
	ok := findFolderResponse(message("Success", "NoError"))
	fault := inBody(`<s:Fault><faultcode>a:ErrorX</faultcode><faultstring>x</faultstring></s:Fault>`)
	withText := findFolderResponse(`<m:FindFolderResponseMessage ResponseClass="Error"><m:MessageText>TEXT</m:MessageText>` +
		`<m:ResponseCode>ErrorX</m:ResponseCode></m:FindFolderResponseMessage>`)
	text := func(s string) string { return strings.Replace(withText, "TEXT", s, 1) }
	cases := []struct {
		name, body, code string
		cut              bool
	}{
		{"references that XML forbids", text("Inbox&#x1A;&#0;&#xFFFE;"), "ErrorX", false},
		{"characters that XML forbids", text("a\x00\x1bb"), "ErrorX", false},
		{"bytes that are not UTF-8", text("Gr\xf6\xdfe"), "ErrorX", false},
		{"a character set of no such name", strings.Replace(`<?xml version="1.0" encoding="utf8"?>`+text("x"), "utf-8", "utf8", 1), "ErrorX", false},
		{"markup behind it", fault + "<script>var a=1;</script>", "ErrorX", false},
		{"a page behind it", fault + "<!DOCTYPE html><html></html>", "ErrorX", false},
		{"text behind it", ok + " served by edge-7", "NoError", false},
		{"cut behind the code", text("x")[:strings.Index(text("x"), "</m:ResponseCode>")+17], "ErrorX", true},
		{"cut inside a tag behind it", text("x")[:strings.Index(text("x"), "</m:ResponseCode>")+20], "ErrorX", true},
		{"cut inside the code", text("x")[:strings.Index(text("x"), "ErrorX")+5], "", true},
		{"cut before there is a message", ok[:strings.Index(ok, "<m:ResponseMessages>")], "", true},
	}
	for _, c := range cases {
		a, err := Parse([]byte(c.body))
		if err != nil || a.Code != c.code || a.Cut != c.cut || a.Kind == "" {
			t.Errorf("%s: %+v, error %v; want %q, cut %v\n%s", c.name, a, err, c.code, c.cut, c.body)
		}
	}
	for _, body := range []string{
		"<html>" + ok, strings.Replace(inBody("<x/>")[:90], "s:", "t:", 1), "<Envelope>" + strings.Repeat("<a>", 100), "<!DOCTYPE a [<!ENTITY b 'c'>]>" + ok,
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><a:Weather xmlns:a="urn:weather"><a:Sun>`,
	} {
		if a, err := Parse([]byte(body)); err == nil || errors.Is(err, ErrTooLarge) || a.Kind != "" {
			t.Errorf("%q: %+v, error %v", body, a, err)
		}
	}
}
