package kerberos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"

	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

func service(t testing.TB, spn string) Principal {
	t.Helper()
	p, err := ServicePrincipal(spn, testkit.Realm)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ticketGrantingTicket(t testing.TB, now time.Time) *Ticket {
	t.Helper()
	a, err := signIn(t, &testkit.KDC{Now: now}, "svc-crm", testkit.Password, now)
	if err != nil || a.Ticket == nil {
		t.Fatalf("%+v, %v", a, err)
	}
	return a.Ticket
}

func ask(t testing.TB, k *testkit.KDC, tgt *Ticket, spn string) (Answer, error) {
	t.Helper()
	r, err := NewTGSRequest(*tgt, service(t, spn), k.Clock())
	if err != nil {
		t.Fatal(err)
	}
	return r.Read(k.Answer(t, r.Raw))
}

func TestServiceTicket(t *testing.T) {
	tgt := ticketGrantingTicket(t, testkit.Noon)
	for _, c := range []struct {
		name     string
		kdc      testkit.KDC
		spn      string // testkit.Service if ""
		code     int32
		err      error
		referral string
	}{
		{name: "ticket"},
		{name: "unknown service", spn: "HTTP/nosuch.contoso.com", code: errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN},
		{name: "no AES key of the service", kdc: testkit.KDC{Refuse: errorcode.KDC_ERR_ETYPE_NOSUPP}, code: errorcode.KDC_ERR_ETYPE_NOSUPP},
		{name: "referral", kdc: testkit.KDC{Referral: "FABRIKAM.COM"}, referral: "FABRIKAM.COM"},
		{name: "another key", kdc: testkit.KDC{LieKey: true}, err: ErrUntrusted},
		{name: "another nonce", kdc: testkit.KDC{LieNonce: true}, err: ErrUntrusted},
		{name: "another realm", kdc: testkit.KDC{LieRealm: "FABRIKAM.COM"}, err: ErrUntrusted},
		{name: "another client", kdc: testkit.KDC{LieClient: "administrator"}, err: ErrUntrusted},
		{name: "another service", kdc: testkit.KDC{LieService: true}, err: ErrUntrusted},
		{name: "another service's ticket", kdc: testkit.KDC{LieTicket: true}, err: ErrUntrusted},
		{name: "session key for RC4", kdc: testkit.KDC{SessionEnctype: etypeID.RC4_HMAC}, err: ErrEnctype},
	} {
		t.Run(c.name, func(t *testing.T) {
			spn := c.spn
			if spn == "" {
				spn = testkit.Service
			}
			a, err := ask(t, &c.kdc, tgt, spn)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if (a.Error != nil) != (c.code != 0) || a.Referral != c.referral || (a.Ticket == nil) != (c.code != 0) {
				t.Fatalf("%+v", a)
			}
			if a.Error != nil && a.Error.Code != c.code {
				t.Errorf("%v", a.Error)
			}
			if a.Ticket != nil && a.Ticket.TicketGranting() != (c.referral != "") {
				t.Errorf("%v", a.Ticket)
			}
		})
	}
}

// The authenticator in a TGS-REQ carries the caller's time and the client.
func TestAuthenticatorOfRequest(t *testing.T) {
	var k testkit.KDC
	if _, err := ask(t, &k, ticketGrantingTicket(t, testkit.Noon), testkit.Service); err != nil {
		t.Fatal(err)
	}
	a := k.Authenticator
	if !a.CTime.Equal(testkit.Noon.Truncate(time.Second)) || a.Cusec != 123456 || a.CRealm != testkit.Realm || a.CName.PrincipalNameString() != "svc-crm" {
		t.Errorf("%+v", a)
	}
}

// A realm typed in lower case is spelt by the KDC from then on.
func TestRealmAsTheKDCSpellsIt(t *testing.T) {
	tgt := *ticketGrantingTicket(t, testkit.Noon)
	tgt.Server.Components = []string{"krbtgt", "contoso.com"}
	r, err := NewTGSRequest(tgt, Principal{2, []string{"HTTP", "mail.contoso.com"}, "contoso.com"}, testkit.Noon)
	if err != nil {
		t.Fatal(err)
	}
	var m messages.TGSReq
	if err := m.Unmarshal(r.Raw); err != nil || m.ReqBody.Realm != testkit.Realm {
		t.Errorf("%q, %v", m.ReqBody.Realm, err)
	}
}

func TestOtherRealmIsNotAsked(t *testing.T) {
	tgt := ticketGrantingTicket(t, testkit.Noon)
	if _, err := NewTGSRequest(*tgt, service(t, "HTTP/mail@FABRIKAM.COM"), testkit.Noon); !errors.Is(err, ErrName) || !strings.Contains(err.Error(), "FABRIKAM.COM") {
		t.Error(err)
	}
	a, err := ask(t, &testkit.KDC{}, tgt, testkit.Service)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewTGSRequest(*a.Ticket, service(t, testkit.Service), testkit.Noon); !errors.Is(err, ErrName) {
		t.Errorf("a service's ticket asks for another: %v", err)
	}
}

// acceptor is a web server that has the service's keytab: gokrb5's own check of
// ticket and authenticator, which reads the clock.
func acceptor(t *testing.T, token []byte) *messages.APReq {
	t.Helper()
	in := cryptobyte.String(token)
	var framed, oid cryptobyte.String
	var id uint16
	if !in.ReadASN1(&framed, 0x60) || !in.Empty() || !framed.ReadASN1(&oid, 6) || !framed.ReadUint16(&id) || id != 0x0100 {
		t.Fatalf("no token: %x", token)
	}
	if want := []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2}; !bytes.Equal(oid, want) {
		t.Fatalf("mechanism %x", oid)
	}
	var ap messages.APReq
	if err := ap.Unmarshal(framed); err != nil {
		t.Fatal(err)
	}
	if ok, err := ap.Verify(testkit.ServiceKeys(t), 5*time.Minute, types.HostAddress{}, nil); !ok || err != nil {
		t.Fatalf("the acceptor refuses: %v, %v", ok, err)
	}
	return &ap
}

