package standin

import (
	"crypto/subtle"
	"crypto/tls"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// The domain controller's side: LDAP inside TLS, and of LDAP nothing but the
// simple bind (RFC 4511 4.2). Active Directory says why it refuses one.

// SchemeLDAPS is Request.Scheme of a bind.
const SchemeLDAPS = "LDAPS"

// longestBind bounds a request to the directory.
const longestBind = 4096

// Result codes (RFC 4511 4.1.9).
const (
	ldapSuccess            = 0
	ldapProtocolError      = 2
	ldapInvalidCredentials = 49
)

// bindReasons is what Active Directory puts behind "data": Windows error codes in
// hexadecimal.
var bindReasons = map[string]string{OutcomeUnknownUser: "525", OutcomeWrongPassword: "52e", OutcomeLocked: "775"}

// controller is the domain controller beside the nodes.
type controller struct {
	server   *Server
	listener net.Listener
}

// startController opens the listener of the directory beside the first node's
// address, on a free port. Its certificate is as good as the nodes' should be.
func (s *Server) startController(beside string, certificate tls.Certificate) error {
	host, _, err := net.SplitHostPort(beside)
	if err != nil {
		return fmt.Errorf("the address to listen on: %w", err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	s.controller = &controller{server: s, listener: tls.NewListener(&nodeListener{Listener: listener, node: &node{server: s}}, config)}
	return nil
}

// Controller is the address of the domain controller, for LDAPS; "" if the
// behaviour has none.
func (s *Server) Controller() string {
	if s.controller == nil {
		return ""
	}
	return s.controller.listener.Addr().String()
}

// serve answers until the listener is closed.
func (d *controller) serve() {
	for {
		c, err := d.listener.Accept()
		if err != nil {
			return
		}
		d.server.running.Go(func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			for d.answer(c) == nil {
			}
		})
	}
}

// ldapMessage is an LDAPMessage up to its operation.
type ldapMessage struct {
	ID        int
	Operation asn1.RawValue
}

// Operations by their application tags.
const (
	bindRequest  = 0
	bindResponse = 1
)

// answer reads one message and answers a bind.
func (d *controller) answer(c net.Conn) error {
	raw, err := readElement(c)
	if err != nil {
		return err
	}
	var m ldapMessage
	if _, err := asn1.Unmarshal(raw, &m); err != nil {
		return err
	}
	if m.Operation.Class != asn1.ClassApplication || m.Operation.Tag != bindRequest {
		return errors.New("no bind") // an unbind, or what this directory has not
	}
	code, text := d.bind(c, m.Operation.Bytes)
	_, err = c.Write(bindAnswer(m.ID, code, text))
	return err
}

// bind decides a simple bind: version, name, [0] password.
func (d *controller) bind(c net.Conn, body []byte) (code asn1.Enumerated, text string) {
	var version int
	var name []byte
	var password asn1.RawValue
	rest, err := asn1.Unmarshal(body, &version)
	if err == nil {
		rest, err = asn1.Unmarshal(rest, &name)
	}
	if err == nil {
		_, err = asn1.Unmarshal(rest, &password)
	}
	if err != nil || password.Class != asn1.ClassContextSpecific || password.Tag != 0 || len(password.Bytes) == 0 {
		return ldapProtocolError, ""
	}
	right := subtle.ConstantTimeCompare(password.Bytes, []byte(Password)) == 1
	q := &Request{At: time.Now(), Scheme: SchemeLDAPS, Message: MessageBind, Account: cut(string(name)), Outcome: judge(findAccount("", string(name)), right, true, false)}
	if secured, ok := c.(*tls.Conn); ok {
		if under, ok := secured.NetConn().(*connection); ok {
			q.Connection = under.number
		}
	}
	d.server.record(q)
	if q.Outcome == OutcomeAccepted {
		return ldapSuccess, ""
	}
	return ldapInvalidCredentials, "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data " + bindReasons[q.Outcome] + ", v4f7c"
}

// bindAnswer is a BindResponse: code, matched name, message.
func bindAnswer(id int, code asn1.Enumerated, text string) []byte {
	body, err := asn1.Marshal(struct {
		Code          asn1.Enumerated
		Matched, Text []byte
	}{code, []byte{}, []byte(text)})
	if err != nil {
		return nil
	}
	var inner asn1.RawValue
	if _, err := asn1.Unmarshal(body, &inner); err != nil {
		return nil
	}
	raw, err := asn1.Marshal(ldapMessage{id, asn1.RawValue{Class: asn1.ClassApplication, Tag: bindResponse, IsCompound: true, Bytes: inner.Bytes}})
	if err != nil {
		return nil
	}
	return raw
}

// readElement reads one BER element of bounded length.
func readElement(r io.Reader) ([]byte, error) {
	raw := make([]byte, 2, 6)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	length := int(raw[1])
	if length >= 0x80 {
		octets := length & 0x7f
		if octets == 0 || octets > 4 {
			return nil, errors.New("a length of an unusual form")
		}
		raw = raw[:2+octets]
		if _, err := io.ReadFull(r, raw[2:]); err != nil {
			return nil, err
		}
		length = 0
		for _, octet := range raw[2:] {
			length = length<<8 | int(octet)
		}
	}
	if length > longestBind {
		return nil, errors.New("too long for a bind")
	}
	raw = append(raw, make([]byte, length)...)
	_, err := io.ReadFull(r, raw[len(raw)-length:])
	return raw, err
}
