package main

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/redact"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// conclusions are what a report comes to, without its words.
func conclusions(r report.Report) []string {
	v := r.Verdict
	list := []string{fmt.Sprint(v.Code, " ", v.Status, " ", v.Cause, " ", v.Confidence, " ", v.Reason)}
	for _, f := range r.Findings {
		list = append(list, fmt.Sprint(f.Code, " ", f.Status, " ", f.Confidence, " ", f.Evidence))
	}
	for _, c := range r.Causes {
		list = append(list, fmt.Sprint(c.Number, " ", c.Status, " ", c.Evidence))
	}
	return list
}

// identifying are the names of the stand-in and its people, wherever they occur;
// of loopback addresses and of Microsoft's own names there is nothing to hide.
var identifying = regexp.MustCompile(`(?i)contoso|fabrikam|svc-crm|\banna\b|\bex0\d\b|11111111-|22222222-`)

// Every scenario without its names comes to the same, and is read back.
func TestRedactedScenarios(t *testing.T) {
	slow(t)
	for _, s := range standin.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			rec := recordOf(t, s)
			shown := report.New(redact.New().Record(rec), version())
			want := conclusions(report.New(rec, version()))
			if diff := cmp.Diff(want, conclusions(shown)); diff != "" {
				t.Errorf("it comes to something else (-whole +redacted):\n%s", diff)
			}
			saved, err := shown.JSON()
			if err != nil {
				t.Fatal(err)
			}
			again, err := report.Load(saved)
			if err != nil {
				t.Fatalf("it cannot be read again: %v", err)
			}
			if diff := cmp.Diff(want, conclusions(report.New(again, version()))); diff != "" {
				t.Errorf("saved and judged again:\n%s", diff)
			}
			for _, f := range report.FormatNames() {
				out, err := shown.Render(f, report.Style{})
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range identifying.FindAllIndex(out, 5) {
					t.Errorf("as %s it shows %q", f, out[max(0, m[0]-50):min(len(out), m[1]+20)])
				}
			}
		})
	}
}

// canaries runs a check with --redact and every output there is, and looks for
// the texts in all of them.
func canaries(t *testing.T, l line, texts *regexp.Regexp) {
	t.Helper()
	state := t.TempDir()
	flags := []string{"--redact", "-vv", asJSON}
	for _, e := range report.Extensions() {
		flags = append(flags, "--save="+filepath.Join(state, "report"+e))
	}
	got := program{state: state}.run(t, l.args(t, flags...)...)
	outputs := map[string]string{"standard output": got.out, "standard error": got.err}
	walkFiles(t, state, func(name string, content []byte) {
		if base := filepath.Base(name); strings.HasPrefix(base, "report") {
			outputs[base] = string(content)
		}
	})
	if len(outputs) != 2+len(report.Extensions()) {
		t.Errorf("only %d outputs", len(outputs))
	}
	rec, err := report.Load([]byte(got.out))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"text", "nagios"} {
		out, err := report.New(rec, version()).Render(f, report.Style{})
		if err != nil {
			t.Fatal(err)
		}
		outputs[f] = string(out)
	}
	for name, text := range outputs {
		if text == "" {
			t.Errorf("%s is empty", name)
		}
		for _, m := range texts.FindAllStringIndex(text, 3) {
			t.Errorf("%s: %q", name, text[max(0, m[0]-60):min(len(text), m[1]+30)])
		}
	}
	// What was seen without --redact comes to the same.
	var told struct {
		Verdict struct{ Code, Status, Confidence string }
	}
	if err := json.Unmarshal([]byte(got.out), &told); err != nil {
		t.Fatal(err)
	}
	plain := program{}.run(t, l.args(t, asJSON)...)
	if !texts.MatchString(plain.out) {
		t.Error("without --redact there is nothing to find either")
	}
	whole := plain.report(t)
	if whole.Verdict.Code != told.Verdict.Code || whole.Verdict.Status != told.Verdict.Status || whole.Verdict.Confidence != told.Verdict.Confidence {
		t.Errorf("redacted it is %+v, else %+v", told.Verdict, whole.Verdict)
	}
}

