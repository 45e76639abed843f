package testkit

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// KDCServer listens for Kerberos over TCP (RFC 4120 7.2.2: each message behind its
// length in four bytes).
type KDCServer struct {
	Address string
	seen    list[string]
}

// Kinds of requests, as Seen has them.
const (
	Ask    = "ask"    // AS-REQ without pre-authentication
	Logon  = "logon"  // AS-REQ with pre-authentication
	Ticket = "ticket" // TGS-REQ
)

// Truthful is a KDC that answers as k does.
func Truthful(t testing.TB, k *KDC) *KDCServer {
	t.Helper()
	var turn sync.Mutex
	return StartKDC(t, func(c net.Conn, kind string, request []byte) {
		turn.Lock()
		defer turn.Unlock()
		_, _ = c.Write(Frame(k.Answer(t, request)))
	})
}

// StartKDC is a KDC that does whatever answer does on the connection.
func StartKDC(t testing.TB, answer func(c net.Conn, kind string, request []byte)) *KDCServer {
	t.Helper()
	k := &KDCServer{}
	k.Address = Listen(t, func(c net.Conn) {
		var head [4]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > 1<<20 {
			t.Errorf("a request of %d bytes", n)
			return
		}
		request := make([]byte, n)
		if _, err := io.ReadFull(c, request); err != nil {
			t.Errorf("a request that ends too early: %v", err)
			return
		}
		kind := kindOf(t, request)
		k.seen.add(kind)
		answer(c, kind, request)
	})
	return k
}

// Seen are the requests so far.
func (k *KDCServer) Seen() []string { return k.seen.all() }

func kindOf(t testing.TB, request []byte) string {
	if len(request) == 0 || request[0] != 0x6a { // [APPLICATION 10]
		return Ticket
	}
	var q messages.ASReq
	if err := q.Unmarshal(request); err != nil {
		t.Errorf("a request that cannot be read: %v", err)
		return ""
	}
	if slices.ContainsFunc(q.PAData, func(p types.PAData) bool { return p.PADataType == patype.PA_ENC_TIMESTAMP }) {
		return Logon
	}
	return Ask
}

// Frame puts the length before a message.
func Frame(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
}

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
