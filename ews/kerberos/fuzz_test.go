package kerberos

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"

	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// oneOf fails for an error of none of these kinds.
func oneOf(t *testing.T, err error, kinds ...error) {
	t.Helper()
	for _, k := range kinds {
		if errors.Is(err, k) {
			return
		}
	}
	t.Fatalf("an error of another kind: %v", err)
}

func fit(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !utf8.ValidString(s) || len(s) > 3*maxText || strings.ContainsAny(s, "\n\r\x1b") {
			t.Fatalf("%q", s)
		}
	}
}

func checkAnswer(t *testing.T, a Answer) {
	t.Helper()
	set := 0
	if e := a.Error; e != nil {
		set++
		fit(t, e.Name, e.Text, e.StatusName)
		if _, err := e.Time.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	}
	if a.Ticket != nil {
		set++
		if _, err := a.Ticket.End.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	}
	if a.WithoutPreauth {
		set++
	}
	if set != 1 {
		t.Fatalf("%+v", a)
	}
}

// FuzzAnswer reads whatever a KDC may say to each of the three requests, and
// makes the next request of it.
func FuzzAnswer(f *testing.F) {
	free, account := freeRequest(f, "svc-crm"), client(f, "svc-crm")
	proved, err := WithPassword(account, testkit.Password, nil, testkit.Noon)
	if err != nil {
		f.Fatal(err)
	}
	tgs, err := NewTGSRequest(*ticketGrantingTicket(f, testkit.Noon), service(f, testkit.Service), testkit.Noon)
	if err != nil {
		f.Fatal(err)
	}
	for _, k := range []testkit.KDC{{}, {Open: true}, {Refuse: CodeClientRevoked, Status: 0xC0000072}, {LieNonce: true}, {Params: []byte{0, 0, 32, 0}}} {
		for _, r := range [][]byte{free.Raw, proved.Raw, tgs.Raw} {
			f.Add(k.Answer(f, r))
		}
	}
	kt, err := ReadKeytab(keytabFile(f, keytabKey{"svc-crm", testkit.Realm, 1, 18}))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, read := range []func([]byte) (Answer, error){free.Read, proved.Read, tgs.Read} {
			a, err := read(raw)
			if err != nil {
				oneOf(t, err, ErrNotKerberos, ErrMalformed, ErrUntrusted, ErrEnctype)
				fit(t, err.Error())
				continue
			}
			checkAnswer(t, a)
			if a.Error == nil {
				continue
			}
			if _, err := WithPassword(account, testkit.Password, a.Error, testkit.Noon); err != nil {
				oneOf(t, err, ErrEnctype, ErrParameters)
			}
			if _, err := WithKeytab(account, kt, a.Error, testkit.Noon); err != nil {
				oneOf(t, err, ErrNoKey)
			}
		}
	})
}

// FuzzReply reads what a KDC that knows the password may have encrypted, and
// uses the ticket.
func FuzzReply(f *testing.F) {
	account := client(f, "svc-crm")
	proved, err := WithPassword(account, testkit.Password, nil, testkit.Noon)
	if err != nil {
		f.Fatal(err)
	}
	key, err := passwordKey(account, testkit.Password, nil)
	if err != nil {
		f.Fatal(err)
	}
	var k testkit.KDC
	var m messages.ASRep
	if err := m.Unmarshal(k.Answer(f, proved.Raw)); err != nil {
		f.Fatal(err)
	}
	plain, err := crypto.DecryptEncPart(m.EncPart, key, keyusage.AS_REP_ENCPART)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add([]byte{0x79, 0})
	f.Fuzz(func(t *testing.T, plain []byte) {
		sealed, err := crypto.GetEncryptedData(plain, key, keyusage.AS_REP_ENCPART, 1)
		if err != nil {
			t.Skip()
		}
		reply := m
		reply.EncPart = sealed
		a, err := proved.Read(testkit.Marshalled(t, reply.Marshal))
		if err != nil {
			oneOf(t, err, ErrMalformed, ErrUntrusted, ErrEnctype)
			fit(t, err.Error())
			return
		}
		checkAnswer(t, a)
		if _, err := a.Ticket.Token(nil, testkit.Noon); err != nil {
			t.Fatal(err)
		}
		if _, err := NewTGSRequest(*a.Ticket, service(t, testkit.Service), testkit.Noon); err != nil {
			oneOf(t, err, ErrName)
		}
	})
}

func FuzzCCache(f *testing.F) {
	c := cacheFile{[]cacheTicket{ticketEntry(f, ticketGrantingTicket(f, testkit.Noon))}}
	f.Add(c.bytes(3))
	f.Add(c.bytes(4))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ReadCCache(raw)
		if err != nil {
			oneOf(t, err, ErrCCache)
			return
		}
		fit(t, c.Client.String())
		for _, server := range []Principal{ticketGranting(testkit.Realm), service(t, testkit.Service)} {
			ticket, err := c.Service(server, testkit.Noon)
			if err != nil {
				oneOf(t, err, ErrNoTicket, ErrExpired, ErrEnctype, ErrMalformed)
				continue
			}
			if _, err := ticket.Token(nil, testkit.Noon); err != nil {
				oneOf(t, err, ErrMalformed)
			}
		}
	})
}

func FuzzKeytab(f *testing.F) {
	f.Add(keytabFile(f, keytabKey{"svc-crm", testkit.Realm, 1, 18}, keytabKey{"svc-crm", testkit.Realm, 2, 23}))
	f.Add([]byte{5, 1, 0, 0, 0, 0})
	account := client(f, "svc-crm")
	f.Fuzz(func(t *testing.T, raw []byte) {
		kt, err := ReadKeytab(raw)
		if err != nil {
			oneOf(t, err, ErrKeytab)
			return
		}
		if _, err := WithKeytab(account, kt, nil, testkit.Noon); err != nil {
			oneOf(t, err, ErrNoKey)
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(sampleConfig))
	f.Add([]byte("[realms]\nA = {\n}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ReadConfig(raw, nil)
		if err != nil {
			oneOf(t, err, ErrConfig)
			fit(t, err.Error())
			return
		}
		fit(t, c.DefaultRealm, c.Realm("mail.contoso.com"))
		for _, k := range c.KDCs(testkit.Realm) {
			fit(t, k)
		}
	})
}
