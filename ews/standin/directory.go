package standin

import (
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
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
	s.running.Go(s.controller.serve)
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

// Operations by their application tags.
const (
	bindRequest  = 0x60
	bindResponse = 0x61
)

// answer reads one message and answers a bind: version, name, [0] password.
func (d *controller) answer(c net.Conn) error {
	raw, err := readElement(c)
	if err != nil {
		return err
	}
	var id, version int64
	var operation cryptobyte.String
	message := cryptobyte.String(raw)
	if !message.ReadASN1(&message, asn1.SEQUENCE) || !message.ReadASN1Integer(&id) || !message.ReadASN1(&operation, bindRequest) {
		return errors.New("no bind") // an unbind, or what this directory has not
	}
	code, text := int64(ldapProtocolError), ""
	var name, password []byte
	if operation.ReadASN1Integer(&version) && operation.ReadASN1Bytes(&name, asn1.OCTET_STRING) &&
		operation.ReadASN1Bytes(&password, asn1.Tag(0).ContextSpecific()) && len(password) > 0 {
		code, text = d.bind(c, string(name), password)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(id)
		b.AddASN1(bindResponse, func(b *cryptobyte.Builder) { // code, matched name, message
			b.AddASN1Enum(code)
			b.AddASN1OctetString(nil)
			b.AddASN1OctetString([]byte(text))
		})
	})
	_, err = c.Write(b.BytesOrPanic())
	return err
}

// bind decides a simple bind.
func (d *controller) bind(c net.Conn, name string, password []byte) (code int64, text string) {
	right := subtle.ConstantTimeCompare(password, []byte(Password)) == 1
	q := &Request{
		At: time.Now(), Scheme: SchemeLDAPS, Message: MessageBind, Account: cut(name), Outcome: judge(findAccount("", name), right, true, false),
	}
	if secured, ok := c.(*tls.Conn); ok {
		if under, ok := secured.NetConn().(*connection); ok {
			q.Connection = under.number
		}
	}
	d.server.record(q)
	if q.Outcome == OutcomeAccepted {
		return ldapSuccess, ""
	}
	return ldapInvalidCredentials,
		"80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data " + bindReasons[q.Outcome] + ", v4f7c"
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
