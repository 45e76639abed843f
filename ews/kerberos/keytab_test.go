package kerberos

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"

	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

type keytabKey struct {
	name, realm string
	version     uint8
	enctype     int32
}

// keytabFile makes a keytab of keys of testkit.Password.
func keytabFile(t testing.TB, keys ...keytabKey) []byte {
	t.Helper()
	kt := keytab.New()
	for _, k := range keys {
		if err := kt.AddEntry(k.name, k.realm, testkit.Password, testkit.Noon, k.version, k.enctype); err != nil {
			t.Fatal(err)
		}
	}
	return testkit.Marshalled(t, kt.Marshal)
}

func TestKeytabKey(t *testing.T) {
	hint := func(enctype int32) *KRBError {
		k := testkit.KDC{Enctype: enctype}
		a, err := freeRequest(t, "svc-crm").Read(k.Answer(t, freeRequest(t, "svc-crm").Raw))
		if err != nil {
			t.Fatal(err)
		}
		return a.Error
	}
	for _, c := range []struct {
		name    string
		keys    []keytabKey
		hint    *KRBError
		enctype int32  // of the key that is taken
		missing string // in the error
	}{
		{"the best", []keytabKey{{"svc-crm", testkit.Realm, 1, 23}, {"svc-crm", testkit.Realm, 1, 17}, {"svc-crm", testkit.Realm, 1, 18}}, nil, 18, ""},
		{"the newest", []keytabKey{{"svc-crm", testkit.Realm, 1, 18}, {"svc-crm", testkit.Realm, 2, 17}}, nil, 17, ""},
		{"what the KDC has", []keytabKey{{"svc-crm", testkit.Realm, 1, 18}, {"svc-crm", testkit.Realm, 1, 17}}, hint(17), 17, ""},
		{"case", []keytabKey{{"SVC-CRM", "contoso.com", 1, 18}}, nil, 18, ""},
		{"another account", []keytabKey{{"svc-other", testkit.Realm, 1, 18}}, nil, 0, "it has svc-other@CONTOSO.COM (aes256-cts-hmac-sha1-96)"},
		{"another realm", []keytabKey{{"svc-crm", "FABRIKAM.COM", 1, 18}}, nil, 0, "it has svc-crm@FABRIKAM.COM"},
		{"RC4 alone", []keytabKey{{"svc-crm", testkit.Realm, 1, 23}}, nil, 0, "svc-crm@CONTOSO.COM (rc4-hmac)"},
		{"not what the KDC has", []keytabKey{{"svc-crm", testkit.Realm, 1, 17}}, hint(18), 0, "the KDC takes aes256-cts-hmac-sha1-96"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kt, err := ReadKeytab(keytabFile(t, c.keys...))
			if err != nil {
				t.Fatal(err)
			}
			r, err := WithKeytab(client(t, "svc-crm"), kt, c.hint, testkit.Noon)
			if c.missing != "" {
				if !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), c.missing) {
					t.Error(err)
				}
				return
			}
			var m messages.ASReq
			if err != nil || m.Unmarshal(r.Raw) != nil || len(m.ReqBody.EType) != 1 || m.ReqBody.EType[0] != c.enctype {
				t.Errorf("%v, %v", m.ReqBody.EType, err)
			}
		})
	}
}

func TestSignInWithKeytab(t *testing.T) {
	kt, err := ReadKeytab(keytabFile(t, keytabKey{"svc-crm", testkit.Realm, 3, 18}))
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]int32{testkit.Password: 0, "changed since": errorcode.KDC_ERR_PREAUTH_FAILED} {
		k := testkit.KDC{Password: password}
		r := freeRequest(t, "svc-crm")
		a, err := r.Read(k.Answer(t, r.Raw))
		if err != nil {
			t.Fatal(err)
		}
		if r, err = WithKeytab(client(t, "svc-crm"), kt, a.Error, testkit.Noon); err != nil {
			t.Fatal(err)
		}
		a, err = r.Read(k.Answer(t, r.Raw))
		if err != nil || want == 0 && a.Ticket == nil || want != 0 && (a.Error == nil || a.Error.Code != want) {
			t.Errorf("%+v, %v", a, err)
		}
	}
}

// Errors about a keytab quote nothing of it.
func TestBrokenKeytab(t *testing.T) {
	whole := keytabFile(t, keytabKey{"svc-crm", testkit.Realm, 1, 18})
	kt, err := ReadKeytab(whole)
	if err != nil {
		t.Fatal(err)
	}
	key := kt.entries[0].key.KeyValue
	long := []keytabKey{}
	for i := range 20 {
		long = append(long, keytabKey{fmt.Sprintf("svc-%d", i), testkit.Realm, 1, 18})
	}
	for n := range whole {
		if _, err := ReadKeytab(whole[:n]); err == nil {
			t.Errorf("%d bytes of %d are a keytab", n, len(whole))
		} else if !errors.Is(err, ErrKeytab) || strings.Contains(err.Error(), string(key[:4])) || strings.Contains(err.Error(), hex.EncodeToString(key[:4])) {
			t.Errorf("%q", err)
		}
	}
	if _, err := ReadKeytab(make([]byte, maxFile+1)); !errors.Is(err, ErrKeytab) {
		t.Error(err)
	}
	kt, err = ReadKeytab(keytabFile(t, long...))
	if err != nil || !strings.HasSuffix(kt.list(), ", 12 more") {
		t.Errorf("%v, %v", kt, err)
	}
}
