package ews

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
)

// TestRecorder: identifiers in the order of writing, items in the order of
// beginning, and whoever follows sees each once.
func TestRecorder(t *testing.T) {
	var followed []string
	r := NewRecorder(&secret.Vault{}, func(i evidence.Item) { followed = append(followed, i.ID) })
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, seconds := range []int{3, 1, 2, 1} {
		r.Add(evidence.Item{At: at.Add(time.Duration(seconds) * time.Second)})
	}
	var got []string
	for _, i := range r.Items() {
		got = append(got, i.ID)
	}
	if !cmp.Equal(got, []string{"e2", "e4", "e3", "e1"}) || !cmp.Equal(followed, []string{"e1", "e2", "e3", "e4"}) {
		t.Errorf("items %q, followed %q", got, followed)
	}
	// For the race detector, and for identifiers that are given once.
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			r.Add(evidence.Item{At: time.Now()})
			r.Items()
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, i := range r.Items() {
		seen[i.ID] = true
	}
	if len(seen) != 24 || len(followed) != 24 {
		t.Errorf("%d identifiers, %d followed", len(seen), len(followed))
	}
}

// TestClean: in every text that a server can choose, a secret is found.
func TestClean(t *testing.T) {
	const password = "Passw0rd!good"
	vault := &secret.Vault{}
	vault.AddText(password)
	text := "you sent " + password + "!"
	item := NewRecorder(vault, nil).Add(evidence.Item{
		Response: &evidence.Response{
			Reason: text, Body: text, Page: &evidence.Page{Title: text},
			Headers: [][2]string{{"Server", text}, {text, "x"}, {"Set-Cookie", text}, {"WWW-Authenticate", `Basic realm="` + text + `", NTLM`}, {"X-FEServer", "EX01"}},
		},
		EWS: &evidence.EWS{Kind: "fault", Operation: text, Class: text, Code: text, InnerCode: text, Message: text, Version: text, Problem: text},
		Discovery: &evidence.Discovery{
			Form: "pox", ErrorCode: text, Message: text, Action: text, RedirectAddr: text, RedirectURL: text, EwsURL: text, InternalEwsURL: text, PrimarySMTP: text, Version: text, Problem: text,
			Endpoint: text,
		},
		NTLM:  &evidence.NTLM{TargetName: text, NetBIOSDomain: text, NetBIOSComputer: text, DNSDomain: text, DNSComputer: text, DNSForest: text, Problem: text},
		TLS:   &evidence.TLS{Certificate: &evidence.Certificate{Subject: text, Issuer: text, Names: []string{"mail.contoso.com", text}}, Problems: []evidence.CertificateProblem{{Code: "wrong-name", Text: text}}},
		Error: &evidence.Failure{Code: evidence.Malformed, Text: text},
	})
	encoded, err := evidence.Encode(item)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(encoded, []byte(password)) {
		t.Errorf("it is still there: %s", encoded)
	}
	if n := strings.Count(string(encoded), secret.Withheld); n != 5+7+11+7+4+1 { // response, EWS, Discovery, NTLM, TLS, error
		t.Errorf("%d texts are withheld: %s", n, encoded)
	}
	want := [][2]string{{"Server", secret.Withheld}, {secret.Withheld, "x"}, {"Set-Cookie", "[value not kept]"}, {"WWW-Authenticate", "Basic, NTLM"}, {"X-FEServer", "EX01"}}
	if diff := cmp.Diff(want, item.Response.Headers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	NewRecorder(vault, nil).Add(evidence.Item{}) // nothing to clean
}

// TestShortPassword: what the server said before it could know a password that
// stands everywhere is kept.
func TestShortPassword(t *testing.T) {
	vault := &secret.Vault{}
	vault.AddText("EX01")
	r := NewRecorder(vault, nil)
	say := func() string {
		return r.Add(evidence.Item{Response: &evidence.Response{Headers: [][2]string{{"X-FEServer", "EX01"}}}}).Response.First("X-FEServer")
	}
	if got := say(); got != "EX01" {
		t.Errorf("before a logon: %q", got)
	}
	r.Expose()
	if got := say(); got != secret.Withheld {
		t.Errorf("after a logon: %q", got)
	}
}

// A token is withheld from the first item on: it stands in no text by chance.
func TestTokenIsWithheld(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL21haWwifQ.c2lnbmF0dXJl"
	r := NewRecorder(&secret.Vault{}, nil)
	r.Tokens.AddText(token)
	item := r.Add(evidence.Item{Response: &evidence.Response{Headers: [][2]string{{"X-FEServer", token}}}})
	if got := item.Response.First("X-FEServer"); got != secret.Withheld {
		t.Errorf("%q", got)
	}
}

// TestMaskCookie has one header per line and what is kept of it.
func TestMaskCookie(t *testing.T) {
	cases := []struct{ name, value, want string }{
		{"Set-Cookie", "exchangecookie=abc; path=/", "exchangecookie=[value not kept]"},
		{"set-cookie", "X-BackEndCookie=S-1-5-21=x; secure", "X-BackEndCookie=[value not kept]"},
		{"Set-Cookie2", "a=b", "a=[value not kept]"},
		{"SET-COOKIE", "TS01a32329=0", "TS01a32329=[value not kept]"},
		{"Set-Cookie", "=value", "=[value not kept]"},
		{"Set-Cookie", "all-value", "[value not kept]"},
		{"Set-Cookie", "all-value; path=/", "[value not kept]"},
		{"Set-Cookie", "", "[value not kept]"},
		{"Server", "a=b", "a=b"},
	}
	for _, c := range cases {
		if got := maskCookie(c.name, c.value); got != c.want {
			t.Errorf("%s: %s: %q, want %q", c.name, c.value, got, c.want)
		}
	}
}

// TestPage has a body, its type, and what is seen of it.
func TestPage(t *testing.T) {
	const html, xml = "text/html; charset=utf-8", "text/xml"
	cases := []struct{ name, contentType, body, want string }{
		{"page", html, "<html><head><title> Sign \n in </title></head></html>", `page "Sign in"`},
		{"page without a type", "", "<!DOCTYPE html><title>x</title>", `page "x"`},
		{"page with a wrong type", xml, "\xef\xbb\xbf\n <HTML lang=\"de\"><TITLE dir=x>Größe</TITLE>", `page "Größe"`},
		{"page after a comment", "", "<!-- x -->\n<html>", `page ""`},
		{"body of a page", "", "<body class=\"x\">", `page ""`},
		{"text of type HTML", html, "Access denied", `page ""`},
		{"form", html, `<html><form><input name=u><input  name="p" type="password"></form>`, `page "" password`},
		{"form in capitals", html, `<INPUT ID=p TYPE = 'PassWord'>`, `page "" password`},
		{"form without quotes", html, "<input\ntype=password\nname=p>", `page "" password`},
		{"no password field", html, `<input type="text" placeholder="password"><b type=password>`, `page ""`},
		{"another type", html, `<input type="passwords">`, `page ""`},
		{"title that is not first", html, `<title></title><title>b</title>`, `page "b"`},
		{"bytes that are no text", html, "<title>B\xfcro</title>", "page \"B\uFFFDro\""},
		{"title without an end", html, "<title>" + strings.Repeat("x", 5000), fmt.Sprintf("page %q", strings.Repeat("x", 500))},
		{"unfinished tag", html, "<input type=password", `page "" password`},
		{"unfinished page", html, "<", `page ""`},

		{"nothing", html, "", `page ""`},
		{"nothing at all", "", "", "nothing"},
		{"white space", xml, " \r\n", "nothing"},
		{"envelope with a wrong type", html, `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>a:ErrorServerBusy</faultcode><faultstring>x</faultstring></s:Fault></s:Body></s:Envelope>`, "EWS ErrorServerBusy"},
		{"other XML", xml, "<a/>", "problem"},
		{"text", "text/plain", "Access denied", "problem"},
		{"bomb", xml, `<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`, "problem, unreadable"},
	}
	for _, c := range cases {
		item := evidence.Item{Response: &evidence.Response{Headers: [][2]string{{"Content-Type", c.contentType}}}}
		(&Client{Recorder: &Recorder{}}).read(&item, []byte(c.body), false)
		got := "nothing"
		switch p := item.Response.Page; {
		case p != nil && p.PasswordField:
			got = fmt.Sprintf("page %q password", p.Title)
		case p != nil:
			got = fmt.Sprintf("page %q", p.Title)
		case item.EWS.Answered():
			got = "EWS " + item.EWS.Code
		case item.EWS != nil && item.EWS.Unreadable:
			got = "problem, unreadable"
		case item.EWS != nil:
			got = "problem"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestBodies: how much is kept of a body, and when.
func TestBodies(t *testing.T) {
	read := func(body string, credential, oversized bool) evidence.Item {
		item := evidence.Item{Response: &evidence.Response{Oversized: oversized}}
		(&Client{Recorder: &Recorder{}}).read(&item, []byte(body), credential)
		return item
	}
	long := strings.Repeat("x", evidence.BodyKept+1)
	if r := read(long, false, false).Response; len(r.Body) != evidence.BodyKept || r.Withheld != "" {
		t.Errorf("%d bytes are kept", len(r.Body))
	}
	if r := read("a\xffb", false, false).Response; r.Body != "a\uFFFDb" {
		t.Errorf("%q", r.Body)
	}
	if r := read(long, true, false).Response; r.Body != "" || r.Withheld == "" {
		t.Errorf("after a credential: %+v", r)
	}
	if r := read("", true, false).Response; r.Body != "" || r.Withheld != "" {
		t.Errorf("nothing after a credential: %+v", r)
	}
	if item := read(long, false, true); item.EWS == nil || !item.EWS.Detail.Is("answer-too-long") {
		t.Errorf("oversized: %+v", item.EWS)
	}
}

// TestLongPages: a page that is one beginning after the other takes no longer
// than any other. It is a test of ending, with room for a slow machine.
func TestLongPages(t *testing.T) {
	for _, piece := range []string{"<input ", "<input type=", "<title", "<title>", "<", "<!--", "<input type=password ", "x"} {
		body := []byte("<html>" + strings.Repeat(piece, evidence.BodyRead/len(piece)))
		start := time.Now()
		item := evidence.Item{Response: &evidence.Response{}}
		(&Client{Recorder: &Recorder{}}).read(&item, body, true)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%q took %v", piece, took)
		}
	}
}

// A text of a service is cut after it was cleaned: what is left of a secret at the
// cut is too little to be found.
func TestShortCutsNoSecret(t *testing.T) {
	r := NewRecorder(nil, nil)
	r.Tokens.AddText("a-client-secret-of-entra")
	said := strings.Repeat("x", 90) + "a-client-secret-of-entra"
	for _, most := range []int{95, 100, 110} {
		if got := r.Short(said, most); got != secret.Withheld {
			t.Errorf("%d: %q", most, got)
		}
	}
	if got := r.Short("häß\x00lich "+strings.Repeat("ä", 40), 14); got != "häß lich ä…" {
		t.Errorf("%q", got)
	}
}
