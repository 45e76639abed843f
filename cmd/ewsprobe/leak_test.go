package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// Promise 2: the password, and anything it can be got back from, is in no output.

// spellings are the forms in which a text may come back, by name.
func spellings(secret string) map[string]string {
	wide := make([]byte, 0, 2*len(secret))
	for _, u := range utf16.Encode([]rune(secret)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	escaped, _ := json.Marshal(secret)
	forms := map[string]string{
		"plain": secret, "percent": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"html": html.EscapeString(secret), "json": strings.Trim(string(escaped), `"`), "wide": string(wide),
	}
	for name, form := range binarySpellings([]byte(secret)) {
		forms[name] = form
	}
	for name, form := range binarySpellings(wide) {
		forms["wide "+name] = form
	}
	return forms
}

// binarySpellings are hexadecimal, and base64 at each of its three alignments
// without the characters that depend on what stands beside.
func binarySpellings(secret []byte) map[string]string {
	forms := map[string]string{"hex": hex.EncodeToString(secret), "HEX": strings.ToUpper(hex.EncodeToString(secret))}
	for shift := range 3 {
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		text = text[(shift*8+5)/6:]
		if (shift+len(secret))%3 != 0 {
			text = text[:len(text)-1]
		}
		forms[fmt.Sprintf("base64 +%d", shift)] = text
		forms[fmt.Sprintf("base64url +%d", shift)] = strings.NewReplacer("+", "-", "/", "_").Replace(text)
	}
	return forms
}

// secretsOf are what may be in no output after these requests were sent: the
// password, Basic's value, and of every type 3 message the whole, the responses
// and NTProofStr.
func secretsOf(user, password string, sent []rawRequest) map[string]string {
	secrets := map[string]string{}
	add := func(name string, forms map[string]string) {
		for form, text := range forms {
			if len(text) >= 6 {
				secrets[name+", "+form] = text
			}
		}
	}
	add("password", spellings(password))
	add("user:password", spellings(user+":"+password))
	for i, q := range sent {
		_, token, _ := strings.Cut(q.authorization, " ")
		message := decode(token)
		if !q.is("NTLM", 3) && !q.is("Negotiate", 3) || len(message) < 28 {
			continue
		}
		name := fmt.Sprintf("type 3 of request %d", i+1)
		secrets[name+", value"] = token
		secrets[name+", hex"] = hex.EncodeToString(message)
		length, offset := int(binary.LittleEndian.Uint16(message[20:])), int(binary.LittleEndian.Uint32(message[24:]))
		response := message[offset:][:length]
		add(name+", NT response", binarySpellings(response))
		add(name+", NTProofStr", binarySpellings(response[:16]))
	}
	return secrets
}

// silent runs the program in every manner of telling, and looks for secrets in
// every stream and every file it leaves.
func silent(t *testing.T, args []string, secrets func() map[string]string) {
	t.Helper()
	for _, manner := range [][]string{
		{"--format=json", "-vv"},
		{"--format=text", "-v", "-v", "--save=report.json", "--save=report.html", "--save=report.xml", "--save=report.md", "--save=report.csv"},
	} {
		state := t.TempDir()
		flags := slices.Clone(manner)
		for i, f := range flags {
			if name, ok := strings.CutPrefix(f, "--save="); ok {
				flags[i] = "--save=" + filepath.Join(state, name)
			}
		}
		full := slices.Concat(args[:1], flags, args[1:])
		got := program{state: state}.run(t, full...)
		texts := map[string]string{"standard output": got.out, "standard error": got.err}
		walkFiles(t, state, func(name string, content []byte) { texts[filepath.Base(name)] = string(content) })
		if got.out == "" || got.err == "" {
			t.Errorf("%v: nothing was told\n%s%s", manner, got.out, got.err)
		}
		for where, text := range texts {
			folded := strings.ToLower(text)
			for name, secret := range secrets() {
				if strings.Contains(folded, strings.ToLower(secret)) {
					t.Errorf("%v: %s holds the %s: %q", manner, where, name, secret)
				}
			}
		}
	}
}

// What was really sent is looked for, whatever the server makes of it.
func TestNoLeak(t *testing.T) {
	slow(t)
	echo := func(b standin.Behaviour) standin.Behaviour {
		b.Echo = true
		return b
	}
	bridged := echo(windowsOnly)
	bridged.BasicRefuses, bridged.NTLMRefuses = true, true
	ntlm := func(c standin.Check) standin.Check {
		c.ProfileAuth = "ntlm"
		return c
	}
	impersonating := goodCheck
	impersonating.Mailbox, impersonating.Impersonate = standin.Mailbox, true
	refusing := everyScheme
	refusing.NTLMRefuses = true
	strange := standin.Check{User: standin.UPN, Password: `p ä"ss<w>&ö\rd%41+/=|€`}
	discovering := func(b standin.Behaviour) standin.Behaviour {
		b.Autodiscover = standin.AutodiscoverSettings
		return b
	}
	asking := func(c standin.Check) standin.Check {
		c.Autodiscover = true
		return c
	}
	for _, test := range []struct {
		name      string
		behaviour standin.Behaviour
		check     standin.Check
	}{
		{"accepted", everyScheme, impersonating},
		{"refused", everyScheme, wrongCheck},
		{"echo, accepted", echo(everyScheme), goodCheck},
		{"echo, refused", echo(everyScheme), wrongCheck},
		{"echo, refused, a strange password", echo(everyScheme), strange},
		{"echo, ntlm", echo(windowsOnly), ntlm(goodCheck)},
		{"echo, ntlm refused", echo(windowsOnly), ntlm(wrongCheck)},
		{"echo, ntlm refused by configuration", bridged, ntlm(goodCheck)},
		{"echo, comparisons", echo(refusing), goodCheck},
		{"echo, Basic refuses", echo(standin.Behaviour{NTLM: true, Basic: true, BasicRefuses: true}), goodCheck},
		{"echo, Negotiate", echo(standin.Behaviour{Negotiate: true}), standin.Check{User: standin.User, Password: standin.Password, ProfileAuth: "negotiate"}},
		{"Autodiscover", discovering(everyScheme), asking(impersonating)},
		{"Autodiscover, refused", discovering(everyScheme), asking(wrongCheck)},
		{"echo, Autodiscover", echo(discovering(everyScheme)), asking(impersonating)},
		{"echo, Autodiscover, refused", echo(discovering(everyScheme)), asking(wrongCheck)},
		{"echo, Autodiscover, a strange password", echo(discovering(everyScheme)), asking(strange)},
		{"echo, the connection is dropped", standin.Behaviour{Negotiate: true, NTLM: true, Basic: true, Echo: true, Handshake: standin.HandshakeOtherNode}, goodCheck},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			front := tapped(t, test.behaviour)
			silent(t, front.line(test.check).args(t), func() map[string]string {
				return secretsOf(test.check.User, test.check.Password, front.requests())
			})
			if len(logons(front.behind.View())) == 0 {
				t.Error("no logon was made: this shows nothing")
			}
		})
	}
}

