package standin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Every hazard does what it says, before the logon or after it.
func TestHazards(t *testing.T) {
	tests := []struct {
		hazard Hazard
		check  func(*testing.T, answered, error)
	}{
		{HazardReset, func(t *testing.T, _ answered, err error) {
			if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
				t.Errorf("got %v", err)
			}
		}},
		{HazardGarbage, func(t *testing.T, _ answered, err error) {
			if err == nil || !strings.Contains(err.Error(), "malformed HTTP") {
				t.Errorf("got %v", err)
			}
		}},
		{HazardLyingLength, func(t *testing.T, answer answered, err error) {
			if !errors.Is(err, io.ErrUnexpectedEOF) || answer.ContentLength != 100000 {
				t.Errorf("got %v", err)
			}
		}},
		{HazardHuge, func(t *testing.T, answer answered, err error) {
			if err != nil || len(answer.text) != 1<<20 { // where the test stops reading
				t.Errorf("got %d bytes, %v", len(answer.text), err)
			}
		}},
		{HazardEndlessHeaders, func(t *testing.T, _ answered, err error) {
			if err == nil || !strings.Contains(err.Error(), "exceeded") {
				t.Errorf("got %v", err)
			}
		}},
		{HazardXMLBomb, func(t *testing.T, answer answered, err error) {
			if err != nil || answer.StatusCode != 200 || strings.Count(answer.text, "<!ENTITY") != 10 {
				t.Errorf("got %v %q", err, answer.text)
			}
		}},
		{HazardSlow, func(t *testing.T, _ answered, err error) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}},
		{HazardHang, func(t *testing.T, _ answered, err error) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}},
	}
	for _, test := range tests {
		t.Run(string(test.hazard), func(t *testing.T) {
			patience := 20 * time.Second
			if test.hazard == HazardSlow || test.hazard == HazardHang {
				patience = 300 * time.Millisecond
			}
			before := start(t, everyScheme.but(func(b *Behaviour) { b.Hazard = test.hazard }))
			client := newClient(t, before, 0)
			client.Timeout = patience
			answer, err := try(client, before.URL(), "", findInbox("", ""))
			test.check(t, answer, err)
			if q := last(t, before); q.Outcome != OutcomeHazard {
				t.Errorf("recorded as %+v", q)
			}

			after := start(t, everyScheme.but(func(b *Behaviour) { b.Hazard, b.HazardOnLogon = test.hazard, true }))
			client = newClient(t, after, 0)
			for _, value := range []string{"", basic(UPN, WrongPassword)} {
				if answer := post(t, client, after.URL(), value, ""); answer.StatusCode != http.StatusUnauthorized {
					t.Errorf("without a logon %d", answer.StatusCode)
				}
			}
			client.Timeout = patience
			answer, err = try(client, after.URL(), basic(UPN, Password), findInbox("", ""))
			test.check(t, answer, err)
			if view := after.View(); view.GoodLogons != 1 || view.BadLogons != 1 {
				t.Errorf("view %+v", view)
			}
		})
	}
}

// emptyType1 is a type 1 of 32 octets, without a version, as curl sends it.
const emptyType1 = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAA="

// What becomes of handshakes that are not kept together.
func TestHandshakes(t *testing.T) {
	broken := func(h Handshake) *Server {
		return start(t, windowsOnly.but(func(b *Behaviour) { b.Handshake = h }))
	}
	logon := ntlmLogon{scheme: "NTLM", user: UPN, password: WrongPassword}

	t.Run("dropped", func(t *testing.T) {
		s := broken(HandshakeDropped)
		conn, err := tls.Dial("tcp", s.Addresses()[0], clientConfig(s))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\nAuthorization: NTLM %s\r\n\r\n", servicePath, Host, emptyType1)
		text, err := io.ReadAll(conn) // up to the end of the connection
		if err != nil || !strings.Contains(string(text), "NTLM TlRMTVNTUAACAAAA") || strings.Contains(string(text), "Connection:") {
			t.Errorf("got %v %q", err, text)
		}
	})
	t.Run("other node", func(t *testing.T) {
		s := broken(HandshakeOtherNode)
		answer := logon.do(t, newClient(t, s, 0), s.URL(), "")
		challengeIn(t, answer, "NTLM")
		if view := s.View(); answer.StatusCode != 401 || view.Connections != 1 || last(t, s).Outcome != OutcomeUnfinished || view.BadLogons != 0 {
			t.Errorf("status %d, view %+v", answer.StatusCode, view)
		}
	})
	t.Run("no challenge", func(t *testing.T) {
		s := broken(HandshakeNoChallenge)
		answer := post(t, newClient(t, s, 0), s.URL(), "NTLM "+emptyType1, "")
		if got := answer.Header.Values("WWW-Authenticate"); answer.StatusCode != 401 || len(got) != 2 || got[1] != "NTLM" {
			t.Errorf("got %d %v", answer.StatusCode, got)
		}
	})
}
