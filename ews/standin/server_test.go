package standin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestStaysOnLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "mail.contoso.com:0"} {
		if s, err := Start(everyScheme, Options{Listen: address}); err == nil {
			s.Close()
			t.Errorf("listens on %s", address)
		}
	}
	for _, address := range []string{"nonsense", "127.0.0.1:http-or-so", "127.0.0.1:99999"} {
		if s, err := Start(everyScheme, Options{Listen: address}); err == nil {
			s.Close()
			t.Errorf("listens on %s", address)
		}
	}
	s, err := Start(everyScheme, Options{Listen: "0.0.0.0:0", AllowRemote: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestUnknownSwitchesAreRefused(t *testing.T) {
	for _, b := range []Behaviour{{Transport: "carrier-pigeon"}, {Certificate: "forged"}} {
		if s, err := Start(b, Options{}); err == nil {
			s.Close()
			t.Errorf("%+v is accepted", b)
		}
	}
}

func TestAddresses(t *testing.T) {
	s := start(t, everyScheme.but(func(b *Behaviour) { b.SecondNode = &Behaviour{NTLM: true} }))
	if s.URL() != "https://mail.contoso.com/EWS/Exchange.asmx" || s.LocalURL() != "https://"+s.Addresses()[0]+"/EWS/Exchange.asmx" {
		t.Errorf("%s, %s", s.URL(), s.LocalURL())
	}
	if len(s.Addresses()) != 2 {
		t.Fatalf("addresses %v", s.Addresses())
	}
	for node, want := range []struct {
		schemes int
		name    string
	}{{3, "EX01"}, {1, "EX02"}} {
		answer := post(t, newClient(t, s, node), s.URL(), "", "")
		if got := answer.Header.Values("WWW-Authenticate"); len(got) != want.schemes || answer.Header.Get("X-FEServer") != want.name {
			t.Errorf("node %d: %v", node, answer.Header)
		}
		if q := last(t, s); q.Node != node+1 || q.Connection != node+1 {
			t.Errorf("recorded as %+v", q)
		}
	}
	plain := start(t, Behaviour{Basic: true, Transport: TransportPlain})
	if !strings.HasPrefix(plain.URL(), "http://") || !strings.HasPrefix(plain.LocalURL(), "http://127.0.0.1:") {
		t.Errorf("%s, %s", plain.URL(), plain.LocalURL())
	}
	if answer := post(t, newClient(t, plain, 0), plain.URL(), "", ""); answer.StatusCode != 401 {
		t.Errorf("got %d over http", answer.StatusCode)
	}
}

func TestTransports(t *testing.T) {
	tests := []struct {
		name    string
		b       Behaviour
		refused func(error) bool
	}{
		{"good", Behaviour{}, func(err error) bool { return err == nil }},
		{"expiring", Behaviour{Certificate: CertificateExpiring}, func(err error) bool { return err == nil }},
		{"expired", Behaviour{Certificate: CertificateExpired}, func(err error) bool {
			var invalid x509.CertificateInvalidError
			return errors.As(err, &invalid) && invalid.Reason == x509.Expired
		}},
		{"wrong name", Behaviour{Certificate: CertificateWrongName}, func(err error) bool { return errors.As(err, new(x509.HostnameError)) }},
		{"no suite", Behaviour{Transport: TransportNoSuite}, saying("handshake failure")},
		{"old version", Behaviour{Transport: TransportOldVersion}, saying("protocol version")},
		{"client certificate", Behaviour{Transport: TransportClientCertificate}, saying("certificate required")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, test.b)
			_, err := try(newClient(t, s, 0), s.URL(), "", "")
			if !test.refused(err) {
				t.Errorf("got %v", err)
			}
			if view := s.View(); view.Connections != 1 {
				t.Errorf("%d connections", view.Connections)
			}
		})
	}
	s := start(t, Behaviour{})
	client := newClient(t, s, 0)
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: Host}
	if _, err := try(client, s.URL(), "", ""); !errors.As(err, new(x509.UnknownAuthorityError)) {
		t.Errorf("without the authority: %v", err)
	}
}

func saying(text string) func(error) bool {
	return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
}

// HTTP/2 is not spoken: NTLM needs a connection of its own.
func TestNoHTTP2(t *testing.T) {
	s := start(t, everyScheme)
	config := clientConfig(s)
	config.NextProtos = []string{"h2", "http/1.1"}
	conn, err := tls.Dial("tcp", s.Addresses()[0], config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("protocol %q", got)
	}
}

func TestLargeBodyIsRefused(t *testing.T) {
	s := start(t, everyScheme)
	answer, err := try(newClient(t, s, 0), s.URL(), basic(UPN, WrongPassword), strings.Repeat("x", maxBody+1))
	if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge || s.View().BadLogons != 0 {
		t.Errorf("got %v, view %+v", err, s.View())
	}
}

// Close ends everything, whatever is going on, and may be called again.
func TestCloseEndsEveryGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, b := range []Behaviour{
		everyScheme,
		{Transport: TransportPlain},
		{Hazard: HazardHang},
		{Hazard: HazardSlow},
		{Hazard: HazardHuge},
		{Basic: true, SecondNode: &Behaviour{Hazard: HazardEndlessHeaders}},
	} {
		s, err := Start(b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range s.Addresses() {
			idle, err := net.Dial("tcp", address) // never speaks
			if err != nil {
				t.Fatal(err)
			}
			defer idle.Close()
			var busy net.Conn
			if b.Transport == TransportPlain {
				busy, err = net.Dial("tcp", address)
			} else {
				busy, err = tls.Dial("tcp", address, clientConfig(s))
			}
			if err != nil {
				t.Fatal(err)
			}
			defer busy.Close()
			if _, err := busy.Write([]byte("POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
		}
		waitFor(t, "the requests", func() bool { return len(s.View().Requests) == len(s.Addresses()) })
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := net.Dial("tcp", s.Addresses()[0]); err == nil {
			t.Error("still listening")
		}
	}
	waitFor(t, "the goroutines", func() bool { return runtime.NumGoroutine() <= before })
}

// waitFor waits until something is so; it gives up long after it should be.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// A server that runs for a long time keeps the newest requests only.
func TestViewIsBounded(t *testing.T) {
	s := &Server{}
	for i := range keptRequests + 1 {
		s.record(&Request{Connection: i})
	}
	requests := s.View().Requests
	if len(requests) > keptRequests || requests[len(requests)-1].Connection != keptRequests {
		t.Errorf("%d requests", len(requests))
	}
	requests[0].Connection = -1
	if s.View().Requests[0].Connection == -1 {
		t.Error("the view is not a copy")
	}
}

// A server that changes its behaviour is the same server: address and certificate stay.
func TestBehave(t *testing.T) {
	server := start(t, Behaviour{Basic: true})
	client := newClient(t, server, 0)
	offers := func() []string { return post(t, client, server.URL(), "", "").Header.Values("WWW-Authenticate") }
	before := offers()
	server.Behave(Behaviour{Negotiate: true})
	if after := offers(); len(before) != 1 || len(after) != 1 || before[0] == after[0] {
		t.Errorf("offered %q, then %q", before, after)
	}
}