// A server that says canaries in every place where it can say something.
func TestCanariesOfAServer(t *testing.T) {
	slow(t)
	const c = "Canary7"
	words := regexp.MustCompile(`(?i)canary|q2fuyxj5|contoso|svc-crm|anna`)
	names := []string{
		"X-FEServer: " + c, "Server: " + c + "/1.0", "X-" + c + ": x", "X-Other: " + c, "Set-Cookie: " + c + "=" + c, "Via: 1.1 " + c + ".example", "X-BEServer: " + c, "X-DiagInfo: " + c,
		"X-CalculatedBETarget: " + c + ".corp.example", "X-OWA-Version: " + c, "x-ms-diagnostics: 4000000;reason=\"" + c + "\"", "request-id: ca7a4700-0000-4000-8000-ca7a47000007", "Content-Language: " + c,
		"X-EWS-Policy-Reason-Not: " + c, "X-User-Identity: " + c + "@" + c + ".example", "X-BackEndCookie: S-1-5-21-7007-7007-7007-7007", "Retry-After: " + c,
	}
	challenges := []string{
		"WWW-Authenticate: Basic realm=\"" + c + "\"", "WWW-Authenticate: NTLM", "WWW-Authenticate: Negotiate", "WWW-Authenticate: " + c + " " + c + "=" + c,
		"WWW-Authenticate: Bearer client_id=\"" + c + "\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@" + c + "\", " + c + "=\"" + c + "\", authorization_uri=\"https://" + c + ".example/" + c + "\"",
	}
	question := http1("401 "+c, c, slices.Concat(challenges, names, []string{"Content-Type: text/plain"})...)
	typeTwoOf := http1("401 "+c, "", append([]string{"WWW-Authenticate: NTLM " + base64.StdEncoding.EncodeToString(typeTwo(c))}, names...)...)
	soap := func(code string) string {
		return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">a:` + code + `</faultcode><faultstring>` + c + ` at ` + c + `.example for ` + c + `@` + c + `.example</faultstring>` +
			`<detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` + code + `</e:ResponseCode><e:Message xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` + c + `</e:Message></detail></s:Fault></s:Body></s:Envelope>`
	}
	for name, end := range map[string][]byte{
		"refused":            question,
		"fault":              http1("500 "+c, soap("ErrorAccessDenied"), append(names, "Content-Type: text/xml")...),
		"unknown code":       http1("500 "+c, soap("Error"+c), append(names, "Content-Type: text/xml")...),
		"page":               http1("403 "+c, "<html><head><title>"+c+"</title></head><body>"+c+"<input type=password></body></html>", append(names, "Content-Type: text/html; "+c)...),
		"not found":          http1("404 "+c, "<html><title>"+c+"</title></html>", append(names, "Content-Type: text/html")...),
		"redirect":           http1("302 "+c, "", append(names, "Location: https://"+c+".example:8443/"+c+"?"+c+"="+c+"#"+c)...),
		"sign-in page":       http1("302 "+c, "", append(names, "Location: https://"+c+".example/adfs/ls/?wa=wsignin1.0&"+c+"="+c)...),
		"no HTTP":            []byte(c + " " + c + "\r\n\r\n"),
		"broken header":      []byte("HTTP/1.1 401 " + c + "\r\n" + c + "\r\n\r\n"),
		"broken length":      []byte("HTTP/1.1 401 X\r\nContent-Length: " + c + "\r\n\r\n"),
		"broken protocol":    []byte("HTTP/" + c + " 401 X\r\n\r\n"),
		"broken encoding":    []byte("HTTP/1.1 401 X\r\nTransfer-Encoding: " + c + "\r\n\r\n"),
		"document type":      http1("200 "+c, "<!DOCTYPE "+c+" SYSTEM \""+c+"\"><"+c+"/>", "Content-Type: text/xml"),
		"other XML":          http1("200 "+c, "<"+c+" xmlns=\""+c+"\">"+c+"</"+c+">", "Content-Type: text/xml"),
		"throttled":          http1("503 "+c, c, append(names, "Retry-After: "+c)...),
		"no scheme":          http1("401 "+c, c, names...),
		"forbidden at logon": http1("403 "+c, c, names...),
	} {
		for _, moment := range []string{"first", "after the logon"} {
			t.Run(name+"/"+moment, func(t *testing.T) {
				t.Parallel()
				s := answering(t, func(q rawRequest) ([]byte, bool) {
					switch {
					case q.is("NTLM", 1), q.is("Negotiate", 1):
						return typeTwoOf, true
					case moment == "first", q.is("Basic", 0), q.is("NTLM", 3):
						return end, true // one that closes without a word may be seen too late (signin.SettleTime)
					}
					return question, true
				})
				check := goodCheck
				check.Mailbox, check.Impersonate, check.Timeout = "anna@contoso.com", true, 4*time.Second
				canaries(t, s.line(check), words)
			})
		}
	}
	// A certificate in other names, which is not trusted.
	t.Run("certificate", func(t *testing.T) {
		t.Parallel()
		key, template := newKey(), certificate(c)
		template.Subject.Organization, template.DNSNames, template.EmailAddresses = []string{c}, []string{c + ".example", "*." + c + ".example"}, []string{c + "@" + c + ".example"}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		s := listen(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1)) // the handshake
		})
		check := goodCheck
		canaries(t, s.line(check), words)
	})
}

// What the stand-in repeats of a request, and all that its own scenarios say.
func TestCanariesOfTheStandIn(t *testing.T) {
	slow(t)
	for _, b := range []struct {
		name  string
		b     standin.Behaviour
		check standin.Check
	}{
		{"echo", func() standin.Behaviour { b := everyScheme; b.Echo = true; return b }(), wrongCheck},
		{"echo, accepted", func() standin.Behaviour { b := everyScheme; b.Echo = true; return b }(), goodCheck},
	} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			canaries(t, lineTo(begin(t, b.b, standin.Options{}), b.check), identifying)
		})
	}
	for _, name := range []string{"user-recreated", "tenant-differs", "explain-locked", "autodiscover-elsewhere", "profile-at-online", "farm", "exchange-online-retired", "remote-mailbox"} {
		s, ok := standin.Find(name)
		if !ok {
			t.Fatalf("there is no scenario %s", name)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			canaries(t, lineTo(begin(t, s.Behaviour, standin.Options{}), s.Check), identifying)
		})
	}
}