// A server that has learnt the password says it everywhere from then on: in the
// status line, in header names, in redirects, in waiting times, in pages and
// faults, in the challenge of the next handshake, and in its certificate.
func TestNoLeakFromAServerThatKnows(t *testing.T) {
	slow(t)
	const user, password = standin.UPN, standin.Password
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	fault := func(code, text string) string {
		return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><h:ServerVersionInfo xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types" MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="11" Version="` + text + `"/></s:Header><s:Body><s:Fault><faultcode>` + code + `</faultcode><faultstring>` + text + `</faultstring><detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` + code + `</e:ResponseCode><e:Message xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">` + text + `</e:Message></detail></s:Fault></s:Body></s:Envelope>`
	}
	question := http1("401 Unauthorized", "", "WWW-Authenticate: NTLM", `WWW-Authenticate: Basic realm="r"`)
	for _, secret := range []string{password, basic, hex.EncodeToString([]byte(password))} {
		for name, reply := range map[string][]byte{
			"reason phrase":  http1("401 "+secret, ""),
			"header name":    http1("401 Unauthorized", "", "X-"+strings.NewReplacer("=", "", "!", "", "+", "", "%", "").Replace(secret)+": 1", "X-Both: "+secret),
			"scheme":         http1("401 Unauthorized", "", "WWW-Authenticate: "+secret, "WWW-Authenticate: Digest "+secret+`="1"`),
			"redirect":       http1("302 Found", "", "Location: https://mail.contoso.com/owa/auth/logon.aspx?p="+secret),
			"other redirect": http1("301 Moved", "", "Location: https://"+strings.Trim(secret, "=")+".example/"),
			"waiting time":   http1("503 Busy", "", "Retry-After: "+secret),
			"page":           http1("200 OK", "<html><head><title>"+secret+"</title></head><body>"+secret+`<input type="password"></body></html>`, "Content-Type: text/html"),
			"other page":     http1("404 Gone", "<html><head><title>"+secret+"</title></head></html>", "Content-Type: text/html"),
			"fault":          http1("500 Error", fault("ErrorAccessDenied", secret), "Content-Type: text/xml"),
			"fault code":     http1("500 Error", fault(secret, "no"), "Content-Type: text/xml"),
			"bomb":           http1("200 OK", "<!DOCTYPE "+secret+"><a/>", "Content-Type: text/xml"),
			"no HTTP":        []byte(secret + "\r\n\r\n"),
			"no header":      []byte("HTTP/1.1 401 Unauthorized\r\n" + secret + "\r\n\r\n"),
			"length":         []byte("HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n"),
			"encoding":       []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + secret + "\r\n\r\n"),
			"protocol":       []byte("HTTP/" + secret + " 200 OK\r\n\r\n"),
			"chunks":         []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n"),
			"front end":      http1("401 Unauthorized", "", "X-FEServer: "+secret, "Server: "+secret, "X-OWA-Version: "+secret, "Via: "+secret, "Set-Cookie: "+secret+"=1", "x-ms-diagnostics: "+secret),
		} {
			t.Run(name+"/"+secret[:4], func(t *testing.T) {
				t.Parallel()
				s := answering(t, func(q rawRequest) ([]byte, bool) {
					if q.is("Basic", 0) {
						return reply, false
					}
					return question, true
				})
				silent(t, s.line(goodCheck).args(t), func() map[string]string { return secretsOf(user, password, s.requests()) })
			})
		}
	}

	// A spelling that nobody has thought of: what such a server says at length is
	// not kept at all.
	t.Run("in a way of its own", func(t *testing.T) {
		t.Parallel()
		odd := strings.NewReplacer("s", "5", "w", "vv", "o", "()").Replace(password)
		s := answering(t, func(q rawRequest) ([]byte, bool) {
			if q.is("Basic", 0) {
				return http1("401 Unauthorized", "<p>"+odd+"</p>", "Content-Type: text/html"), false
			}
			return question, true
		})
		silent(t, s.line(goodCheck).args(t), func() map[string]string { return map[string]string{"password in disguise": odd} })
	})

	// What was said on other connections afterwards.
	knows := func(s string) string { return "NTLM " + base64.StdEncoding.EncodeToString(typeTwo(s)) }
	for name, later := range map[string][]byte{
		"names in the challenge":   http1("401 Unauthorized", "", "WWW-Authenticate: "+knows(password), "X-Said: "+password),
		"instead of the challenge": http1("401 "+password, password, "WWW-Authenticate: NTLM "+basic, "X-Said: "+basic),
		"no HTTP":                  []byte(password + " is no HTTP\r\n\r\n"),
		"a header without a colon": []byte("HTTP/1.1 401 Unauthorized\r\n" + password + "\r\n\r\n"),
		"a page":                   http1("403 Forbidden", "<html><title>"+password+"</title>"+basic+"</html>", "Content-Type: text/html"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fresh := http1("401 Unauthorized", "", "WWW-Authenticate: "+knows("EX01"))
			answer := http1("200 OK", findCapture(t, "sp-017").Body, "Content-Type: text/xml; charset=utf-8")
			connections := map[int]bool{}
			var s *rawServer
			s = answering(t, func(q rawRequest) ([]byte, bool) {
				known := false
				for _, before := range s.requests() {
					known = known || before.is("Basic", 0)
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				switch {
				case q.is("Basic", 0):
					return answer, true
				case q.is("NTLM", 1) && !known:
					connections[q.connection] = true
					return fresh, false // so that a second handshake follows the Basic logon
				case q.is("NTLM", 1):
					return later, true
				}
				return question, true
			})
			silent(t, s.line(goodCheck).args(t), func() map[string]string { return secretsOf(user, password, s.requests()) })
		})
	}
}

// typeTwo is an NTLM challenge in which every name is the same.
func typeTwo(name string) []byte {
	var wide []byte
	for _, u := range utf16.Encode([]rune(name)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	var info []byte
	for _, id := range []uint16{2, 1, 4, 3, 5} {
		info = binary.LittleEndian.AppendUint16(info, id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(wide)))
		info = append(info, wide...)
	}
	info = append(info, 0, 0, 0, 0)
	m := append([]byte("NTLMSSP\x00\x02\x00\x00\x00"), make([]byte, 44)...)
	field := func(at, length, offset int) {
		binary.LittleEndian.PutUint16(m[at:], uint16(length))
		binary.LittleEndian.PutUint16(m[at+2:], uint16(length))
		binary.LittleEndian.PutUint32(m[at+4:], uint32(offset))
	}
	field(12, len(wide), len(m))
	binary.LittleEndian.PutUint32(m[20:], 0xa2898205)
	copy(m[24:], "challeng")
	field(40, len(info), len(m)+len(wide))
	return append(append(m, wide...), info...)
}

// What a user types where it does not belong is not repeated either.
func TestNoLeakOfWhatIsTyped(t *testing.T) {
	slow(t)
	const secret = "S3cret-in-the-wrong-place"
	lines := save(t, "lines.txt", []byte("first\n"+secret+"\n"))
	tab := save(t, "tab.txt", []byte(secret+"\twith a tab\n"))
	odd := save(t, "odd.txt", append([]byte{0xff, 0xfe}, secret...)) // UTF-16 that ends inside a character
	latin := save(t, "latin.txt", []byte(secret+"\xe4\xf6"))
	record := save(t, "record.json", []byte(`{"schema":"`+secret+`","password":"`+secret+`"}`))
	notJSON := save(t, "password.json", []byte(secret))
	for name, p := range map[string]struct {
		program
		args []string
	}{
		"in the URL":           {args: []string{"check", "https://svc-crm:" + secret + "@mail.contoso.com/"}},
		"in a URL that breaks": {args: []string{"check", "https://svc-crm:" + secret + "%zz@mail.contoso.com:x/"}},
		"before the host":      {args: []string{"check", "svc-crm:" + secret + "@mail.contoso.com"}},
		"with ftp":             {args: []string{"check", "ftp://svc-crm:" + secret + "@mail.contoso.com/"}},
		"without a scheme":     {args: []string{"check", "svc-crm:" + secret + "@mail.contoso.com/EWS"}},
		"in the proxy's URL":   {args: []string{"check", "--proxy", "http://u:" + secret + "@proxy:8080", "--no-credentials", "mail.contoso.com"}},
		"in a broken proxy":    {args: []string{"check", "--proxy", "u:" + secret + "@proxy:80 80", "--no-credentials", "mail.contoso.com"}},
		"with a flag":          {args: []string{"check", "--password", secret, "mail.contoso.com"}},
		"with a flag and =":    {args: []string{"check", "--password=" + secret, "mail.contoso.com"}},
		"with -p":              {args: []string{"check", "-p", secret, "mail.contoso.com"}},
		"after the target":     {args: []string{"check", "mail.contoso.com", "--password=" + secret}},
		"as an argument":       {args: []string{"check", "--user", "u", "mail.contoso.com", secret}},
		"in the user's name":   {args: []string{"check", "--user", "svc-crm:" + secret, "mail.contoso.com"}},
		"as a second line":     {args: []string{"check", "--user", "u", "--password-file", lines, "mail.contoso.com"}},
		"with a tab":           {args: []string{"check", "--user", "u", "--password-file", tab, "mail.contoso.com"}},
		"as odd UTF-16":        {args: []string{"check", "--user", "u", "--password-file", odd, "mail.contoso.com"}},
		"as Latin-1":           {args: []string{"check", "--user", "u", "--password-file", latin, "mail.contoso.com"}},
		"in the environment":   {program: program{env: []string{"EWSPROBE_PASSWORD=" + secret + "\x01"}}, args: []string{"check", "--user", "u", "mail.contoso.com"}},
		"on standard input":    {program: program{stdin: secret + "\nmore\n"}, args: []string{"check", "--user", "u", "--password-file=-", "mail.contoso.com"}},
		"in a record":          {args: []string{"diagnose", record}},
		"as a record":          {args: []string{"diagnose", notJSON}},
	} {
		for _, format := range []string{"", asJSON} {
			t.Run(name+format, func(t *testing.T) {
				t.Parallel()
				args := p.args
				if format != "" {
					args = slices.Insert(slices.Clone(args), 1, format)
				}
				got := p.run(t, args...)
				if got.exit != 3 || strings.Count(got.err, "\n") != 1 {
					t.Errorf("exit %d, standard error %q", got.exit, got.err)
				}
				if name == "in a record" {
					return // the schema's name is shown: it is no secret
				}
				for form, text := range spellings(secret) {
					if strings.Contains(got.out+got.err, text) {
						t.Errorf("it is repeated (%s):\n%s%s", form, got.out, got.err)
					}
				}
			})
		}
	}
}
