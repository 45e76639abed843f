package testkit

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Keytab is a file with svc-crm's key of the given password.
func Keytab(t testing.TB, password string) []byte {
	t.Helper()
	kt := keytab.New()
	good(t, kt.AddEntry("svc-crm", Realm, password, Noon, 1, etypeID.AES256_CTS_HMAC_SHA1_96))
	return Marshalled(t, kt.Marshal)
}

// CCache is a file (version 4 of the format) with svc-crm's tickets for the
// given services, "krbtgt/CONTOSO.COM" for instance, good until end.
func CCache(t testing.TB, end time.Time, services ...string) []byte {
	t.Helper()
	word := binary.BigEndian.AppendUint32
	data := func(b, v []byte) []byte { return append(word(b, uint32(len(v))), v...) }
	principal := func(b []byte, kind uint32, names ...string) []byte {
		b = data(word(word(b, kind), uint32(len(names))), []byte(Realm))
		for _, n := range names {
			b = data(b, []byte(n))
		}
		return b
	}
	b := principal([]byte{5, 4, 0, 0}, 1, "svc-crm")
	client := types.PrincipalName{NameType: 1, NameString: []string{"svc-crm"}}
	for _, s := range services {
		names := strings.Split(s, "/")
		start := end.Add(-10 * time.Hour)
		ticket, key, err := messages.NewTicket(client, Realm, types.PrincipalName{NameType: 2, NameString: names}, Realm, types.NewKrbFlags(),
			ServiceKeys(t), etypeID.AES256_CTS_HMAC_SHA1_96, 1, start, start, end, end)
		good(t, err)
		b = principal(principal(b, 1, "svc-crm"), 2, names...)
		b = data(binary.BigEndian.AppendUint16(b, uint16(key.KeyType)), key.KeyValue)
		b = word(word(word(word(b, 0), 0), uint32(end.Unix())), 0)
		b = append(b, 0, 0, 0, 0, 0)
		b = word(word(b, 0), 0) // no addresses, no authorization data
		b = data(data(b, Marshalled(t, ticket.Marshal)), nil)
	}
	return b
}
