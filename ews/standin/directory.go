package standin

import (
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
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

// startController opens the listener of the domain controller beside the nodes. Its
// certificate is as good as the nodes' should be.
func (s *Server) startController(host string, certificate tls.Certificate) error {
	listener, err := listen(host, 0)
	if err != nil {
		return err
	}
	s.controller = listener.Addr().String()
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	secured := tls.NewListener(&countedListener{listener, s}, config)
	s.listeners = append(s.listeners, secured)
	s.running.Go(func() {
		for {
			c, err := secured.Accept()
			if err != nil { // it is closed
				return
			}
			s.running.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				for s.answerBind(c) == nil {
				}
			})
		}
	})
	return nil
}

// Controller is the address of the domain controller, for LDAPS; "" if the
// behaviour has none.
func (s *Server) Controller() string { return s.controller }

// Operations by their application tags.
const (
	bindRequest  = 0
	bindResponse = 1
)

// Bind is a simple bind (RFC 4511 4.2.1). Without a password it is of another kind.
type Bind struct {
	ID             int64
	Name, Password string
}

// ReadBind reads one message that has to be a bind: version, name, [0] password.
func ReadBind(from io.Reader) (b Bind, err error) {
	message, err := ber.ReadPacket(io.LimitReader(from, longestBind))
	if err != nil {
		return b, err
	}
	if len(message.Children) < 2 || message.Children[1].ClassType != ber.ClassApplication || message.Children[1].Tag != bindRequest {
		return b, errors.New("no bind") // an unbind, or what this directory has not
	}
	b.ID, _ = message.Children[0].Value.(int64)
	if bind := message.Children[1].Children; len(bind) == 3 && bind[2].ClassType == ber.ClassContext && bind[2].Tag == 0 {
		b.Name, _ = bind[1].Value.(string)
		b.Password = bind[2].Data.String()
	}
	return b, nil
}

// LDAPResult is a message with an LDAPResult (RFC 4511 4.1.9) under the tag of its
// operation: code, matched name, text.
func LDAPResult(id int64, operation ber.Tag, code int64, text string) []byte {
	r := ber.Encode(ber.ClassApplication, ber.TypeConstructed, operation, nil, "")
	r.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	r.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
	r.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, ""))
	return LDAPMessage(id, r)
}

// LDAPMessage is an operation with its number.
func LDAPMessage(id int64, operation *ber.Packet) []byte {
	p := ber.NewSequence("")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	p.AppendChild(operation)
	return p.Bytes()
}

// answerBind reads one message and answers a bind.
func (s *Server) answerBind(c net.Conn) error {
	b, err := ReadBind(c)
	if err != nil {
		return err
	}
	if b.Password == "" {
		_, err = c.Write(LDAPResult(b.ID, bindResponse, ldapProtocolError, ""))
		return err
	}
	right := subtle.ConstantTimeCompare([]byte(b.Password), []byte(Password)) == 1
	q := &Request{
		At: time.Now(), Scheme: SchemeLDAPS, Message: MessageBind, Account: cut(b.Name),
		Outcome: judge(findAccount("", b.Name), right, true, false),
	}
	if secured, ok := c.(*tls.Conn); ok {
		if under, ok := secured.NetConn().(*connection); ok {
			q.Connection = under.number
		}
	}
	s.record(q)
	code, text := int64(ldapSuccess), ""
	if q.Outcome != OutcomeAccepted {
		code, text = ldapInvalidCredentials,
			"80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data "+bindReasons[q.Outcome]+", v4f7c"
	}
	_, err = c.Write(LDAPResult(b.ID, bindResponse, code, text))
	return err
}
