package signin

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// What a balancer sets goes back with every request; what is set in answer to a
// credential goes back with the calls of that sign-in alone; the record has no
// value of either.
func TestCookiesGoBack(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var got []string
		for _, c := range r.Cookies() {
			got = append(got, c.Name+"="+c.Value)
		}
		seen = append(seen, strings.Join(got, " "))
		if r.Header.Get("Authorization") == "" {
			w.Header().Add("Set-Cookie", "node=one-of-two; path=/; Secure; HttpOnly")
			w.Header().Add("Set-Cookie", "elsewhere=x; path=/owa")
			w.Header().Add("Set-Cookie", "gone=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Add("Set-Cookie", "session=signed-in-by-device; domain=example.com")
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(w, fault)
	}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := &ews.Client{
		URL: &url.URL{Scheme: "https", Host: "example.com", Path: "/EWS/Exchange.asmx"}, Address: server.Listener.Addr().String(), Cookies: &wire.Cookies{},
		Dialer:   &wire.Dialer{Host: "example.com", TLS: true, Roots: roots},
		Recorder: ews.NewRecorder(&secret.Vault{}, nil), Credential: ews.Credential{User: `CONTOSO\me`, Password: "Passw0rd!good"},
	}
	b := &bench{Client: c}
	_, conn := c.Anonymous(bounded(t), agent, evidence.StepAnonymous)
	conn.Close()
	b.basic(t, nil, evidence.Logon{})
	b.basic(t, nil, evidence.Logon{})
	b.follow.Ask(bounded(t), ews.Question{Purpose: evidence.OwnInbox}, b)
	_, conn = c.Anonymous(bounded(t), agent, evidence.StepAnonymous)
	conn.Close()
	want := []string{"", "node=one-of-two", "node=one-of-two", "session=signed-in-by-device node=one-of-two", "node=one-of-two"}
	if got := strings.Join(seen, ", "); got != strings.Join(want, ", ") {
		t.Errorf("the server got %q", seen)
	}
	encoded, err := evidence.Encode(c.Recorder.Items())
	if err != nil || strings.Contains(string(encoded), "one-of-two") || strings.Contains(string(encoded), "signed-in-by") || !strings.Contains(string(encoded), "2 set by this server, values not kept") {
		t.Errorf("%v: %s", err, encoded)
	}
}

// Of an answer to a credential nothing is kept that is not on the list, whatever a
// server writes where.
func TestOnlyListedFieldsAreKept(t *testing.T) {
	const secret = "n0-spelling-that-a-vault-knows"
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-Anything", "ETag", "Link", secret} {
			w.Header().Set(name, secret)
		}
		w.Header().Set("Location", "https://mail.contoso.com/owa/auth/logon.aspx?url="+secret+"#"+secret)
		w.Header()["WWW-Authenticate"] = []string{`Basic realm="` + secret + `"`, "Negotiate " + secret, secret, `Bearer error="` + secret + `"`}
		w.Header().Set("X-FEServer", "EX01")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := &ews.Client{
		URL: &url.URL{Scheme: "https", Host: "example.com", Path: "/EWS/Exchange.asmx"}, Address: server.Listener.Addr().String(),
		Dialer: &wire.Dialer{Host: "example.com", TLS: true, Roots: roots}, Recorder: ews.NewRecorder(nil, nil), Credential: ews.Credential{User: "me", Password: "x"},
	}
	item := (&bench{Client: c}).basic(t, nil, evidence.Logon{})
	encoded, err := evidence.Encode(item)
	if err != nil || strings.Contains(strings.ToLower(string(encoded)), secret) {
		t.Errorf("%v: %s", err, encoded)
	}
	if got := strings.Join(item.Response.Header("WWW-Authenticate"), ", "); got != "Basic, Negotiate, unknown, Bearer" {
		t.Errorf("schemes %q", got)
	}
	if item.Response.First("Location") != "https://mail.contoso.com/owa/auth/logon.aspx" || item.Response.First("X-FEServer") != "EX01" {
		t.Errorf("%q", item.Response.Headers)
	}
}
