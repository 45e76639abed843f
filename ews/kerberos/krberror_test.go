package kerberos

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

func readBack(t *testing.T, m messages.KRBError) *KRBError {
	t.Helper()
	if m.SName.NameString == nil {
		m.SName = ticketGranting(testkit.Realm).wire()
	}
	m.PVNO, m.MsgType, m.Realm = 5, 30, testkit.Realm
	a, err := freeRequest(t, "svc-crm").Read(testkit.Marshalled(t, m.Marshal))
	if err != nil || a.Error == nil {
		t.Fatalf("%+v, %v", a, err)
	}
	return a.Error
}

func TestKRBError(t *testing.T) {
	padata := func(v any) []byte {
		raw, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	locked := types.PAData{PADataType: 3, PADataValue: testkit.ExtError(0xC0000234)}
	for _, c := range []struct {
		name string
		m    messages.KRBError
		want string
	}{
		{"pre-authentication required", messages.KRBError{STime: testkit.Noon, ErrorCode: errorcode.KDC_ERR_PREAUTH_REQUIRED}, "KDC_ERR_PREAUTH_REQUIRED (25)"},
		{"text", messages.KRBError{STime: testkit.Noon, ErrorCode: 60, EText: "a\nb\x1b[31m\xff"}, "KRB_ERR_GENERIC (60): a b [31m\uFFFD"},
		{"unknown code", messages.KRBError{STime: testkit.Noon, ErrorCode: 9999}, "error 9999 (9999)"},
		{"negative code", messages.KRBError{STime: testkit.Noon, ErrorCode: -1}, "error -1 (-1)"},
		{"status in KERB-ERROR-DATA", messages.KRBError{STime: testkit.Noon, ErrorCode: 18, EData: padata(locked)}, "KDC_ERR_CLIENT_REVOKED (18) STATUS_ACCOUNT_LOCKED_OUT"},
		{"status in METHOD-DATA", messages.KRBError{STime: testkit.Noon, ErrorCode: 18, EData: padata(types.PADataSequence{locked})}, "KDC_ERR_CLIENT_REVOKED (18) STATUS_ACCOUNT_LOCKED_OUT"},
		{"status without a name", messages.KRBError{STime: testkit.Noon, ErrorCode: 18, EData: padata(types.PAData{PADataType: 3, PADataValue: testkit.ExtError(0xC0001234)})}, "KDC_ERR_CLIENT_REVOKED (18) NTSTATUS 0xC0001234"},
		{"a salt of the same length", messages.KRBError{STime: testkit.Noon, ErrorCode: 25, EData: padata(types.PAData{PADataType: 3, PADataValue: []byte("CONTOSO.COMa")})}, "KDC_ERR_PREAUTH_REQUIRED (25)"},
		{"e-data of another kind", messages.KRBError{STime: testkit.Noon, ErrorCode: 25, EData: []byte("no ASN.1")}, "KDC_ERR_PREAUTH_REQUIRED (25)"},
	} {
		if got := readBack(t, c.m).String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestKRBErrorDetails(t *testing.T) {
	e := readBack(t, messages.KRBError{STime: testkit.Noon, Susec: 500000, ErrorCode: errorcode.KDC_ERR_WRONG_REALM, CRealm: "CHILD.CONTOSO.COM"})
	if e.Code != errorcode.KDC_ERR_WRONG_REALM || !e.Time.Equal(testkit.Noon.Truncate(time.Second).Add(500*time.Millisecond)) {
		t.Errorf("%+v", e)
	}
	e = readBack(t, messages.KRBError{STime: testkit.Noon, Susec: 1 << 30, EText: strings.Repeat("x", 10000)})
	if !e.Time.Equal(testkit.Noon.Truncate(time.Second)) || len(e.Text) > maxText {
		t.Errorf("%+v", e)
	}
	if e = readBack(t, messages.KRBError{STime: time.Date(3, 1, 1, 0, 0, 0, 0, time.UTC)}); !e.Time.IsZero() {
		t.Error(e.Time)
	}
	e = readBack(t, messages.KRBError{STime: testkit.Noon, ErrorCode: 25, EData: testkit.ETypeInfo(t, types.ETypeInfo2Entry{EType: 18}, types.ETypeInfo2Entry{EType: 23})})
	if got := strings.Join(e.Enctypes, " "); got != "aes256-cts-hmac-sha1-96 rc4-hmac" {
		t.Error(got)
	}
}

func TestNotKerberos(t *testing.T) {
	as := freeRequest(t, "svc-crm")
	tgs, err := NewTGSRequest(*ticketGrantingTicket(t, testkit.Noon), service(t, testkit.Service), testkit.Noon)
	if err != nil {
		t.Fatal(err)
	}
	rep := (&testkit.KDC{Open: true}).Answer(t, as.Raw)
	for _, c := range []struct {
		name string
		raw  []byte
		err  error
	}{
		{"nothing", nil, ErrNotKerberos},
		{"HTTP", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), ErrNotKerberos},
		{"TLS", []byte{0x15, 3, 1, 0, 2, 2, 0x16}, ErrNotKerberos},
		{"our own request", as.Raw, ErrNotKerberos},
		{"an AS-REP without its end", rep[:len(rep)-9], ErrMalformed},
		{"only the beginning", rep[:1], ErrMalformed},
		{"an error without its end", (&testkit.KDC{}).Refusal(t, 25, nil)[:30], ErrMalformed},
		{"too long", append(rep[:len(rep):len(rep)], make([]byte, maxMessage)...), ErrMalformed},
	} {
		a, err := as.Read(c.raw)
		if !errors.Is(err, c.err) || a.Error != nil || a.Ticket != nil || a.WithoutPreauth {
			t.Errorf("%s: %+v, %v", c.name, a, err)
		}
	}
	if _, err := tgs.Read(rep); !errors.Is(err, ErrMalformed) {
		t.Errorf("an AS-REP answers a TGS-REQ: %v", err)
	}
	rep[0] = byte(kindTGSRep)
	if _, err := as.Read(rep); !errors.Is(err, ErrMalformed) {
		t.Errorf("a TGS-REP answers an AS-REQ: %v", err)
	}
}
