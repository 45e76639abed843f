package kerberos

import (
	"errors"
	"fmt"
	"io"
)

// Errors of the readers. Each comes with the reason.
var (
	// ErrNotKerberos: something else listens there.
	ErrNotKerberos = errors.New("not a Kerberos answer")
	// ErrMalformed: a Kerberos message that cannot be read.
	ErrMalformed = errors.New("malformed Kerberos message")
	// ErrUntrusted: the reply does not prove that the KDC knows the key, or
	// answers something else than was asked.
	ErrUntrusted = errors.New("the KDC's reply is not to be believed")
)

// Request is a message for a KDC, and what is needed to read its answer.
type Request struct {
	about       string // what may be seen of it
	raw, secret []byte
	read        func(answer []byte) (Answer, error)
}

// Bytes is the message without the length that TCP puts before it (RFC 4120
// 7.2.2). With a secret in it, it is one.
func (r Request) Bytes() []byte { return r.raw }

// Secret is the part of the message from which the password can be guessed offline
// (the encrypted time), or that could be replayed (the end of the authenticator);
// nil without pre-authentication. The rest is the ticket, and names in clear.
func (r Request) Secret() []byte { return r.secret }

// Read reads the answer. The errors are ErrNotKerberos, ErrMalformed, ErrEnctype
// and ErrUntrusted.
func (r Request) Read(answer []byte) (Answer, error) { return r.read(answer) }

// Format writes what may be seen of a request, whatever the verb.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.about) }

// Answer is what the KDC said: exactly one field is set, but that a referral
// comes with its ticket.
type Answer struct {
	Error *KRBError
	// WithoutPreauth: a reply came though no pre-authentication was sent. The
	// account has "Do not require Kerberos preauthentication"; the reply can be
	// attacked offline by anybody and is not decrypted.
	WithoutPreauth bool
	Ticket         *Ticket
	// Referral is the other realm to which the KDC sends for the service. It is
	// not followed.
	Referral string
}

// maxMessage is above what Windows lets a token with all its groups grow to
// (MaxTokenSize 65535).
const maxMessage = 256 << 10

type kind byte

// The kinds by their first byte: the application tags of RFC 4120 5.10.
const (
	kindASRep  kind = 0x6b
	kindTGSRep kind = 0x6d
	kindError  kind = 0x7e
)

func (k kind) String() string {
	switch k {
	case kindASRep:
		return "AS-REP"
	case kindTGSRep:
		return "TGS-REP"
	case kindError:
		return "KRB-ERROR"
	}
	return fmt.Sprintf("message %#02x", byte(k))
}

// classify tells a Kerberos answer from what else may answer on a port.
func classify(raw []byte) (kind, error) {
	if len(raw) == 0 {
		return 0, fmt.Errorf("%w: it is empty", ErrNotKerberos)
	}
	if len(raw) > maxMessage {
		return 0, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxMessage)
	}
	switch k := kind(raw[0]); k {
	case kindASRep, kindTGSRep, kindError:
		return k, nil
	}
	return 0, fmt.Errorf("%w: it begins with byte %#02x", ErrNotKerberos, raw[0])
}

// expect makes sure that raw is a reply of the kind that was asked for; a
// KRB-ERROR in its place is read and returned.
func expect(raw []byte, asked kind) (*KRBError, error) {
	switch got, err := classify(raw); {
	case err != nil:
		return nil, err
	case got == kindError:
		return readError(raw)
	case got != asked:
		return nil, fmt.Errorf("%w: a message of the kind %s came where an %s or a KRB-ERROR was asked for", ErrMalformed, got, asked)
	}
	return nil, nil
}
