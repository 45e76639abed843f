package kerberos

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
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
	about string // what may be seen of it
	// Raw is the message without the length that TCP puts before it (RFC 4120
	// 7.2.2). With a secret in it, it is one.
	Raw []byte
	// Secret is the part of the message from which the password can be guessed offline
	// (the encrypted time), or that could be replayed (the end of the authenticator);
	// nil without pre-authentication. The rest is the ticket, and names in clear.
	Secret []byte
	// Read reads the answer. The errors are ErrNotKerberos, ErrMalformed, ErrEnctype
	// and ErrUntrusted.
	Read func(answer []byte) (Answer, error)
}

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

// The kinds of answers by their first byte: the application tags of RFC 4120 5.10.
const (
	kindASRep  = 0x6b
	kindTGSRep = 0x6d
	kindError  = 0x7e
)

// expect makes sure that raw is a reply of the kind that was asked for, and no other
// thing that may answer on a port; a KRB-ERROR in its place is read and returned.
func expect(raw []byte, asked byte) (*KRBError, error) {
	names := map[byte]string{kindASRep: "AS-REP", kindTGSRep: "TGS-REP"}
	switch {
	case len(raw) == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrNotKerberos)
	case len(raw) > maxMessage:
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxMessage)
	case raw[0] == kindError:
		return readError(raw)
	case names[raw[0]] == "":
		return nil, fmt.Errorf("%w: it begins with byte %#02x", ErrNotKerberos, raw[0])
	case raw[0] != asked:
		return nil, fmt.Errorf("%w: a message of the kind %s came where an %s or a KRB-ERROR was asked for",
			ErrMalformed, names[raw[0]], names[asked])
	}
	return nil, nil
}

// Codes of RFC 4120 7.5.9 that a check tells apart.
const (
	CodeNameExpired     = errorcode.KDC_ERR_NAME_EXP
	CodeClientUnknown   = errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN
	CodePolicy          = errorcode.KDC_ERR_POLICY
	CodeClientRevoked   = errorcode.KDC_ERR_CLIENT_REVOKED
	CodeKeyExpired      = errorcode.KDC_ERR_KEY_EXPIRED
	CodePreauthFailed   = errorcode.KDC_ERR_PREAUTH_FAILED
	CodePreauthRequired = errorcode.KDC_ERR_PREAUTH_REQUIRED
)

// KRBError is a KRB-ERROR (RFC 4120 5.9.1). It is not encrypted and nothing
// proves who sent it.
type KRBError struct {
	Code       int32
	Name       string    // KDC_ERR_PREAUTH_REQUIRED
	Text       string    // e-text, shortened
	Time       time.Time // the KDC's clock, zero where it makes no sense
	Status     uint32    // NTSTATUS of a Windows KDC, 0 for none ([MS-KILE] 2.2.1)
	StatusName string    // STATUS_ACCOUNT_LOCKED_OUT, "" for one not known here
	Enctypes   []string  // of the account's keys, from PA-ETYPE-INFO2

	hints []types.ETypeInfo2Entry
}

// String is the error for a line: KDC_ERR_PREAUTH_REQUIRED (25).
func (e KRBError) String() string {
	s := fmt.Sprintf("%s (%d)", e.Name, e.Code)
	if e.StatusName != "" {
		s += " " + e.StatusName
	} else if e.Status != 0 {
		s += fmt.Sprintf(" NTSTATUS 0x%08X", e.Status)
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

const (
	maxErrorData = 16 << 10
	maxHints     = 32
)

// readError reads a KRB-ERROR.
func readError(raw []byte) (*KRBError, error) {
	var m messages.KRBError
	if err := guarded(func() error { return m.Unmarshal(raw) }); err != nil {
		return nil, fmt.Errorf("%w: the KRB-ERROR cannot be decoded", ErrMalformed)
	}
	e := &KRBError{
		Code: m.ErrorCode, Name: errorName(m.ErrorCode), Text: printable(m.EText), Time: reasonable(m.STime),
	}
	if !e.Time.IsZero() && m.Susec > 0 && m.Susec < 1e6 {
		e.Time = e.Time.Add(time.Duration(m.Susec) * time.Microsecond)
	}
	for _, pa := range errorData(m.EData) {
		switch pa.PADataType {
		case patype.PA_ETYPE_INFO2:
			var info types.ETypeInfo2
			if guarded(func() error { return info.Unmarshal(pa.PADataValue) }) != nil || len(info) > maxHints {
				continue
			}
			for _, h := range info {
				e.hints, e.Enctypes = append(e.hints, h), append(e.Enctypes, enctypeName(h.EType))
			}
		case patype.PA_PW_SALT:
			// KERB-EXT-ERROR: the status, a reserved zero, and flags of which the lowest is always
			// set. It shares its number with the salt of older KDCs, which is text and has no zeros.
			if b := pa.PADataValue; len(b) == 12 && binary.LittleEndian.Uint32(b[4:]) == 0 && b[8]&1 != 0 {
				e.Status = binary.LittleEndian.Uint32(b)
				e.StatusName = names()[fmt.Sprintf("status %08X", e.Status)]
			}
		}
	}
	return e, nil
}

// errorData reads e-data: METHOD-DATA (RFC 4120 5.9.1), or the KERB-ERROR-DATA
// of Windows, which looks like one of its elements ([MS-KILE] 2.2.1).
func errorData(raw []byte) types.PADataSequence {
	if len(raw) == 0 || len(raw) > maxErrorData {
		return nil
	}
	var list types.PADataSequence
	if guarded(func() error { return list.Unmarshal(raw) }) == nil {
		return list
	}
	var one types.PAData
	if guarded(func() error { return one.Unmarshal(raw) }) == nil {
		return types.PADataSequence{one}
	}
	return nil
}

// errorName takes the name out of the library's "(25) NAME words".
func errorName(code int32) string {
	_, rest, _ := strings.Cut(errorcode.Lookup(code), ") ")
	name, _, _ := strings.Cut(rest, " ")
	if name == "" {
		return fmt.Sprintf("error %d", code)
	}
	return name
}

// reasonable is a time of the KDC's in UTC, zero for one that a report cannot
// hold or that is no date of Kerberos.
func reasonable(t time.Time) time.Time {
	t = t.UTC()
	if t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
