package kerberos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

func TestClientPrincipal(t *testing.T) {
	for _, c := range []struct {
		user, realm, want string
		enterprise        bool
	}{
		{`CONTOSO\svc-crm`, testkit.Realm, "svc-crm@CONTOSO.COM", false},
		{"svc-crm", testkit.Realm, "svc-crm@CONTOSO.COM", false},
		{"svc-crm@contoso.com", testkit.Realm, "svc-crm@CONTOSO.COM", false},
		{"first.last@fabrikam.example", testkit.Realm, `first.last\@fabrikam.example@CONTOSO.COM`, true},
		{"svc-crm", "", "", false},
		{`CONTOSO\`, testkit.Realm, "", false},
		{"@contoso.com", testkit.Realm, "", false},
		{"@fabrikam.example", testkit.Realm, "", false},
	} {
		p, err := ClientPrincipal(c.user, c.realm)
		if c.want == "" {
			if !errors.Is(err, ErrName) {
				t.Errorf("%q: %v, %v", c.user, p, err)
			}
			continue
		}
		if err != nil || p.String() != c.want || p.Enterprise() != c.enterprise || len(p.Components) != 1 {
			t.Errorf("%q: %v (enterprise %v), %v", c.user, p, p.Enterprise(), err)
		}
	}
}

func TestServicePrincipal(t *testing.T) {
	for spn, want := range map[string]string{
		"HTTP/mail.contoso.com":     "HTTP/mail.contoso.com@CONTOSO.COM",
		"HTTP/mail@FABRIKAM.COM":    "HTTP/mail@FABRIKAM.COM",
		"HTTP/mail.contoso.com/EWS": "HTTP/mail.contoso.com/EWS@CONTOSO.COM",
		"mail.contoso.com":          "",
		"HTTP/":                     "",
		"HTTP/mail@":                "",
	} {
		p, err := ServicePrincipal(spn, testkit.Realm)
		if want == "" {
			if !errors.Is(err, ErrName) {
				t.Errorf("%q: %v, %v", spn, p, err)
			}
		} else if err != nil || p.String() != want || p.Type != 2 {
			t.Errorf("%q: %v of type %d, %v", spn, p, p.Type, err)
		}
	}
}

func client(t testing.TB, user string) Principal {
	t.Helper()
	p, err := ClientPrincipal(user, testkit.Realm)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func freeRequest(t testing.TB, user string) Request {
	t.Helper()
	r, err := NewASRequest(client(t, user))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRequestWithoutPreauth(t *testing.T) {
	seen := map[int]bool{}
	for _, user := range []string{"svc-crm", "first.last@fabrikam.example"} {
		r := freeRequest(t, user)
		var m messages.ASReq
		if err := m.Unmarshal(r.Raw); err != nil {
			t.Fatal(err)
		}
		b := m.ReqBody
		if len(m.PAData) != 0 || !slices.Equal(b.EType, []int32{18, 17, 20, 19}) || b.SName.PrincipalNameString() != "krbtgt/CONTOSO.COM" || b.Realm != testkit.Realm {
			t.Errorf("%+v", m)
		}
		if enterprise := b.CName.NameType == 10; enterprise != strings.Contains(user, "@") || types.IsFlagSet(&b.KDCOptions, flags.Canonicalize) != enterprise {
			t.Errorf("%s: %+v", user, b)
		}
		if seen[b.Nonce] {
			t.Error("a nonce came twice")
		}
		seen[b.Nonce] = true
	}
}

// signIn plays both steps.
func signIn(t testing.TB, k *testkit.KDC, user, password string, now time.Time) (Answer, error) {
	t.Helper()
	r := freeRequest(t, user)
	a, err := r.Read(k.Answer(t, r.Raw))
	if err != nil || a.Error == nil || a.Error.Code != CodePreauthRequired {
		return a, err
	}
	if r, err = WithPassword(client(t, user), password, a.Error, now); err != nil {
		return Answer{}, err
	}
	return r.Read(k.Answer(t, r.Raw))
}

func TestSignIn(t *testing.T) {
	for _, c := range []struct {
		name     string
		kdc      testkit.KDC
		user     string // svc-crm if ""
		password string // testkit.Password if ""
		skew     time.Duration
		code     int32
		err      error
		open     bool
		client   string // of the ticket
	}{
		{name: "right password", client: "svc-crm@CONTOSO.COM"},
		{name: "right password, AES-128", kdc: testkit.KDC{Enctype: 17}, client: "svc-crm@CONTOSO.COM"},
		{name: "right password, SHA-2", kdc: testkit.KDC{Enctype: 20}, client: "svc-crm@CONTOSO.COM"},
		{name: "right password, 128 bits and SHA-2", kdc: testkit.KDC{Enctype: 19}, client: "svc-crm@CONTOSO.COM"},
		{name: "a salt of its own", kdc: testkit.KDC{Salt: "CONTOSO.COMoldname"}, client: "svc-crm@CONTOSO.COM"},
		{name: "a salt that is not ASCII", kdc: testkit.KDC{Salt: "CONTOSO.COMsvc-ümlaut"}, client: "svc-crm@CONTOSO.COM"},
		{name: "more iterations", kdc: testkit.KDC{Params: []byte{0, 0, 0x20, 0}}, client: "svc-crm@CONTOSO.COM"},
		{name: "no hints", kdc: testkit.KDC{NoHints: true}, client: "svc-crm@CONTOSO.COM"},
		{name: "realm typed in lower case", user: "svc-crm@contoso.com", client: "svc-crm@CONTOSO.COM"},
		{name: "name in another case", kdc: testkit.KDC{LieClient: "SVC-CRM"}, client: "SVC-CRM@CONTOSO.COM"},
		{name: "UPN with a foreign suffix", kdc: testkit.KDC{Canonical: "svc-crm"}, user: "first.last@fabrikam.example", client: "svc-crm@CONTOSO.COM"},

		{name: "wrong password", password: "wrong", code: CodePreauthFailed},
		{name: "revoked", kdc: testkit.KDC{Refuse: errorcode.KDC_ERR_CLIENT_REVOKED, Status: 0xC0000234}, code: CodeClientRevoked},
		{name: "unknown", kdc: testkit.KDC{Unknown: true}, code: CodeClientUnknown},
		{name: "key expired", kdc: testkit.KDC{Refuse: errorcode.KDC_ERR_KEY_EXPIRED}, code: CodeKeyExpired},
		{name: "clock ten minutes off", skew: 10 * time.Minute, code: errorcode.KRB_AP_ERR_SKEW},
		{name: "no pre-authentication", kdc: testkit.KDC{Open: true}, open: true},
		{name: "no pre-authentication, and it lies", kdc: testkit.KDC{Open: true, LieKey: true}, open: true},

		{name: "another key", kdc: testkit.KDC{LieKey: true}, err: ErrUntrusted},
		{name: "another nonce", kdc: testkit.KDC{LieNonce: true}, err: ErrUntrusted},
		{name: "another realm", kdc: testkit.KDC{LieRealm: "FABRIKAM.COM"}, err: ErrUntrusted},
		{name: "another client", kdc: testkit.KDC{LieClient: "administrator"}, err: ErrUntrusted},
		{name: "another realm for a UPN", kdc: testkit.KDC{Canonical: "svc-crm", LieRealm: "FABRIKAM.COM"}, user: "first.last@fabrikam.example", err: ErrUntrusted},
		{name: "another service", kdc: testkit.KDC{LieService: true}, err: ErrUntrusted},
		{name: "another service's ticket", kdc: testkit.KDC{LieTicket: true}, err: ErrUntrusted},
		{name: "reply under RC4", kdc: testkit.KDC{ReplyEnctype: etypeID.RC4_HMAC}, err: ErrEnctype},
		{name: "session key for RC4", kdc: testkit.KDC{SessionEnctype: etypeID.RC4_HMAC}, err: ErrEnctype},
		{name: "session key of a wrong length", kdc: testkit.KDC{SessionEnctype: etypeID.AES256_CTS_HMAC_SHA1_96}, err: ErrEnctype},

		{name: "no iterations to speak of", kdc: testkit.KDC{Params: []byte{0, 0, 0, 1}}, err: ErrParameters},
		{name: "just too few iterations", kdc: testkit.KDC{Params: []byte{0, 0, 0x0f, 0xff}}, err: ErrParameters},
		{name: "too many iterations", kdc: testkit.KDC{Params: []byte{0, 1, 0, 1}}, err: ErrParameters},
		{name: "iterations in three bytes", kdc: testkit.KDC{Params: []byte{0, 0, 16}}, err: ErrParameters},
		{name: "endless salt", kdc: testkit.KDC{Salt: strings.Repeat("s", maxSalt+1)}, err: ErrParameters},
	} {
		t.Run(c.name, func(t *testing.T) {
			user, password := c.user, c.password
			if user == "" {
				user = "svc-crm"
			}
			if password == "" {
				password = testkit.Password
			}
			a, err := signIn(t, &c.kdc, user, password, testkit.Noon.Add(c.skew))
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				if !cmp.Equal(a, Answer{}) {
					t.Errorf("an answer beside the error: %+v", a)
				}
				return
			}
			if a.WithoutPreauth != c.open || (a.Error != nil) != (c.code != 0) || (a.Ticket != nil) != (c.client != "") {
				t.Fatalf("%+v", a)
			}
			if a.Error != nil {
				if a.Error.Code != c.code || !a.Error.Time.Equal(testkit.Noon) || a.Error.Status != c.kdc.Status {
					t.Errorf("%+v", a.Error)
				}
			}
			if tgt := a.Ticket; tgt != nil {
				if tgt.Client.String() != c.client || !tgt.TicketGranting() || !tgt.End.Equal(testkit.Noon.Add(10*time.Hour).Truncate(time.Second)) {
					t.Errorf("%v", tgt)
				}
			}
		})
	}
}

// A KDC that lists several enctypes is taken at its first AES one; one that has
// none is not answered.
func TestEnctypeChoice(t *testing.T) {
	rc4 := types.ETypeInfo2Entry{EType: etypeID.RC4_HMAC}
	for _, c := range []struct {
		offered []types.ETypeInfo2Entry
		want    int32
	}{
		{[]types.ETypeInfo2Entry{rc4, {EType: 17}, {EType: 18}}, 17},
		{[]types.ETypeInfo2Entry{rc4}, 0},
	} {
		r := freeRequest(t, "svc-crm")
		a, err := r.Read((&testkit.KDC{}).Refusal(t, CodePreauthRequired, testkit.ETypeInfo(t, c.offered...)))
		if err != nil {
			t.Fatal(err)
		}
		made, err := WithPassword(client(t, "svc-crm"), testkit.Password, a.Error, testkit.Noon)
		if c.want == 0 {
			if !errors.Is(err, ErrEnctype) || !strings.Contains(err.Error(), "rc4-hmac") {
				t.Errorf("%v", err)
			}
			continue
		}
		var m messages.ASReq
		if err != nil || m.Unmarshal(made.Raw) != nil || !slices.Equal(m.ReqBody.EType, []int32{c.want}) {
			t.Errorf("%+v, %v", m, err)
		}
	}
}

// The password must not be in what is printed of a request, the session key not
// in what is printed of a ticket, whatever the verb.
func TestNothingPrintsSecrets(t *testing.T) {
	r, err := WithPassword(client(t, "svc-crm"), testkit.Password, nil, testkit.Noon)
	if err != nil {
		t.Fatal(err)
	}
	a, err := signIn(t, &testkit.KDC{}, "svc-crm", testkit.Password, testkit.Noon)
	if err != nil {
		t.Fatal(err)
	}
	tgs, err := NewTGSRequest(*a.Ticket, service(t, testkit.Service), testkit.Noon)
	if err != nil {
		t.Fatal(err)
	}
	kt, err := ReadKeytab(keytabFile(t, keytabKey{"svc-crm", testkit.Realm, 1, 18}))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := ReadCCache(cacheFile{entries: []cacheTicket{ticketEntry(t, a.Ticket)}}.bytes(4))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value any
		want  string
	}{
		{r, "AS-REQ for svc-crm@CONTOSO.COM with aes256-cts-hmac-sha1-96"},
		{&r, "AS-REQ for svc-crm@CONTOSO.COM with aes256-cts-hmac-sha1-96"},
		{*a.Ticket, "ticket of svc-crm@CONTOSO.COM for krbtgt/CONTOSO.COM@CONTOSO.COM until 2026-11-25T22:00:00Z"},
		{a.Ticket, "ticket of svc-crm@CONTOSO.COM for krbtgt/CONTOSO.COM@CONTOSO.COM until 2026-11-25T22:00:00Z"},
		{tgs, "TGS-REQ of svc-crm@CONTOSO.COM for HTTP/mail.contoso.com@CONTOSO.COM"},
		{kt, "keytab with svc-crm@CONTOSO.COM (aes256-cts-hmac-sha1-96)"},
		{cache, "credential cache of svc-crm@CONTOSO.COM with tickets for krbtgt/CONTOSO.COM@CONTOSO.COM"},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, c.value); got != c.want {
				t.Errorf("%s: %q, want %q", verb, got, c.want)
			}
		}
	}
}
