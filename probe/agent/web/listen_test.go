package web

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// webConfig writes a web_config with TLS, a user if there is one, and more lines.
func webConfig(t *testing.T, user, password, more string) string {
	t.Helper()
	dir := t.TempDir()
	borrowed := httptest.NewTLSServer(nil)
	borrowed.Close()
	pair := borrowed.TLS.Certificates[0]
	write := func(name, kind string, der []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("cert.pem", "CERTIFICATE", pair.Certificate[0])
	write("key.pem", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(pair.PrivateKey)))
	text := "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n" + more
	if user != "" {
		text += fmt.Sprintf("basic_auth_users: {%s: %s}\n", user, must(bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)))
	}
	name := filepath.Join(dir, "web.yml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// listening is the address of a server that listens on loopback until the test ends,
// and how to end it before.
func listening(t *testing.T, config string) (address string, end func() error) {
	t.Helper()
	s, _, _ := started(t, func(_ *fakeAgent, _ *fakeHistory, o *Options) { o.WebConfig = config })
	ctx, cancel := context.WithCancel(t.Context())
	at, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- s.Serve(ctx, "127.0.0.1:0", func(address string) { at <- address }) }()
	end = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { _ = end() })
	select {
	case address = <-at:
	case err := <-ended:
		t.Fatal(err)
	}
	return address, end
}

// With users every path asks for one, on loopback too, but the one that says that the
// agent lives.
func TestUsers(t *testing.T) {
	address, _ := listening(t, webConfig(t, "anna", "s3cret", "http_server_config: {headers: {Content-Security-Policy: \"default-src *\"}}\n"))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	ask := func(method, path, user, password string) *http.Response {
		r := must(http.NewRequest(method, "https://"+address+path, nil))
		if user != "" {
			r.SetBasicAuth(user, password)
		}
		response := must(client.Do(r))
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		return response
	}
	s, _, _ := started(t, nil)
	for _, r := range s.routes() {
		path := filled(r.path)
		for _, one := range []struct {
			user, password string
			refused        bool
		}{{"", "", true}, {"anna", "wrong", true}, {"otto", "s3cret", true}, {"anna", "s3cret", false}} {
			got := ask(r.method, path, one.user, one.password)
			if refused := got.StatusCode == http.StatusUnauthorized; refused != (one.refused && path != "/healthz") {
				t.Errorf("%s %s as %q: %d", r.method, path, one.user, got.StatusCode)
			}
			if policy := got.Header.Get("Content-Security-Policy"); !one.refused && !strings.HasPrefix(policy, "default-src 'none'") {
				t.Errorf("%s: %s", path, policy)
			}
		}
	}
	if got := ask(http.MethodGet, "/none", "", ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a path that is not there, without a user: %d", got.StatusCode)
	}
	if got, err := http.Get("http://" + address + "/targets/mail-inside"); err == nil && got.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %d", got.StatusCode)
	}
}

// What ends the agent ends the listener, and a request that never ends does not hold
// it up for long.
func TestServeEnds(t *testing.T) {
	address, end := listening(t, "")
	response := must(http.Get("http://" + address + "/healthz"))
	if raw := must(io.ReadAll(response.Body)); response.StatusCode != http.StatusOK || string(raw) != "ok\n" {
		t.Errorf("%d %s", response.StatusCode, raw)
	}
	response.Body.Close()
	slow := must(net.Dial("tcp", address))
	defer slow.Close()
	fmt.Fprint(slow, "POST /api/v1/targets/mail-inside/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	if line, err := bufio.NewReader(slow).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q %v", line, err) // the handler waits for the body
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("it still listens")
	}
}

func TestWhereToListen(t *testing.T) {
	good := webConfig(t, "anna", "x", "")
	broken := webConfig(t, "", "", "unknown_key: 1\n")
	plain := filepath.Join(t.TempDir(), "plain.yml")
	if err := os.WriteFile(plain, []byte("basic_auth_users: {anna: s3cret}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		address, config string
		wrong           string // a part of what is said
	}{
		{"127.0.0.1:9719", "", ""},
		{"[::1]:9719", "", ""},
		{"localhost:9719", "", ""},
		{"0.0.0.0:9719", good, ""},
		{"127.0.0.1:9719", good, ""},
		{":9719", "", "web_config"},
		{"0.0.0.0:9719", "", "web_config"},
		{"[::]:9719", "", "web_config"},
		{"192.0.2.1:9719", "", "web_config"},
		{"agent.contoso.com:9719", "", "web_config"},
		{"9719", "", "HOST:PORT"},
		{"127.0.0.1:9719", broken, "unknown_key"},
		{"127.0.0.1:9719", plain, "bcrypt"},
		{"127.0.0.1:9719", filepath.Join(t.TempDir(), "none"), "no such file"},
	} {
		err := Validate(one.address, one.config)
		if (err == nil) != (one.wrong == "") || err != nil && !strings.Contains(err.Error(), one.wrong) {
			t.Errorf("%s with %q: %v", one.address, one.config, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error has a password: %v", err)
		}
	}
	tlsOn, users, err := About(good)
	if !tlsOn || !users || err != nil {
		t.Errorf("%v %v %v", tlsOn, users, err)
	}
}

// A request that is too large is refused, not kept.
func TestLargeBody(t *testing.T) {
	s, a, _ := started(t, nil)
	r := request(http.MethodPost, "/api/v1/targets/mail-inside/run", "")
	r.Body = io.NopCloser(io.LimitReader(endless{}, 1<<30))
	if w := ask(s, r); w.Code != http.StatusBadRequest || a.done() != "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// endless is blanks.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }
