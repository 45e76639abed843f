package kerberos

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/test/testdata"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// cacheFile is a credential cache to be written.
type cacheFile struct{ entries []cacheTicket }

type cacheTicket struct {
	client, server Principal
	key            types.EncryptionKey
	end            time.Time
	ticket         []byte
}

func ticketEntry(t testing.TB, ticket *Ticket) cacheTicket {
	t.Helper()
	return cacheTicket{ticket.Client, ticket.Server, ticket.key, ticket.End, testkit.Marshalled(t, ticket.ticket.Marshal)}
}

func (c cacheFile) bytes(version byte) []byte {
	word := binary.BigEndian.AppendUint32
	short := binary.BigEndian.AppendUint16
	data := func(b, v []byte) []byte { return append(word(b, uint32(len(v))), v...) }
	principal := func(b []byte, p Principal) []byte {
		b = data(word(word(b, uint32(p.Type)), uint32(len(p.Components))), []byte(p.Realm))
		for _, c := range p.Components {
			b = data(b, []byte(c))
		}
		return b
	}
	b := []byte{5, version}
	if version == 4 {
		b = append(b, 0, 12, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0) // the KDC's clock
	}
	b = principal(b, Principal{1, []string{"svc-crm"}, testkit.Realm})
	for _, e := range c.entries {
		b = principal(principal(b, e.client), e.server)
		b = short(b, uint16(e.key.KeyType))
		if version == 3 {
			b = short(b, uint16(e.key.KeyType))
		}
		b = data(b, e.key.KeyValue)
		b = word(word(word(word(b, 0), 0), uint32(e.end.Unix())), 0)
		b = append(b, 0, 0, 0, 0, 0)
		b = data(short(word(b, 1), 2), []byte{127, 0, 0, 1}) // one address
		b = word(b, 0)                                       // no authorization data
		b = data(data(b, e.ticket), nil)
	}
	return b
}

func TestCacheTickets(t *testing.T) {
	tgt := ticketGrantingTicket(t, testkit.Noon)
	a, err := ask(t, &testkit.KDC{}, tgt, testkit.Service)
	if err != nil {
		t.Fatal(err)
	}
	old := ticketEntry(t, tgt)
	old.end = testkit.Noon.Add(-time.Hour).Truncate(time.Second)
	rc4 := ticketEntry(t, tgt)
	rc4.server = service(t, "HTTP/old.contoso.com")
	rc4.key = types.EncryptionKey{KeyType: 23, KeyValue: make([]byte, 16)}
	setting := cacheTicket{client: tgt.Client, server: Principal{0, []string{"krb5_ccache_conf_data", "pa_type"}, "X-CACHECONF:"}, ticket: []byte("2")}

	for _, version := range []byte{3, 4} {
		c, err := ReadCCache(cacheFile{[]cacheTicket{setting, old, ticketEntry(t, tgt), ticketEntry(t, a.Ticket), rc4}}.bytes(version))
		if err != nil {
			t.Fatal(err)
		}
		if c.Client.String() != "svc-crm@CONTOSO.COM" || strings.Contains(c.list(), "CACHECONF") {
			t.Errorf("%v", c)
		}
		for _, realm := range []string{"", "contoso.com"} {
			got, err := c.TGT(realm, testkit.Noon)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(tgt) {
				t.Fatalf("%v, %v", got, err)
			}
			// It is as good as the one from the KDC.
			if a, err := ask(t, &testkit.KDC{}, got, testkit.Service); err != nil || a.Ticket == nil {
				t.Errorf("%+v, %v", a, err)
			}
		}
		if got, err := c.Service(service(t, testkit.Service), testkit.Noon); err != nil || fmt.Sprint(got) != fmt.Sprint(a.Ticket) {
			t.Errorf("%v, %v", got, err)
		}
		if _, err := c.Service(rc4.server, testkit.Noon); !errors.Is(err, ErrEnctype) {
			t.Error(err)
		}
		if _, err := c.TGT("FABRIKAM.COM", testkit.Noon); !errors.Is(err, ErrNoTicket) || !strings.Contains(err.Error(), "HTTP/mail.contoso.com@CONTOSO.COM") {
			t.Error(err)
		}
		if _, err := c.TGT("", tgt.End); !errors.Is(err, ErrExpired) || !strings.Contains(err.Error(), " expired at "+tgt.End.Format(time.RFC3339)) {
			t.Error(err)
		}
	}
}

// A cache that MIT krb5 wrote, against the library's reader.
func TestCacheAsLibrary(t *testing.T) {
	raw, err := hex.DecodeString(testdata.CCACHE_TEST)
	if err != nil {
		t.Fatal(err)
	}
	var want credentials.CCache
	if err := want.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	c, err := ReadCCache(raw)
	if err != nil {
		t.Fatal(err)
	}
	entries := want.GetEntries()
	if len(entries) == 0 || len(entries) != len(c.entries) || c.Client.Realm != want.GetClientRealm() || !c.Client.wire().Equal(want.GetClientPrincipalName()) {
		t.Fatalf("%v", c)
	}
	for i, w := range entries {
		e := c.entries[i]
		if e.server.Realm != w.Server.Realm || !e.server.wire().Equal(w.Server.PrincipalName) || !e.client.wire().Equal(w.Client.PrincipalName) ||
			e.key.KeyType != w.Key.KeyType || string(e.key.KeyValue) != string(w.Key.KeyValue) || !e.end.Equal(w.EndTime) || string(e.ticket) != string(w.Ticket) {
			t.Errorf("entry %d: %v", i, e.server)
		}
	}
}

func TestBrokenCache(t *testing.T) {
	whole := cacheFile{[]cacheTicket{ticketEntry(t, ticketGrantingTicket(t, testkit.Noon))}}.bytes(4)
	bare := len(cacheFile{}.bytes(4)) // a cache without tickets is whole, too
	for n := range whole {
		if _, err := ReadCCache(whole[:n]); !errors.Is(err, ErrCCache) && n != bare {
			t.Errorf("%d bytes of %d: %v", n, len(whole), err)
		}
	}
	for name, raw := range map[string][]byte{
		"a keytab":          {5, 2, 0, 0},
		"a text":            []byte("FILE:/tmp/krb5cc_0"),
		"too long":          make([]byte, maxFile+1),
		"endless name":      {5, 3, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff},
		"endless realm":     {5, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff},
		"endless addresses": append(whole[:len(whole)-40:len(whole)-40], 0xff, 0xff, 0xff, 0xff),
	} {
		if _, err := ReadCCache(raw); !errors.Is(err, ErrCCache) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := ticketEntry(t, ticketGrantingTicket(t, testkit.Noon))
	e.ticket = []byte("no ticket")
	c, err := ReadCCache(cacheFile{[]cacheTicket{e}}.bytes(4))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.TGT("", testkit.Noon); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}