func TestToken(t *testing.T) {
	now := time.Now()
	a, err := ask(t, &testkit.KDC{Now: now}, ticketGrantingTicket(t, now), testkit.Service)
	if err != nil {
		t.Fatal(err)
	}
	binding := []byte("\x6e\xa1\x9d\xf0\x66\xda\x46\x22\x05\x1f\x9c\x4f\x92\xc6\xdf\x74")
	for _, c := range []struct{ given, want []byte }{{binding, binding}, {nil, make([]byte, 16)}} {
		token, err := a.Ticket.Token(c.given, now)
		if err != nil {
			t.Fatal(err)
		}
		ap := acceptor(t, token)
		sum := ap.Authenticator.Cksum
		if sum.CksumType != chksumtype.GSSAPI || len(sum.Checksum) != 24 ||
			binary.LittleEndian.Uint32(sum.Checksum) != 16 || !bytes.Equal(sum.Checksum[4:20], c.want) ||
			binary.LittleEndian.Uint32(sum.Checksum[20:]) != 0x30 {
			t.Errorf("checksum %#x %x", sum.CksumType, sum.Checksum)
		}
		if got := ap.Authenticator.CName.PrincipalNameString() + "@" + ap.Authenticator.CRealm; got != "svc-crm@CONTOSO.COM" {
			t.Error(got)
		}
		if !bytes.Equal(ap.APOptions.Bytes, make([]byte, 4)) {
			t.Errorf("options %x", ap.APOptions.Bytes)
		}
	}
	if _, err := a.Ticket.Token([]byte("short"), now); !errors.Is(err, ErrBinding) {
		t.Error(err)
	}
}
