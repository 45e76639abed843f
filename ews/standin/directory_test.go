package standin

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// TestDirectory: an LDAP client of its own binds, and hears Active Directory's
// reason.
func TestDirectory(t *testing.T) {
	cases := []struct {
		name, user, password string
		code                 uint16
		data, outcome        string
		good, bad            int
	}{
		{"right", UPN, Password, 0, "", OutcomeAccepted, 1, 0},
		{"right, DOMAIN\\user", User, Password, 0, "", OutcomeAccepted, 1, 0},
		{"wrong", UPN, WrongPassword, 49, "data 52e,", OutcomeWrongPassword, 0, 1},
		{"locked", LockedUser, Password, 49, "data 775,", OutcomeLocked, 0, 0},
		{"unknown", "svc-nosuch@contoso.com", Password, 49, "data 525,", OutcomeUnknownUser, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			// What EWS refuses, the directory does not.
			s := start(t, everyScheme.but(func(b *Behaviour) { b.Directory, b.BasicRefuses, b.NTLMRefuses = true, true, true }))
			conn, err := ldap.DialURL("ldaps://"+s.Controller(), ldap.DialWithTLSConfig(clientConfig(s)))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			err = conn.Bind(c.user, c.password)
			var refused *ldap.Error
			if c.code == 0 && err != nil || c.code != 0 && (!errors.As(err, &refused) || refused.ResultCode != c.code || !bytes.Contains([]byte(refused.Err.Error()), []byte(c.data))) {
				t.Errorf("%v", err)
			}
			v, q := s.View(), last(t, s)
			if v.GoodLogons != c.good || v.BadLogons != c.bad || q.Outcome != c.outcome || q.Message != MessageBind || q.Scheme != SchemeLDAPS || q.Account != c.user || q.Connection == 0 {
				t.Errorf("%d good, %d bad, %+v", v.GoodLogons, v.BadLogons, q)
			}
		})
	}
	if s := start(t, everyScheme); s.Controller() != "" {
		t.Error("a directory where none is wanted")
	}
}

// What is no bind ends the connection, or is answered as one that cannot be
// read; nothing is counted.
func TestDirectoryRefuses(t *testing.T) {
	s := start(t, everyScheme.but(func(b *Behaviour) { b.Directory = true }))
	for name, said := range map[string]string{
		"HTTP":               "GET / HTTP/1.1\r\n\r\n",
		"2 GB":               "\x30\x84\x7f\xff\xff\xff",
		"no length":          "\x30\x80",
		"an unbind":          "\x30\x05\x02\x01\x01\x42\x00",
		"no password":        "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00",
		"another kind":       "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\xa3\x00",
		"an unfinished bind": "\x30\x0a\x02\x01\x01\x60\x05\x02\x01\x03\x04\x00",
	} {
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}, "tcp", s.Controller(), clientConfig(s))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, said)
		_ = conn.CloseWrite()
		answer, _ := io.ReadAll(conn)
		if len(answer) > 0 && !bytes.Contains(answer, []byte("\x0a\x01\x02")) { // protocolError
			t.Errorf("%s: %x", name, answer)
		}
		conn.Close()
	}
	if v := s.View(); v.BadLogons+v.GoodLogons+len(v.Requests) != 0 {
		t.Errorf("%+v", v)
	}
}
